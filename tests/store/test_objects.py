"""Putting derivations and realizations into the store: once, whole, and only what is good."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from pylightnix import InvalidOutput, RRef, Store, StoreError, find
from pylightnix.core.value import changed
from pylightnix.store import fsys, objects, syscalls, verified
from pylightnix.store.layout import config_path, drv_path, log_path, rref_path
from pylightnix.store.objects import put_derivation, put_realization
from pylightnix.store.query import drefs, provenance_of, rrefs
from stages_for_tests import (
    Link,
    Program,
    Tree,
    acl_of,
    all_faults,
    below,
    derivation,
    plant,
    provenance,
    put,
    scratch_left,
    strangers,
)

TREE: Tree = {"a": "x", "bin/run": Program(), "empty": None, "l": Link("a")}


def put_folder(store: Store, folder: Path, name: str = "thing") -> RRef:
    """Put a folder that is not in the store's own scratch."""
    dref, config = derivation(name)
    put_derivation(store, dref, config)
    return put_realization(store, dref, {}, str(folder), provenance())


# Derivations


def test_a_config_on_the_disk_is_its_canonical_bytes(store: Store) -> None:
    dref, config = derivation(b=1, a=2)
    put_derivation(store, dref, config)
    path = Path(config_path(store, dref))
    assert path.read_bytes() == config.canonical == b'{"a":2,"b":1,"name":"thing"}'
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_a_config_that_is_there_is_not_written_again(store: Store) -> None:
    dref, config = derivation()
    put_derivation(store, dref, config)
    before = os.stat(config_path(store, dref))
    put_derivation(store, dref, config)
    after = os.stat(config_path(store, dref))
    assert (before.st_ino, before.st_ctime_ns) == (after.st_ino, after.st_ctime_ns)


@pytest.mark.parametrize("damage", [b"", b"{}", b"x" * 4000])
def test_a_config_of_another_length_is_mended(damage: bytes, store: Store) -> None:
    """A power cut may leave a file under its final name that is empty."""
    dref, config = derivation()
    put_derivation(store, dref, config)
    path = Path(config_path(store, dref))
    path.unlink()
    path.write_bytes(damage)
    put_derivation(store, dref, config)
    assert path.read_bytes() == config.canonical
    assert strangers(store) == []


def test_a_folder_where_the_config_should_be_is_an_error_of_the_store(store: Store) -> None:
    dref, config = derivation()
    os.makedirs(config_path(store, dref) + "/in-the-way")
    with pytest.raises(StoreError, match="cannot be written"):
        put_derivation(store, dref, config)
    assert os.listdir(drv_path(store, dref)) == ["config.json"]


def test_a_config_that_cannot_be_written_leaves_nothing_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dref, config = derivation()

    def full(fd: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StoreError, match="No space left"):
            put_derivation(store, dref, config)
    assert drefs(store) == []
    assert [name for name in below(store.objects) if ".in-" in name] == []
    put_derivation(store, dref, config)
    assert drefs(store) == [dref]


# Realizations


def test_a_realization_is_where_its_name_says_and_sound(store: Store) -> None:
    rref = put(store, TREE)
    path = Path(rref_path(store, rref))
    assert path == Path(store.objects) / f"{rref[38:]}" / rref[5:37]
    kept = [name for name in below(path) if not name.startswith(".pylightnix")]
    assert kept == ["a", "bin", "bin/run", "empty", "l"]
    assert all_faults(store) == []
    assert scratch_left(store) == []
    assert strangers(store) == []


def test_nothing_of_a_realization_is_writable(store: Store) -> None:
    path = Path(rref_path(store, put(store, TREE)))
    assert {mode & 0o222 for mode in acl_of(path).values()} == {0}
    assert stat.S_IMODE(path.stat().st_mode) == 0o555
    assert acl_of(path)[".pylightnix"] == 0o555
    assert acl_of(path)[".pylightnix/manifest.json"] == 0o444


def test_the_same_tree_again_is_the_same_object_and_the_first_provenance_stays(
    store: Store,
) -> None:
    first = put(store, TREE, stop="2001-01-01T00:00:00.000000+00:00")
    inode = os.stat(rref_path(store, first)).st_ino
    again = put(store, TREE, stop="2002-02-02T00:00:00.000000+00:00")
    assert again == first
    assert os.stat(rref_path(store, first)).st_ino == inode
    assert provenance_of(store, first)["stop"] == "2001-01-01T00:00:00.000000+00:00"
    assert strangers(store) == []


def racing(store: Store, monkeypatch: pytest.MonkeyPatch, other: Tree | None) -> list[RRef]:
    """Let another process put the same object, or one with `other` in it, just before ours."""
    real = syscalls.rename_noreplace
    won: list[RRef] = []

    def late(source: str, target: str) -> None:
        if not won:
            monkeypatch.setattr(objects, "rename_noreplace", real)
            won.append(put(store, TREE, stop="1999-09-09T00:00:00.000000+00:00"))
            if other is not None:
                os.chmod(rref_path(store, won[0]), 0o755)
                plant(rref_path(store, won[0]), other)
        real(source, target)

    monkeypatch.setattr(objects, "rename_noreplace", late)
    return won


def test_who_comes_second_keeps_what_is_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    won = racing(store, monkeypatch, None)
    assert put(store, TREE) == won[0]
    assert str(provenance_of(store, won[0])["stop"]).startswith("1999-09-09")
    assert strangers(store) == []
    assert all_faults(store) == []


def test_who_comes_second_to_a_damaged_object_puts_it_aside(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    racing(store, monkeypatch, {"extra": "x"})
    rref = put(store, TREE)
    assert not os.path.exists(f"{rref_path(store, rref)}/extra")
    assert all_faults(store) == []
    [quarantined] = os.listdir(f"{store.var}/trash")
    assert os.path.exists(f"{store.var}/trash/{quarantined}/extra")


def test_a_damaged_object_makes_way_for_a_good_one(store: Store) -> None:
    rref = put(store, TREE)
    victim = Path(rref_path(store, rref)) / "a"
    victim.chmod(0o644)
    victim.write_text("y")
    assert put(store, TREE) == rref
    assert victim.read_text() == "x"
    assert len(os.listdir(f"{store.var}/trash")) == 1


@pytest.mark.parametrize("kind", ["file", "link", "empty folder"])
def test_whatever_stands_under_a_name_and_is_no_object_makes_way(kind: str, store: Store) -> None:
    rref = put(store, TREE)
    path = Path(rref_path(store, rref))
    path.rename(path.with_name("elsewhere"))
    if kind == "file":
        path.write_text("in the way")
    elif kind == "link":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
    assert put(store, TREE) == rref
    assert all_faults(store) == []


def test_an_object_that_vanishes_while_it_is_looked_at_is_made_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rref = put(store, TREE)

    def gone(where: Store, path: str) -> str:
        fsys.delete_tree(path)
        raise FileNotFoundError(path)

    monkeypatch.setattr(fsys, "to_trash", gone)
    monkeypatch.setattr(objects, "faults", lambda *args: iter([object()]))
    assert put(store, TREE) == rref


def test_trees_that_differ_by_one_name_kind_bit_or_boundary_differ_in_their_reference(
    store: Store,
) -> None:
    trees: list[Tree] = [
        {"a": "xy"},
        {"b": "xy"},
        {"a": "x", "b": "y"},
        {"a": "", "axy": ""},
        {"a": Program("xy")},
        {"a": Link("xy")},
        {"a": "xy", "d": None},
        {"a/xy": ""},
        {"a": None},
        {},
    ]
    found = [put(store, tree) for tree in trees]
    assert len(set(found)) == len(trees)


def test_the_context_and_the_derivation_count_in_the_reference(store: Store) -> None:
    dep1, dep2 = put(store, {"a": "1"}, "dep"), put(store, {"a": "2"}, "dep")
    dref = derivation("dep")[0]
    found = {
        put(store, TREE, context={dref: [dep1]}),
        put(store, TREE, context={dref: [dep2]}),
        put(store, TREE, context={dref: [dep1, dep2]}),
        put(store, TREE),
        put(store, TREE, "other", context={dref: [dep1]}),
    }
    assert len(found) == 5
    assert put(store, TREE, context={dref: [dep2, dep1]}) in found


# Outputs from elsewhere


def test_a_builders_own_folder_is_copied_and_left_alone(store: Store, tmp_path: Path) -> None:
    mine = plant(tmp_path / "mine", {**TREE, "odd": "y", "away": Link("/etc/passwd")})
    (mine / "odd").chmod(0o640)
    before = {**acl_of(mine), "times": (mine / "odd").stat().st_mtime_ns}
    rref = put_folder(store, mine)
    assert {**acl_of(mine), "times": (mine / "odd").stat().st_mtime_ns} == before
    assert (Path(rref_path(store, rref)) / "odd").stat().st_ino != (mine / "odd").stat().st_ino
    assert (Path(rref_path(store, rref)) / "bin/run").stat().st_mode & 0o111
    assert os.readlink(f"{rref_path(store, rref)}/away") == "/etc/passwd"
    assert [*all_faults(store), *strangers(store)] == []


def test_a_copied_folder_and_a_moved_one_are_the_same_object(store: Store, tmp_path: Path) -> None:
    assert put_folder(store, plant(tmp_path / "mine", TREE)) == put(store, TREE)


def test_scratch_on_another_file_system_is_copied(store: Store, other_disk: Path) -> None:
    split = changed(store, var=str(other_disk / "var"))
    os.makedirs(f"{split.var}/tmp")
    rref = put(split, TREE)
    assert [*all_faults(store), *strangers(store)] == []
    assert rref == put(store, TREE)
    assert scratch_left(split) == []


@pytest.mark.parametrize("bad", ["fifo", "unreadable name", "reserved"])
def test_a_copied_folder_that_cannot_be_stored_leaves_nothing(
    bad: str, store: Store, tmp_path: Path
) -> None:
    mine = plant(tmp_path / "mine", TREE)
    if bad == "fifo":
        os.mkfifo(mine / "bin" / "fifo")
    elif bad == "reserved":
        plant(mine, {".pylightnix": "x"})
    else:
        (mine / os.fsdecode(b"\xff")).write_text("x")
    with pytest.raises(InvalidOutput):
        put_folder(store, mine)
    assert strangers(store) == []
    assert rrefs(store, derivation()[0]) == []


@pytest.mark.parametrize("what", ["file", "link", "nothing"])
def test_only_a_folder_can_be_an_output(what: str, store: Store, tmp_path: Path) -> None:
    plant(tmp_path, {"file": "x", "real/a": "x", "link": Link("real")})
    with pytest.raises(InvalidOutput, match="must return a folder"):
        put_folder(store, tmp_path / what)
    assert strangers(store) == []


@pytest.mark.parametrize("where", ["objects", "root", "above"])
def test_a_folder_that_holds_the_store_itself_is_refused_at_once(where: str, store: Store) -> None:
    """Copying it would copy the copy, without end."""
    objects_ = Path(store.objects)
    folder = {"objects": objects_, "root": objects_.parent, "above": Path("/")}[where]
    with pytest.raises(InvalidOutput, match="holds the store"):
        put_folder(store, folder)
    assert strangers(store) == []


def test_the_whole_scratch_of_the_store_is_no_output(store: Store) -> None:
    with pytest.raises(InvalidOutput):
        put_folder(store, Path(store.var) / "tmp")
    assert os.path.isdir(f"{store.var}/tmp")


# Failing disks


@pytest.mark.parametrize("call", ["mkdir", "write", "rename", "fchmod", "utime", "fsync"])
@pytest.mark.parametrize("durability", ["full", "batch"])
def test_a_disk_that_fails_publishes_nothing_and_the_next_try_works(
    call: str, durability: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "root", create=True, durability=durability)  # type: ignore[arg-type]
    dref, config = derivation()
    put_derivation(store, dref, config)

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    folder = plant(tmp_path / "mine", TREE)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises((OSError, StoreError), match="Input/output"):
            put_realization(store, dref, {}, str(folder), provenance())
    if call != "fsync" or durability == "full":  # with batch only the flush of the name is left
        assert rrefs(store, dref) == []
    rref = put_realization(store, dref, {}, str(folder), provenance())
    assert rrefs(store, dref) == [rref]
    assert all_faults(store) == []


def test_a_flush_that_fails_throws_the_tree_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "root", create=True, durability="batch")

    def fail(path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(objects, "sync_filesystem", fail)
        with pytest.raises(OSError, match="Input/output"):
            put(store, TREE)
    assert strangers(store) == []
    assert scratch_left(store) == []


def test_when_only_the_name_cannot_be_flushed_the_error_says_that_the_object_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "root", create=True, durability="batch")

    def fail(path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(fsys, "sync_folder", fail)
        with pytest.raises(StoreError, match="is in the store, but may not outlive a power cut"):
            put(store, TREE)
    flushed: list[str] = []
    monkeypatch.setattr(verified, "sync_filesystem", flushed.append)
    (rref,) = find(store=store)
    assert flushed == [rref_path(store, rref)]


def test_provenance_says_when_where_by_whom_and_by_what(store: Store) -> None:
    facts = provenance_of(store, put(store, TREE))
    assert facts == {
        "start": "2024-05-01T10:00:01.000000+00:00",
        "stop": "2024-05-01T10:00:01.000000+00:00",
        "seconds": 1.0,
        "host": "host",
        "user": "user",
        "python": "3.11",
        "pylightnix": "1.0",
        "realizer": "tests:builder",
        "portable": True,
    }


def test_the_manifest_lists_every_entry_by_the_bytes_of_its_path(store: Store) -> None:
    rref = put(store, {"b": "x", "a/\u00e9": "", "a.": "", "Z": None})
    manifest = json.loads((Path(rref_path(store, rref)) / ".pylightnix/manifest.json").read_bytes())
    paths = [entry[0] for entry in manifest["entries"]]
    assert paths == ["Z", "a", "a.", "a/\u00e9", "b"]
    assert manifest["version"] == 1
    assert manifest["dref"] == f"dref:{rref[38:]}"


def test_is_folder_does_not_follow_links(tmp_path: Path) -> None:
    plant(tmp_path, {"d": None, "l": Link("d"), "f": "x"})
    told = {name: objects.is_folder(str(tmp_path / name)) for name in ("d", "l", "f", "nothing")}
    assert told == {"d": True, "l": False, "f": False, "nothing": False}


def test_a_file_where_a_derivation_belongs_is_an_error_that_names_it(store: Store) -> None:
    dref, config = derivation()
    Path(drv_path(store, dref)).write_text("in the way")
    with pytest.raises(StoreError, match=dref):
        put_derivation(store, dref, config)


def test_logs_are_named_after_what_was_built(store: Store) -> None:
    dref, _ = derivation()
    assert log_path(store, dref) == f"{store.var}/logs/{dref}"
