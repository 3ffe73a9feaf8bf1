"""A foreign object is checked once, when it is first seen, and again when it is replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pylightnix import NotInStore, RRef, Store
from pylightnix.store import filehash, removal
from pylightnix.store.fsys import delete_tree
from pylightnix.store.layout import rref_path
from pylightnix.store.query import Corrupt, drefs, manifest_of, require_rref, rrefs
from pylightnix.store.verified import is_valid, remember
from stages_for_tests import Program, Tree, foreign, put

TREE: Tree = {"a": "some text", "bin/run": Program()}


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "other", create=True, durability="none")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts how often the contents of a file are read to compare them."""
    seen: list[int] = []
    real = filehash.hash_open

    def counted(fd: int, size: int) -> tuple[str, int]:
        seen.append(size)
        return real(fd, size)

    monkeypatch.setattr("pylightnix.store.check.hash_open", counted)
    yield seen


def tamper(store: Store, rref: RRef, text: str = "SOME TEXT") -> None:
    path = Path(rref_path(store, rref)) / "a"
    path.chmod(0o644)
    path.write_text(text)


def test_what_was_built_here_is_not_read_again(store: Store, reads: list[int]) -> None:
    rref = put(store, TREE)
    assert is_valid(store, rref)
    assert rrefs(store, drefs(store)[0]) == [rref]
    assert reads == []


def test_what_came_from_elsewhere_is_read_once(
    store: Store, other: Store, reads: list[int]
) -> None:
    rref = put(other, TREE)
    foreign(other, store)
    assert [is_valid(store, rref) for _ in range(3)] == [True] * 3
    assert len(reads) == 2


def test_what_is_damaged_on_the_way_is_never_used_and_looked_at_again(
    store: Store, other: Store, reads: list[int]
) -> None:
    rref = put(other, TREE)
    foreign(other, store)
    tamper(store, rref)
    assert not is_valid(store, rref)
    assert rrefs(store, drefs(store)[0]) == []
    tamper(store, rref, "some text")  # the copy goes on
    assert is_valid(store, rref)


def test_what_is_replaced_is_read_again(store: Store, other: Store, reads: list[int]) -> None:
    rref = put(other, TREE)
    foreign(other, store)
    assert is_valid(store, rref)
    path = Path(rref_path(store, rref))
    path.chmod(0o755)
    aside = path.with_name("aside")
    shutil.copytree(path, aside)
    delete_tree(str(path))
    aside.rename(path)
    tamper(store, rref)
    reads.clear()
    assert not is_valid(store, rref)
    assert reads


def test_what_is_gone_is_not_valid_though_it_was(store: Store) -> None:
    rref = put(store, TREE)
    removal.delete(store, rref)
    assert not is_valid(store, rref)
    with pytest.raises(NotInStore, match="no such realization"):
        require_rref(store, rref)


@pytest.mark.parametrize("how", ["deleted", "a file", "unwritable"])
def test_without_notes_everything_works_and_is_checked_each_time(
    how: str, store: Store, other: Store, reads: list[int], request: pytest.FixtureRequest
) -> None:
    rref = put(other, TREE)
    foreign(other, store)
    notes = Path(store.var) / "verified"
    if how == "unwritable":
        request.getfixturevalue("nonroot")
        notes.chmod(0o500)
    else:
        shutil.rmtree(notes)
    if how == "a file":
        notes.write_text("in the way")
    assert [is_valid(store, rref) for _ in range(2)] == [True] * 2
    assert len(reads) == (2 if how == "deleted" else 4)
    if how == "unwritable":
        notes.chmod(0o700)


def test_notes_may_be_deleted_at_any_time(store: Store, reads: list[int]) -> None:
    rref = put(store, TREE)
    shutil.rmtree(f"{store.var}/verified")
    assert is_valid(store, rref)
    assert len(reads) == 2


def test_a_note_about_what_is_no_longer_there_is_replaced(store: Store) -> None:
    rref = put(store, TREE)
    [name] = os.listdir(f"{store.var}/verified")
    note = Path(store.var) / "verified" / name
    before = os.readlink(note)
    note.unlink()
    note.symlink_to("17.4")
    assert is_valid(store, rref)
    assert os.readlink(note) == before


def test_remembering_what_is_not_there_is_no_error(store: Store) -> None:
    remember(store, RRef(f"rref:{'0' * 32}-{'0' * 32}-thing"), flushed=True)
    assert os.listdir(f"{store.var}/verified") == []


def test_what_is_not_as_its_name_says_is_told_apart_from_what_is_not_there(
    store: Store, other: Store
) -> None:
    rref = put(other, TREE)
    foreign(other, store)
    tamper(store, rref)
    for ask in (manifest_of, require_rref):
        with pytest.raises(Corrupt, match="rm --force"):
            ask(store, rref)
