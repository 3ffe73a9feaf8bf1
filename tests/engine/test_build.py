"""The builder's side: what it is told, and where it may write."""

from __future__ import annotations

import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import (
    AmbiguousResult,
    Build,
    BuildFailed,
    DRef,
    InvalidRef,
    InvalidValue,
    ProgramFailed,
    RealizeError,
    RRef,
    Store,
    build_cattrs,
    build_config,
    build_context,
    build_deref,
    build_environ,
    build_name,
    build_outpath,
    build_outpaths,
    build_path,
    build_paths,
    build_run,
    build_wrapper,
    config_dict,
    dirro,
    dirrw,
    instantiate,
    match_latest,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    realize,
    realize_many,
    rref2path,
    selfref,
)
from stages_for_tests import Link, Program, acl_of, constant, noisy, plant, write_text

pytestmark = pytest.mark.usefixtures("current")


def inside(look: Callable[[Build], object], *deps: DRef, **fields: object) -> DRef:
    """A derivation whose builder looks round."""

    def build(b: Build) -> None:
        look(b)

    config = mkconfig({"name": "looker", "deps": list(deps), **fields})
    return mkdrv(config, match_latest(), build_wrapper(build))


def cause_of(stage: Callable[[], DRef]) -> BaseException | None:
    """Why a build fails."""
    with pytest.raises(BuildFailed) as caught:
        realize(instantiate(stage))
    return caught.value.__cause__


def test_a_builder_knows_what_it_builds(store: Store) -> None:
    seen: list[object] = []

    def look(b: Build) -> None:
        seen.append((b.store == store, b.dref, build_name(b), config_dict(build_config(b))["lr"]))
        seen.append((build_cattrs(b).lr, build_cattrs(b).out, b.rindex, repr(b)))

    closure = instantiate(lambda: inside(look, lr=0.1, out=[selfref, "text"], name="mine"))
    [dref] = closure.targets
    with pytest.raises(RealizeError):
        realize(closure)
    assert seen == [
        (True, dref, "mine", 0.1),
        (0.1, [dref, "text"], 0, f"<Build of {dref}>"),
    ]


def test_the_output_folder_is_made_on_first_use_in_the_stores_scratch(store: Store) -> None:
    def look(b: Build) -> None:
        assert b.outpaths == []
        path = build_outpath(b)
        if not (path.is_dir() and build_outpath(b) == path == build_outpaths(b)[0]):
            raise ValueError(path)
        if not str(path).startswith(f"{store.var}/tmp/"):
            raise ValueError(path)

    rref = realize(instantiate(lambda: inside(look)))
    assert os.listdir(rref2path(rref)) == [".pylightnix"]


def test_a_builder_that_never_asks_makes_an_empty_realization() -> None:
    rref = realize(instantiate(lambda: inside(lambda b: None)))
    assert os.listdir(rref2path(rref)) == [".pylightnix"]


def test_one_output_folder_of_several_is_ambiguous() -> None:
    def stage() -> DRef:
        build = build_wrapper(lambda b: write_text(b, "x"), nouts=2)
        return mkdrv(mkconfig({"name": "two"}), match_some(2), build)

    assert isinstance(cause_of(stage), AmbiguousResult)


@pytest.mark.parametrize("nouts", [0, -1, "2", None, 1.5])
def test_a_build_has_at_least_one_output(nouts: object) -> None:
    with pytest.raises(InvalidValue, match="at least 1 output"):
        build_wrapper(lambda b: None, nouts)  # type: ignore[arg-type]


def module_builder(b: Build) -> None:
    """Documented."""


def test_a_realizer_keeps_the_name_of_its_function_and_travels() -> None:
    realizer = build_wrapper(module_builder)
    assert realizer.__name__ == "module_builder"
    assert realizer.__doc__ == "Documented."
    again = pickle.loads(pickle.dumps(realizer))
    assert again.function is module_builder


def test_dependencies_are_found_by_reference_and_by_path() -> None:
    seen: list[object] = []

    def stage() -> DRef:
        base = constant("base", text="deep")

        def look(b: Build) -> None:
            rref = build_deref(b, base)
            seen.append(build_context(b) == {base: (rref,)})
            seen.append(build_path(b, [base, "text"]).read_text())
            seen.append(build_path(b, [base]) == build_path(b, base) == rref2path(rref))  # type: ignore[arg-type]
            seen.append(build_paths(b, [base, "a", "b"]) == [rref2path(rref) / "a" / "b"])

        return inside(look, base)

    realize(instantiate(stage))
    assert seen == [True, "deep", True, True]


def test_its_own_promises_are_paths_in_the_output_folder() -> None:
    def look(b: Build) -> None:
        path = build_path(b, build_cattrs(b).out)
        if path != build_outpath(b) / "d" / "f" or path != build_path(b, [selfref, "d", "f"]):
            raise ValueError(path)
        path.parent.mkdir()
        path.write_text("kept")

    rref = realize(instantiate(lambda: inside(look, out=[selfref, "d", "f"])))
    assert (rref2path(rref) / "d/f").read_text() == "kept"


def test_what_is_no_direct_dependency_is_refused() -> None:
    def stage() -> DRef:
        base = constant("base")
        middle = constant("middle", base)
        return inside(lambda b: build_deref(b, base), middle)

    cause = cause_of(stage)
    assert "is not a direct dependency" in str(cause)
    assert "mention it in the config" in str(cause)


def test_several_realizations_of_a_dependency_are_asked_for_by_another_name() -> None:
    paths: list[list[Path]] = []
    refs: list[RRef] = []

    def stage(plural: bool) -> DRef:
        base = noisy("base", matcher=match_some(3))

        def look(b: Build) -> None:
            if plural:
                paths.append(build_paths(b, [base, "text"]))
                refs.extend(build_context(b)[base])
            else:
                build_path(b, [base, "text"])

        return inside(look, base, plural=plural)

    assert isinstance(cause_of(lambda: stage(False)), AmbiguousResult)
    realize(instantiate(stage, True))
    assert paths == [[rref2path(rref) / "text" for rref in refs]]
    assert len(refs) == 3


def test_a_dependency_of_which_nothing_was_chosen_has_no_path() -> None:
    def stage() -> DRef:
        base = mkdrv(mkconfig({"name": "b"}), lambda s, r: [], build_wrapper(lambda b: None))
        return inside(lambda b: build_deref(b, base), base)

    assert "chose none" in str(cause_of(stage))


BAD_PATHS = [
    ["..", "x"],
    [],
    [selfref, ".."],
    [selfref, "a/b"],
    [selfref, ""],
    [selfref, "/etc"],
    [selfref, "a\0b"],
    [selfref, 5],
    ["dref:xyz", "a"],
    5,
    None,
    "garbage",
    [["x"]],
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_what_is_no_path_inside_a_reference_is_refused(path: object) -> None:
    assert isinstance(cause_of(lambda: inside(lambda b: build_path(b, path))), InvalidRef)  # type: ignore[arg-type]


# Environments and programs


def test_the_environment_of_a_build_has_the_fields_of_its_config() -> None:
    seen: list[dict[str, str]] = []
    expected: list[dict[str, str]] = []

    def stage() -> DRef:
        base = constant("base", text="x")

        def look(b: Build) -> None:
            seen.append(build_environ(b, {"HOME": "/home", "lr": "old"}))
            folder = rref2path(build_deref(b, base))
            expected.append(
                {
                    "HOME": "/home",
                    "name": "looker",
                    "lr": "0.1",
                    "n": "3",
                    "flag": "True",
                    "base": str(folder),
                    "file": f"{folder}/text",
                    "out": f"{build_outpath(b)}/text",
                }
            )
            write_text(b, "")

        fields = {
            "lr": 0.1,
            "n": 3,
            "flag": True,
            "base": base,
            "file": [base, "text"],
            "out": [selfref, "text"],
            "nothing": None,
            "nested": {"a": 1},
            "numbers": [1, 2],
            "empty": [],
            "texts": ["a", "b"],
            "mixed": [base, 5],
        }
        return inside(look, **fields)

    realize(instantiate(stage))
    assert seen == expected


def test_the_environment_starts_with_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR_OF_THE_SKY", "blue")
    seen: list[str] = []
    realize(
        instantiate(lambda: inside(lambda b: seen.append(build_environ(b)["COLOUR_OF_THE_SKY"])))
    )
    assert seen == ["blue"]


def test_a_list_of_several_derivations_is_left_out_of_the_environment() -> None:
    seen: list[dict[str, str]] = []

    def stage() -> DRef:
        return inside(lambda b: seen.append(build_environ(b, {})), constant("a"), constant("c"))

    realize(instantiate(stage))
    assert seen == [{"name": "looker"}]


def test_a_program_runs_with_the_given_folder_and_environment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT", "kept")

    def look(b: Build) -> None:
        script = "echo $KEPT $ADDED; pwd; cat; echo oops >&2; touch made"
        build_run(b, ["sh", "-c", script], cwd=build_outpath(b), env={"ADDED": "added"})

    rref = realize(instantiate(lambda: inside(look)))
    assert (rref2path(rref) / "made").exists()
    lines = Path(store.var, "logs", rref).read_text().splitlines()
    assert lines[0].startswith("$ sh -c 'echo $KEPT")
    assert lines[1] == "kept added"
    assert lines[3:] == ["oops"]


def test_a_program_may_be_a_path_and_may_fail_if_that_is_wanted() -> None:
    seen: list[int] = []

    def look(b: Build) -> None:
        seen.append(build_run(b, [Path("/bin/sh"), "-c", "exit 3"], check=False))
        seen.append(build_run(b, ["sh", "-c", "kill -9 $$"], check=False))

    realize(instantiate(lambda: inside(look)))
    assert seen == [3, -9]


@pytest.mark.parametrize(
    ("argv", "text", "status"),
    [
        (["sh", "-c", "echo last words; exit 3"], "ended with status 3", 3),
        (["sh", "-c", "echo last words; kill -9 $$"], "was ended by signal 9", -9),
        (["/no/such/program"], "could not be started", None),
    ],
)
def test_a_program_that_fails_is_an_error(argv: list[str], text: str, status: int | None) -> None:
    cause = cause_of(lambda: inside(lambda b: build_run(b, argv)))
    assert isinstance(cause, ProgramFailed)
    assert text in str(cause)
    assert cause.status == status
    assert cause.argv == tuple(argv)
    assert status is None or "last words" in cause.tail
    again = pickle.loads(pickle.dumps(cause))
    assert str(again) == str(cause)


def test_only_the_end_of_a_long_log_is_shown() -> None:
    argv = ["sh", "-c", "seq 100000; exit 1"]
    cause = cause_of(lambda: inside(lambda b: build_run(b, argv)))
    assert isinstance(cause, ProgramFailed)
    assert cause.tail.splitlines() == [str(n) for n in range(99981, 100001)]


def test_the_log_of_a_build_is_that_of_the_last_one() -> None:
    runs: list[int] = []

    def look(b: Build) -> None:
        runs.append(1)
        build_run(b, ["echo", f"run {len(runs)}"])
        raise ValueError

    closure = instantiate(lambda: inside(look))
    with pytest.raises(BuildFailed):
        realize(closure)
    with pytest.raises(BuildFailed) as caught:
        realize(closure)
    log = Path(caught.value.log).read_text()
    assert log.startswith("$ echo 'run 2'\nrun 2\nTraceback")


def test_the_log_of_a_failed_build_ends_with_its_traceback() -> None:
    def look(b: Build) -> None:
        raise ValueError("no luck")

    with pytest.raises(BuildFailed) as caught:
        realize(instantiate(lambda: inside(look)))
    lines = Path(caught.value.log).read_text().splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", "ValueError: no luck")
    assert not [line for line in lines if "/pylightnix/engine/" in line]
    assert lines[-1] in caught.value.tail


# Trees


def test_a_copy_of_a_dependency_can_be_made_writable(tmp_path: Path) -> None:
    import shutil

    rref = realize(instantiate(lambda: inside(lambda b: plant(build_outpath(b), {"d/f": "x"}))))
    copy = tmp_path / "copy"
    shutil.copytree(rref2path(rref) / "d", copy)
    dirrw(copy)
    (copy / "new").write_text("x")
    (copy / "f").write_text("y")
    assert (rref2path(rref) / "d/f").read_text() == "x"


def test_read_only_is_for_everything_and_writable_is_for_the_owner(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": "x", "run": Program(), "d/e/f": "y"})
    dirro(top)
    assert {mode & 0o222 for mode in acl_of(top).values()} == {0}
    assert stat.S_IMODE(top.stat().st_mode) & 0o222 == 0
    assert os.access(top / "run", os.X_OK)
    dirrw(top)
    modes = acl_of(top)
    assert (modes["a"] & 0o777, modes["run"] & 0o777, modes["d/e"] & 0o777) == (0o644, 0o755, 0o755)


def test_unreadable_folders_become_writable_too(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"d/e/f": "y"})
    for name in ("d/e/f", "d/e", "d"):
        (top / name).chmod(0)
    dirrw(str(top))
    assert (top / "d/e").stat().st_mode & 0o700 == 0o700
    (top / "d/e/g").write_text("x")


@pytest.mark.parametrize("change", [dirrw, dirro])
def test_links_are_left_alone(change: Callable[[Path], None], tmp_path: Path) -> None:
    outside = plant(tmp_path / "outside", {"f": "x", "d/g": "y"})
    (outside / "f").chmod(0o464)
    (outside / "d").chmod(0o577)
    before = acl_of(outside)
    links = {"file": "../outside/f", "folder": "../outside/d", "dangling": "nowhere"}
    change(plant(tmp_path / "t", {name: Link(target) for name, target in links.items()}))
    assert acl_of(outside) == before
    for bad in (tmp_path / "t" / "folder", outside / "f", tmp_path / "nothing"):
        with pytest.raises(InvalidValue, match="is not a folder"):
            change(bad)
    assert acl_of(outside) == before


def test_realizations_of_several_targets_come_target_by_target() -> None:
    closure = instantiate(lambda: [noisy("a", matcher=match_some(2)), constant("b")])
    found = realize_many(closure)
    assert [rref[71:] for rref in found] == ["a", "a", "b"]


def test_a_stage_of_one_result_has_one() -> None:
    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "a"}), match_only(), build_wrapper(lambda b: None))

    assert realize(instantiate(stage))[71:] == "a"
