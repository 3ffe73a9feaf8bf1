"""Faults of the prior library in naming and keeping things, each as a test that passes here."""

from __future__ import annotations

import os
import random
import stat
from pathlib import Path

import pytest

from pylightnix import (
    Build,
    DRef,
    InvalidConfig,
    InvalidName,
    InvalidRef,
    MatcherUnsatisfied,
    NotInStore,
    RRef,
    Store,
    build_outpath,
    build_wrapper,
    dref2path,
    find,
    instantiate,
    isdref,
    linkrref,
    lsref,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    mkname,
    realize,
    realize_many,
    rmref,
    rref2dref,
    rref2path,
    selfref,
    store_config,
    store_rrefs,
    use_store,
)
from pylightnix.store.query import Corrupt
from stages_for_tests import (
    Link,
    Program,
    Tree,
    acl_of,
    all_faults,
    constant,
    foreign,
    in_memory,
    lines_of,
    noisy,
    plant,
    put,
    python,
    text_of,
)

pytestmark = pytest.mark.usefixtures("current")


def planted(tree: Tree, name: str = "thing") -> RRef:
    """Realize a stage that makes this tree."""

    def build(b: Build) -> None:
        plant(build_outpath(b), tree)

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": name}), match_latest(), build_wrapper(build))

    return realize(instantiate(stage), force_rebuild=True)


def test_the_same_bytes_under_other_names_or_cut_elsewhere_are_another_realization() -> None:
    """Contents were hashed one after the other without names, lengths or kinds: {a: xy} got the
    name of {b: x, c: y}, and whoever built the second was silently given the first."""
    trees: list[Tree] = [
        {"a": "xy"},
        {"b": "x", "c": "y"},
        {"z": "xy"},
        {"a": Program("xy")},
        {"a": "xy", "empty": None},
        {"d/a": "xy"},
    ]
    found = [planted(tree) for tree in trees]
    assert len(set(found)) == len(trees)
    assert (rref2path(found[1]) / "c").read_text() == "y"


def test_equal_trees_made_in_any_order_on_any_file_system_have_one_name(
    store: Store, tmp_path: Path
) -> None:
    """Eight identical trees, made in different order, had one name on ext4 and eight on tmpfs:
    what the system listed first was hashed first."""
    names = [f"d{i}/{leaf}" for i in range(6) for leaf in ("x", "y", "z/w")]
    found = set()
    with in_memory(tmp_path) as folder:
        tmpfs = Store.open(folder / "root", create=True, durability="none")
        for seed in range(8):
            shuffled = random.Random(seed).sample(names, len(names))
            for where in (store, tmpfs):
                found.add(put(where, {name: name for name in shuffled}))
    assert len(found) == 1


def test_a_link_to_nowhere_is_stored_as_a_link() -> None:
    """A dangling symlink ended the hashing with FileNotFoundError."""
    rref = planted({"l": Link("nowhere"), "loop": Link("loop")})
    assert os.readlink(rref2path(rref) / "l") == "nowhere"
    assert lsref(rref) == ["l", "loop"]


def test_what_a_link_points_to_does_not_count_in_the_name(tmp_path: Path) -> None:
    """The contents behind links that lead out were read into the hash, so a name depended on
    what happened to be elsewhere on the machine."""
    outside = tmp_path / "outside"
    outside.write_text("one")
    first = planted({"l": Link(str(outside))})
    outside.write_text("two")
    assert planted({"l": Link(str(outside))}) == first


def test_artifacts_are_really_read_only_and_what_links_point_to_keeps_its_mode(
    tmp_path: Path,
) -> None:
    """Files stayed 0644, while folders outside that a link pointed to were made 0555."""
    outside = plant(tmp_path / "outside", {"f": "x"})
    outside.chmod(0o755)
    (outside / "f").chmod(0o640)
    rref = planted({"f": "x", "d/g": "y", "l": Link(str(outside)), "m": Link(f"{outside}/f")})
    assert {mode & 0o222 for mode in acl_of(rref2path(rref)).values()} == {0}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert stat.S_IMODE((outside / "f").stat().st_mode) == 0o640


def test_a_derivation_has_one_name_in_every_process() -> None:
    """A hash of code used Python's own `hash()`, which differs from process to process: nothing
    that depended on it was ever found again."""
    program = (
        "from stages_for_tests import *; from pylightnix import *\n"
        "fields = {'b': {'y': 1, 'x': [True, None]}, 'a': {'z', 'w'} and 'text', 'f': 0.1}\n"
        "r = Registry()\n"
        "print(mkdrv(mkconfig(fields), match_latest(), build_wrapper(lambda b: None), r=r))"
    )
    told = {python(program, PYTHONHASHSEED=seed).stdout for seed in ("0", "1", "random")}
    assert len(told) == 1
    assert isdref(told.pop().strip())


def test_a_stage_is_found_again_by_another_process(store: Store, tmp_path: Path) -> None:
    """Three runs made three derivations and built three times."""
    journal = tmp_path / "journal"
    program = (
        "import sys; from pathlib import Path\n"
        "from stages_for_tests import *; from pylightnix import *\n"
        "print(realize(instantiate(noisy, 'a', journal=Path(sys.argv[1]))))"
    )
    root = str(Path(store.objects).parent)
    told = {
        python(program, str(journal), PYTHONHASHSEED=seed, PYLIGHTNIX_ROOT=root).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert lines_of(journal) == ["a"]


def test_a_second_result_does_not_make_a_stage_of_one_result_useless() -> None:
    """After one forced rebuild that came out otherwise, `match_only` raised a bare AssertionError
    forever, and nothing said how to get out of it."""
    closure = instantiate(noisy, "a", matcher=match_only())
    first = realize(closure)
    for force in (True, ()):
        with pytest.raises(MatcherUnsatisfied, match="rmref") as caught:
            realize(closure, force_rebuild=force)
        assert "match_latest" in str(caught.value)
    [second] = set(store_rrefs(closure.targets[0])) - {first}
    assert realize(instantiate(noisy, "a", matcher=match_latest())) == second
    rmref(second)
    assert realize(closure) == first


def test_equal_outputs_are_counted_as_one_and_that_is_said() -> None:
    """Two equal outputs silently became one where two were asked for."""

    def stage() -> DRef:
        return mkdrv(
            mkconfig({"name": "same"}), match_latest(2), build_wrapper(lambda b: None, nouts=2)
        )

    with pytest.raises(MatcherUnsatisfied, match="2 outputs were built, 1 of them different"):
        realize_many(instantiate(stage))


def test_newer_counts(store: Store) -> None:
    """`find(newer=...)` ignored its argument."""
    old = put(store, {}, "old", stop="2001-01-01T00:00:00.000000+00:00")
    new = realize(instantiate(constant, "new"))
    assert set(find()) == {old, new}
    assert find(newer=-60) == [new]


def test_links_into_the_store_can_be_told_and_files_beside_them_do_no_harm(tmp_path: Path) -> None:
    """Looking for links that keep objects alive ended in NameError."""
    from pylightnix import gc, path2rref

    rref = realize(instantiate(constant, "a"))
    link = linkrref(rref, tmp_path)
    assert path2rref(link) == rref
    assert rref not in {dead.ref for dead in gc(keep=[tmp_path], grace_s=0).dead}
    assert lsref(rref) == ["text"]


def test_a_derivation_lists_its_realizations_and_not_its_config() -> None:
    """`lsref` of a derivation listed config.json among the realizations."""
    rref = realize(instantiate(constant, "a"))
    assert lsref(rref2dref(rref)) == [rref]


def test_folders_inside_folders_travel_between_stores(store: Store, tmp_path: Path) -> None:
    """Copying a closure failed on every output that had a folder in it."""
    rref = put(store, {"d/e/f": "x", "empty": None})
    other = Store.open(tmp_path / "other", create=True, durability="none")
    foreign(store, other)
    with use_store(other):
        assert store_rrefs(rref2dref(rref)) == [rref]
        assert (rref2path(rref) / "d/e/f").read_text() == "x"


def test_the_store_is_the_one_that_was_passed(tmp_path: Path) -> None:
    """Some functions took a store and looked into another one."""
    other = Store.open(tmp_path / "other", create=True, durability="none")
    rref = put(other, {"a": "x"})
    assert str(rref2path(rref, store=other)).startswith(other.objects)
    with pytest.raises(NotInStore):
        rref2path(rref)


def test_a_damaged_artifact_is_never_given_as_valid(store: Store, tmp_path: Path) -> None:
    """Nothing was ever compared with its hash: what came damaged from elsewhere was as good as
    any other."""
    closure = instantiate(noisy, "a")
    rref = realize(closure)
    other = Store.open(tmp_path / "other", create=True, durability="none")
    foreign(store, other)
    victim = rref2path(rref, store=other)
    with use_store(store):
        assert realize(closure) == rref
    path = Path(other.objects) / rref[38:] / rref[5:37] / "text"
    assert path.parent == victim
    path.chmod(0o644)
    path.write_text("forged")
    from pylightnix.store.fsys import delete_tree

    delete_tree(other.var)
    with use_store(other):
        assert store_rrefs(rref2dref(rref)) == []
        with pytest.raises(Corrupt):
            rref2path(rref)
        again = realize(instantiate(noisy, "a"))
        assert again != rref
        assert text_of(other, again) != "forged"


def test_a_config_that_was_overwritten_is_never_given(store: Store) -> None:
    """A config.json of `{}` was read as the config of the derivation."""
    closure = instantiate(constant, "a", text="x")
    path = dref2path(closure.targets[0]) / "config.json"
    path.chmod(0o644)
    path.write_text("{}")
    with pytest.raises(Corrupt, match="is damaged"):
        store_config(closure.targets[0])
    assert text_of(store, realize(instantiate(constant, "a", text="x"))) == "x"
    assert store_config(closure.targets[0]) == closure.derivations[0].config
    assert all_faults(store) == []


@pytest.mark.parametrize(
    "path", [["..", "..", "x"], ["a", "..", "..", "x"], ["/etc/passwd"], ["a/../../x"], ["."]]
)
def test_a_path_inside_a_derivation_cannot_lead_out_of_it(path: list[str]) -> None:
    """`[selfref, '..', '..', 'x']` was a path outside of the store."""
    with pytest.raises(InvalidConfig, match=r"config\.out\[\d\]: .* cannot be a part"):
        mkconfig({"out": [selfref, *path]})


@pytest.mark.parametrize(
    "text", ["dref:../../../../etc-passwd", f"dref:{'0' * 32}-a/b", f"dref:{'0' * 31}/-ab"]
)
def test_a_reference_has_no_slashes_in_it(text: str) -> None:
    """Anything that began with `dref:` and was long enough passed, slashes included."""
    assert not isdref(text)
    with pytest.raises(InvalidRef):
        DRef(text)
    assert realize(instantiate(constant, "a", text=text))  # a text like others


def test_a_text_that_looks_like_a_reference_says_what_it_is_taken_for() -> None:
    """A config with a text that looked like a derivation ended in FileNotFoundError."""
    from pylightnix import UnknownDependency

    unknown = f"dref:{'0' * 32}-unknown"
    with pytest.raises(UnknownDependency, match=unknown):
        instantiate(constant, "a", note=unknown)


def test_a_name_ends_where_it_ends() -> None:
    r"""A pattern that ended in `$` let a name through that ended in a line feed."""
    for bad in ("name\n", "\nname", "name\r", "name\0", "na\nme"):
        with pytest.raises(InvalidName):
            mkname(bad)
        with pytest.raises(InvalidName):
            instantiate(constant, bad)
        with pytest.raises(InvalidRef):
            DRef(f"dref:{'0' * 32}-{bad}")


def test_another_thread_does_not_write_into_a_store_that_nobody_chose() -> None:
    """A store chosen in one thread was not that of the others, which silently wrote into the one
    in the home folder. Here `use_store` is of its thread, `store_initialize` is of the process
    (see tests/api/test_ambient.py), and a store is only made when that is asked."""
    import threading

    from pylightnix import NoStore, current_store

    seen: list[object] = []

    def work() -> None:
        try:
            seen.append(current_store())
        except NoStore as error:
            seen.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert isinstance(seen[0], NoStore)  # and not somebody's home


def test_large_files_do_not_fill_the_memory(store: Store, tmp_path: Path) -> None:
    """Whole files were read into memory to hash them: 256 MB of artifact took 300 MB."""
    program = (
        "import resource, sys\n"
        "from stages_for_tests import *; from pylightnix import *\n"
        "def build(b):\n"
        "    with open(build_outpath(b) / 'big', 'wb') as file:\n"
        "        file.truncate(64 << 20)\n"
        "def stage():\n"
        "    return mkdrv(mkconfig({'name': 'big'}), match_only(), build_wrapper(build))\n"
        "realize(instantiate(constant, 'warm'))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "realize(instantiate(stage))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = python(program, PYLIGHTNIX_ROOT=str(Path(store.objects).parent))
    assert int(done.stdout) < 20_000, done.stderr
