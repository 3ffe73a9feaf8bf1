"""Every kind of damage is found, and nothing else is called damage."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import RRef, Store
from pylightnix.core.manifest import META
from pylightnix.store.check import faults
from pylightnix.store.layout import rref_path
from stages_for_tests import Link, Program, Tree, nested, put

TREE: Tree = {
    "a": "some text",
    "bin/run": Program(),
    "empty": None,
    "l": Link("a"),
    "out": Link("/etc/passwd"),
    "deep/er/file": b"\0\1\2",
}


@pytest.fixture
def rref(store: Store) -> RRef:
    return put(store, TREE)


@pytest.fixture
def open_object(store: Store, rref: RRef) -> Path:
    """The object's folder, everything in it made writable (which is no damage)."""
    top = Path(rref_path(store, rref))
    for home, folders, files in os.walk(top):
        os.chmod(home, 0o755)
        for name in (*folders, *files):
            path = Path(home, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IWUSR)
    return top


def told(store: Store, rref: RRef, *, contents: bool = True) -> list[tuple[str, str]]:
    return [(fault.path, fault.what) for fault in faults(store, rref, contents=contents)]


def test_a_good_object_has_no_faults(store: Store, rref: RRef) -> None:
    assert told(store, rref) == []


def test_write_bits_times_and_a_lost_build_file_are_no_damage(
    store: Store, rref: RRef, open_object: Path
) -> None:
    os.utime(open_object / "a", (1, 1))
    (open_object / META / "build.json").unlink()
    assert told(store, rref) == []


def rewrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def instead(path: Path, make: Callable[[Path], object]) -> None:
    """Put something else in the place of a file, a link or an empty folder."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()
    make(path)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a byte": (lambda top: rewrite(top / "a", b"some tExt"), "a", "other contents"),
    "a size": (lambda top: rewrite(top / "a", b"some text!"), "a", "10 bytes instead of 9"),
    "an end": (lambda top: rewrite(top / "a", b"some"), "a", "4 bytes of 9"),
    "an x bit lost": (
        lambda top: (top / "bin/run").chmod(0o644),
        "bin/run",
        "should be executable",
    ),
    "an x bit won": (lambda top: (top / "a").chmod(0o755), "a", "should not be executable"),
    "a file into a folder": (
        lambda top: instead(top / "a", Path.mkdir),
        "a",
        "no longer a file",
    ),
    "a file into a link": (
        lambda top: instead(top / "a", lambda path: path.symlink_to("bin/run")),
        "a",
        "no longer a file",
    ),
    "a file into a fifo": (
        lambda top: instead(top / "a", os.mkfifo),
        "a",
        "no longer a file",
    ),
    "a folder into a file": (
        lambda top: instead(top / "empty", Path.touch),
        "empty",
        "no longer a folder",
    ),
    "a folder into a link": (
        lambda top: instead(top / "empty", lambda path: path.symlink_to("deep")),
        "empty",
        "no longer a folder",
    ),
    "a link into a file": (
        lambda top: instead(top / "l", lambda path: path.write_text("some text")),
        "l",
        "no longer a link",
    ),
    "a link's target": (
        lambda top: instead(top / "l", lambda path: path.symlink_to("b")),
        "l",
        "points to 'b' instead of 'a'",
    ),
    "a missing file": (lambda top: (top / "a").unlink(), "a", "is missing"),
    "a missing link": (lambda top: (top / "l").unlink(), "l", "is missing"),
    "a missing folder": (lambda top: (top / "empty").rmdir(), "empty", "is missing"),
    "a missing file in a folder": (
        lambda top: (top / "deep/er/file").unlink(),
        "deep/er/file",
        "is missing",
    ),
    "an extra file": (lambda top: (top / "x").touch(), "x", "not in the manifest"),
    "an extra file below": (
        lambda top: (top / "deep/er/x").touch(),
        "deep/er/x",
        "not in the manifest",
    ),
    "an extra folder": (lambda top: (top / "x").mkdir(), "x", "not in the manifest"),
    "an extra dangling link": (
        lambda top: (top / "x").symlink_to("nowhere"),
        "x",
        "not in the manifest",
    ),
    "something among our own": (
        lambda top: (top / META / "x").touch(),
        f"{META}/x",
        "not in the manifest",
    ),
    "our own folder into a link": (
        lambda top: (top / META).rename(top / "m").with_name(META).symlink_to("m"),
        META,
        "not a folder",
    ),
    "a name": (lambda top: (top / "a").rename(top / "A"), "a", "is missing"),
    "no manifest": (
        lambda top: (top / META / "manifest.json").unlink(),
        f"{META}/manifest.json",
        "cannot be read",
    ),
    "an empty manifest": (
        lambda top: rewrite(top / META / "manifest.json", b""),
        f"{META}/manifest.json",
        "damaged",
    ),
    "a manifest of something": (
        lambda top: rewrite(top / META / "manifest.json", b"{}"),
        f"{META}/manifest.json",
        "damaged",
    ),
    "a manifest of lists": (
        lambda top: rewrite(top / META / "manifest.json", b"[" * 100_000),
        f"{META}/manifest.json",
        "damaged",
    ),
    "a manifest's context of nothing": (
        lambda top: rewrite(
            top / META / "manifest.json", b'{"context":[],"dref":1,"entries":0,"version":1}'
        ),
        f"{META}/manifest.json",
        "damaged",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_damage_is_found_and_named(
    damage: str, store: Store, rref: RRef, open_object: Path
) -> None:
    act, path, what = DAMAGE[damage]
    act(open_object)
    found = told(store, rref)
    assert path in [where for where, _ in found]
    assert any(what in text for where, text in found if where == path)


@pytest.mark.parametrize("damage", [name for name in DAMAGE if name != "a byte"])
def test_the_quick_look_finds_all_but_changed_bytes(
    damage: str, store: Store, rref: RRef, open_object: Path
) -> None:
    DAMAGE[damage][0](open_object)
    assert told(store, rref, contents=False) != []


def test_the_quick_look_reads_no_contents(
    store: Store, rref: RRef, open_object: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DAMAGE["a byte"][0](open_object)
    monkeypatch.setattr("pylightnix.store.check.hash_open", lambda *args: pytest.fail("read"))
    assert told(store, rref, contents=False) == []


def test_several_damages_are_all_told(store: Store, rref: RRef, open_object: Path) -> None:
    for damage in ("a byte", "a missing link", "an extra file", "an x bit lost"):
        DAMAGE[damage][0](open_object)
    assert sorted(path for path, _ in told(store, rref)) == ["a", "bin/run", "l", "x"]


@pytest.mark.parametrize(
    ("damage", "partial"),
    [
        ("a missing file", [True]),
        ("an end", [True]),
        ("a byte", [False]),
        ("a size", [False]),
        ("an extra file", [False]),
        ("no manifest", [True]),
        ("an empty manifest", [True]),
        ("a manifest of something", [False]),
    ],
)
def test_what_a_copy_under_way_looks_like_is_told_apart_from_damage(
    damage: str, partial: list[bool], store: Store, rref: RRef, open_object: Path
) -> None:
    DAMAGE[damage][0](open_object)
    assert [fault.partial for fault in faults(store, rref)] == partial


def test_the_temporary_file_of_a_copy_program_is_a_copy_under_way(
    store: Store, rref: RRef, open_object: Path
) -> None:
    (open_object / "a").rename(open_object / ".a.Xy12Zz")
    assert [fault.partial for fault in faults(store, rref)] == [True, True]


def test_an_object_under_another_name_or_in_another_derivations_folder_is_found(
    store: Store, rref: RRef
) -> None:
    other = put(store, {"a": "y"}, "other")
    os.chmod(rref_path(store, rref), 0o755)
    wrong_name = RRef(f"rref:{'0' * 32}-{rref[38:]}")
    os.rename(rref_path(store, rref), rref_path(store, wrong_name))
    assert [what for _, what in told(store, wrong_name)] == [
        "its hash is not the name of the object"
    ]
    wrong_folder = RRef(f"rref:{rref[5:37]}-{other[38:]}")
    os.rename(rref_path(store, wrong_name), rref_path(store, wrong_folder))
    assert "in a wrong folder" in told(store, wrong_folder)[0][1]


def test_no_object_at_all_is_a_fault(store: Store, rref: RRef) -> None:
    nothing = RRef(f"rref:{'0' * 32}-{rref[38:]}")
    assert told(store, nothing) == [(".", "is missing, or not a folder")]


def test_a_link_to_a_good_object_is_no_object(store: Store, rref: RRef) -> None:
    path = Path(rref_path(store, rref))
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    assert told(store, rref) == [(".", "is missing, or not a folder")]


def test_what_cannot_be_read_is_told_and_the_rest_is_looked_at(
    store: Store, rref: RRef, open_object: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DAMAGE["a missing link"][0](open_object)
    real = os.lstat

    def broken(path: str) -> os.stat_result:
        if path.endswith("/a"):
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(os, "lstat", broken)
    assert told(store, rref) == [("a", "cannot be read: Input/output error"), ("l", "is missing")]


@pytest.mark.parametrize("call", ["lstat", "open", "scandir"])
def test_what_cannot_be_told_just_now_is_not_called_damage(
    call: str, store: Store, rref: RRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_descriptors(*args: object, **kwargs: object) -> object:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, call, out_of_descriptors)
    with pytest.raises(OSError, match="Too many open files"):
        told(store, rref)


def test_a_folder_that_vanishes_while_it_is_listed_is_told_by_its_entries(
    store: Store, rref: RRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: str) -> object:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "scandir", gone)
    assert told(store, rref) == []


def test_a_folder_that_cannot_be_listed_is_told_by_its_entries(
    nonroot: None, store: Store, rref: RRef, open_object: Path
) -> None:
    (open_object / "deep").chmod(0)
    try:
        assert ("deep/er", "cannot be read: Permission denied") in told(store, rref)
    finally:
        (open_object / "deep").chmod(0o755)


def test_a_foreign_object_nested_very_deep_is_only_strange(
    store: Store, rref: RRef, open_object: Path
) -> None:
    with nested(open_object / "empty", 1100):
        assert ("empty/d", "is not in the manifest") in told(store, rref)
