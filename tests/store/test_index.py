"""The index is a cache: whatever becomes of it, the answers are those of the store."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import DRef, RRef, Store
from pylightnix.store import index as module
from pylightnix.store.fsys import delete_tree
from pylightnix.store.index import Index, sound
from pylightnix.store.layout import config_path, drv_path, rref_path
from pylightnix.store.query import dref_of, drefs, rrefs
from pylightnix.store.removal import delete
from pylightnix.store.shelf import doubt
from pylightnix.store.survey import sizes
from stages_for_tests import foreign, put


@pytest.fixture
def filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of three derivations whose index is written."""
    from pylightnix.store import shelf

    monkeypatch.setattr(shelf, "RACY_NS", -(10**12))  # nothing is too young to be remembered
    base = put(store, {"a": "x"}, "base")
    put(store, {"b": "y"}, "top", context={dref_of(base): [base]})
    put(store, {"c": "1"}, "many")
    put(store, {"c": "2"}, "many")
    asked = indexed(store)
    answers(asked)
    assert asked.index is not None
    asked.index.flush()
    return store


def indexed(store: Store) -> Store:
    """The store as a new process sees it."""
    return Store(store.objects, store.var, "none", index=Index(f"{store.var}/index.sqlite"))


def answers(store: Store) -> object:
    return (sizes(store), {dref: rrefs(store, dref) for dref in drefs(store)})


def index_of(store: Store) -> Path:
    return Path(store.var) / "index.sqlite"


def test_with_the_index_the_answers_are_the_same_and_nothing_is_read(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = answers(filled)
    asked = indexed(filled)
    with monkeypatch.context() as patch:
        patch.setattr("pylightnix.store.shelf.read_shelf", lambda *args: pytest.fail("read"))
        found = {dref: rrefs(asked, dref) for dref in drefs(asked)}
    assert (plain, found) == (answers(asked), {d: rrefs(filled, d) for d in drefs(filled)})


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for i in range(0, len(data), 97):
        data[i] ^= 0x55
    path.write_bytes(data)


def in_rows(change: str) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(change)
        connection.close()

    return act


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARM: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut": cut,
    "flipped": flip,
    "another file": lambda path: path.write_text("this is no data base" * 100),
    "a folder": a_folder,
    "of another version": in_rows("PRAGMA user_version=99"),
    "without tables": in_rows("DROP TABLE shelf"),
    "bodies changed": in_rows("UPDATE shelf SET body = replace(body, '1', '2')"),
    "bodies of bytes": in_rows("UPDATE shelf SET body = x'ff'"),
    "checksums changed": in_rows("UPDATE shelf SET checksum = checksum + 1"),
    "nonsense with a good checksum": lambda path: nonsense(path),
    "unreadable": lambda path: path.chmod(0),
}


def nonsense(path: Path) -> None:
    """Rows that are whole and mean nothing."""
    bodies = ["[]", "{}", "5", '[[1,2,3],null,5,true,""]', "not json", "null"]
    with sqlite3.connect(path) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM shelf")]
        for key, body in zip(keys, bodies * len(keys), strict=False):
            checksum = module._checksum(key, body)
            connection.execute(
                "UPDATE shelf SET body = ?, checksum = ? WHERE key = ?", (body, checksum, key)
            )
    connection.close()


@pytest.mark.parametrize("harm", HARM)
def test_whatever_becomes_of_the_index_the_answers_are_the_same(harm: str, filled: Store) -> None:
    expected = answers(filled)
    HARM[harm](index_of(filled))
    for _ in range(2):
        asked = indexed(filled)
        assert answers(asked) == expected
        assert asked.index is not None
        asked.index.flush()


@pytest.mark.parametrize("harm", ["cut", "flipped", "another file", "bodies changed", "a folder"])
def test_a_harmed_index_is_not_sound(harm: str, filled: Store) -> None:
    assert sound(str(index_of(filled)))
    HARM[harm](index_of(filled))
    assert not sound(str(index_of(filled)))


def test_no_index_at_all_is_sound(store: Store) -> None:
    assert sound(str(index_of(store)))


def test_an_index_that_another_process_is_writing_is_not_waited_for_twice(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from time import monotonic

    expected = answers(filled)
    connection = sqlite3.connect(index_of(filled), isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        begin = monotonic()
        asked = indexed(filled)
        assert answers(asked) == expected
        assert asked.index is not None
        asked.index.put("shelf", "x", "y")
        asked.index.flush()
        assert monotonic() - begin < 5
    finally:
        connection.close()
    assert sound(str(index_of(filled)))


def test_forgetting_is_complete(filled: Store) -> None:
    asked = indexed(filled)
    assert asked.index is not None
    answers(asked)
    asked.index.clear()
    assert not index_of(filled).exists()
    assert asked.index.get("shelf", "anything") is None
    a_folder_there = index_of(filled)
    a_folder_there.mkdir()
    (a_folder_there / "x").touch()
    asked.index.clear()
    assert not index_of(filled).exists()


def test_nothing_new_is_nothing_to_write(store: Store) -> None:
    asked = indexed(store)
    assert asked.index is not None
    asked.index.flush()
    assert not index_of(store).exists()


CHANGES: dict[str, Callable[[Store, DRef, RRef], object]] = {
    "a realization more": lambda store, dref, rref: put(store, {"new": "x"}, dref[38:]),
    "a realization less": lambda store, dref, rref: delete(store, rref, force=True),
    "a derivation less": lambda store, dref, rref: delete(store, dref, force=True),
    "a config less": lambda store, dref, rref: os.unlink(config_path(store, dref)),
    "a realization replaced": lambda store, dref, rref: replaced(store, rref),
}


def replaced(store: Store, rref: RRef) -> None:
    """As by a copy program that starts anew."""
    delete_tree(rref_path(store, rref))
    os.mkdir(rref_path(store, rref))


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_in_the_store_is_seen_through_the_index(change: str, filled: Store) -> None:
    before = indexed(filled)
    answers(before)
    dref = next(dref for dref in drefs(filled) if dref[38:] == "many")
    CHANGES[change](filled, dref, rrefs(filled, dref)[0])
    expected = answers(filled)
    assert answers(before) == expected
    assert answers(indexed(filled)) == expected


def test_what_came_from_elsewhere_is_seen_through_the_index(filled: Store, tmp_path: Path) -> None:
    asked = indexed(filled)
    answers(asked)
    other = Store.open(tmp_path / "other", create=True, durability="none")
    rref = put(other, {"z": "z"}, "foreign")
    foreign(other, filled)
    assert rrefs(asked, dref_of(rref)) == [rref]


def test_a_copy_under_way_is_seen_when_it_is_done(filled: Store, tmp_path: Path) -> None:
    """What fills a folder in a derivation does not touch the derivation's folder."""
    other = Store.open(tmp_path / "other", create=True, durability="none")
    rref = put(other, {"a": "text"}, "base")
    path = Path(rref_path(filled, rref))
    path.mkdir()
    asked = indexed(filled)
    assert rref not in rrefs(asked, dref_of(rref))
    shutil.copytree(rref_path(other, rref), path, symlinks=True, dirs_exist_ok=True)
    assert rref in rrefs(asked, dref_of(rref))
    assert rref in rrefs(indexed(filled), dref_of(rref))


def test_doubt_makes_everybody_look_again(filled: Store) -> None:
    asked, other = indexed(filled), indexed(filled)
    expected = answers(asked)
    answers(other)
    dref = next(dref for dref in drefs(filled) if dref[38:] == "base")
    before = os.stat(drv_path(filled, dref)).st_mtime_ns
    doubt(asked, dref)
    doubt(filled, dref)  # a store without an index is fine too
    assert os.stat(drv_path(filled, dref)).st_mtime_ns != before
    assert answers(asked) == answers(other) == answers(indexed(filled)) == expected


def test_what_changed_a_moment_ago_is_not_remembered_for_certain(store: Store) -> None:
    """Two changes within one tick of the clock have one time."""
    asked = indexed(store)
    rref = put(store, {"a": "x"})
    assert rrefs(asked, dref_of(rref)) == [rref]
    assert asked.index is not None
    asked.index.flush()
    assert indexed(store).index.get("shelf", dref_of(rref)) is None  # type: ignore[union-attr]


def test_the_time_of_a_build_that_a_copy_brings_last_is_seen(filled: Store, tmp_path: Path) -> None:
    """It lies in the realization: what brings it does not touch the derivation's folder."""
    other = Store.open(tmp_path / "other", create=True, durability="none")
    rref = put(other, {"a": "text"}, "base")
    source, target = rref_path(other, rref), rref_path(filled, rref)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("build.json"))
    asked = indexed(filled)
    before = answers(asked)
    assert asked.index is not None
    asked.index.flush()
    assert answers(indexed(filled)) == before
    os.chmod(f"{target}/.pylightnix", 0o755)
    shutil.copy(f"{source}/.pylightnix/build.json", f"{target}/.pylightnix")
    expected = answers(filled)
    assert answers(asked) == answers(indexed(filled)) == expected != before
