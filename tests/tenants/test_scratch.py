"""Scratch folders, listed and copied: nothing but plain files, wherever they come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.tenants import InvalidTenant, scratch

NAMES = st.sampled_from(["a", "b", "\u00e9", "a\nb", ".x", "\udcff"])
TREES = st.recursive(
    st.binary(max_size=9), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
).filter(lambda tree: isinstance(tree, dict))


def put(place: Path, tree: object) -> None:
    if isinstance(tree, dict):
        place.mkdir(exist_ok=True)
        for name, inner in tree.items():
            put(place / name, inner)
    elif isinstance(tree, bytes):
        place.write_bytes(tree)


def got(place: Path) -> object:
    if place.is_dir():
        return {name: got(place / name) for name in os.listdir(place)}
    return place.read_bytes()


def moved(source: Path, target: Path) -> None:
    """Make the second folder like the first, as is done after a run."""
    with scratch.folder(str(source)) as of, scratch.folder(str(target)) as into:
        come, gone = scratch.difference(scratch.listing(into), scratch.listing(of))
        scratch.dropped(into, gone)
        scratch.copied(of, come, into)


@given(TREES, TREES)
def test_a_folder_becomes_what_another_one_is(before: object, after: object) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as base:
        source, target = Path(base, "source"), Path(base, "target")
        put(source, after)
        put(target, before)
        moved(source, target)
        assert got(target) == after


def test_links_pipes_and_what_they_lead_to_are_not_taken(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (tmp_path / "secret").write_text("secret")
    (source / "link").symlink_to(tmp_path / "secret")
    (source / "folder").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    (source / "plain").write_text("plain")
    with scratch.folder(str(source)) as fd:
        assert scratch.listing(fd).others == 3
    moved(source, target)
    assert os.listdir(target) == ["plain"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    source, target, outside = (tmp_path / name for name in ("source", "target", "outside"))
    put(source, {"folder": {"file": b"new"}, "file": b"new"})
    put(target, {})
    put(outside, {"file": b"old"})
    (target / "folder").symlink_to(outside)
    (target / "file").symlink_to(outside / "file")
    moved(source, target)
    assert got(outside) == {"file": b"old"}
    assert (target / "file").read_bytes() == b"new" and not (target / "file").is_symlink()
    assert (target / "folder" / "file").read_bytes() == b"new"


def test_a_folder_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(InvalidTenant, match="no link"), scratch.folder(str(tmp_path / "link")):
        pass


def test_bits_that_let_run_stay_and_others_do_not(tmp_path: Path) -> None:
    put(tmp_path / "source", {"run": b"", "plain": b"", "shut": b"x"})
    put(tmp_path / "target", {})
    (tmp_path / "source/run").chmod(0o4755)
    (tmp_path / "source/shut").chmod(0)
    moved(tmp_path / "source", tmp_path / "target")
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "target").iterdir()}
    assert modes == {"run": 0o755, "plain": 0o644, "shut": 0o644}


def test_a_folder_that_was_shut_is_opened(tmp_path: Path) -> None:
    put(tmp_path / "source", {"shut": {"file": b"x"}})
    put(tmp_path / "target", {})
    (tmp_path / "source/shut").chmod(0)
    moved(tmp_path / "source", tmp_path / "target")
    assert got(tmp_path / "target") == {"shut": {"file": b"x"}}


def test_too_many_or_too_deep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path
    for _ in range(40):
        place = place / "d"
    place.mkdir(parents=True)
    with scratch.folder(str(tmp_path)) as fd, pytest.raises(scratch.TooMuch, match="deep"):
        scratch.listing(fd)
    monkeypatch.setattr(scratch, "MOST_ENTRIES", 3)
    put(tmp_path / "many", {name: b"" for name in "abcd"})
    with scratch.folder(str(tmp_path / "many")) as fd, pytest.raises(scratch.TooMuch, match="3"):
        scratch.listing(fd)


def test_what_came_meanwhile_gives_way(tmp_path: Path) -> None:
    put(tmp_path / "source", {"a": b"file", "b": {"c": b"x"}})
    put(tmp_path / "target", {"a": {"folder": b"y"}, "b": b"file"})
    with (
        scratch.folder(str(tmp_path / "source")) as of,
        scratch.folder(str(tmp_path / "target")) as into,
    ):
        scratch.copied(of, scratch.listing(of).entries, into)
    assert got(tmp_path / "target") == {"a": b"file", "b": {"c": b"x"}}


def test_a_copy_that_fails_leaves_nothing_half(tmp_path: Path) -> None:
    put(tmp_path / "source", {"a": b"new"})
    put(tmp_path / "target", {"a": b"old"})
    with (
        scratch.folder(str(tmp_path / "source")) as of,
        scratch.folder(str(tmp_path / "target")) as into,
    ):
        listed = scratch.listing(of).entries
        (tmp_path / "target/a").unlink()
        (tmp_path / "source/a").unlink()
        (tmp_path / "source/a").symlink_to("/etc/hostname")
        with pytest.raises(OSError):
            scratch.copied(of, listed, into)
    assert got(tmp_path / "target") == {}


def test_room_is_counted_in_pages(tmp_path: Path) -> None:
    put(tmp_path / "x", {"a": b"1", "b": b"", "c": b"2" * 4097})
    with scratch.folder(str(tmp_path / "x")) as fd:
        found = scratch.listing(fd)
    assert (found.bytes, found.room_bytes) == (4098, 3 * 4096)
