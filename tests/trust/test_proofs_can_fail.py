"""A proof that cannot fail proves nothing: each is shown a store that breaks its promise."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prove import bad_input, collector, crew, damage, index_damage, machine, rsync_cut, stress
from prove.bad_cases import Case, open_shop
from pylightnix import InvalidValue, Store
from pylightnix.api import health
from pylightnix.core.value import changed
from pylightnix.engine import produce
from pylightnix.store import (
    check,
    gc,
    index,
    ingest,
    offers,
    reading,
    roots,
    shelf,
    survey,
    verified,
    verify,
)
from pylightnix.store.books import Book, Shelf
from pylightnix.store.layout import rref_path

Patch = pytest.MonkeyPatch


@contextmanager
def no_lock(store: Store, *args: object, **options: object) -> Iterator[Store]:
    """Not a lock at all."""
    yield store


def test_without_locks_things_are_built_twice(monkeypatch: Patch) -> None:
    monkeypatch.setattr(produce, "build_lock", no_lock)
    outcome = stress.prove(2, seed=1)
    assert not outcome.ok
    assert ", 0 duplicate builds" not in outcome.figure


def test_who_is_stuck_is_noticed() -> None:
    outcome = stress.prove(1, seed=1, limit_s=0.05)
    assert not outcome.ok
    assert ", 0 stuck" not in outcome.figure


def test_a_builder_that_raises_is_noticed(monkeypatch: Patch) -> None:
    def broken(*args: object) -> None:
        raise OSError("broken")

    monkeypatch.setattr(stress, "rref2path", broken)
    outcome = stress.prove(1, seed=1)
    assert "8 exceptions" in outcome.figure


def test_without_roots_of_processes_objects_vanish(monkeypatch: Patch) -> None:
    monkeypatch.setattr(roots.LiveRoots, "hold", lambda self, refs: None)
    outcome = collector.prove(60, seed=1)
    assert not outcome.ok
    assert " 0 failures" not in outcome.figure


def test_a_collector_that_knows_no_names_loses_roots(monkeypatch: Patch) -> None:
    monkeypatch.setattr(gc, "named_roots", lambda store: {})
    outcome = collector.prove(60, seed=1)
    assert not outcome.ok
    assert not outcome.figure.startswith("0 dangling")


class _NoHash(str):
    """Equal to every hash."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def test_damage_that_is_not_seen_fails_the_proof(monkeypatch: Patch) -> None:
    monkeypatch.setattr(check, "hash_open", lambda fd, size: (_NoHash(), size))
    outcome = damage.prove(12, seed=1)
    assert not outcome.ok
    assert not outcome.figure.startswith("100 %")


def test_damage_that_is_handed_out_fails_the_proof(monkeypatch: Patch) -> None:
    monkeypatch.setattr(verify, "doubt", lambda store, dref: None)
    outcome = damage.prove(20, seed=1)
    assert not outcome.ok
    assert " 0 handed out" not in outcome.figure


def test_damage_that_is_not_repaired_fails_the_proof(monkeypatch: Patch) -> None:
    monkeypatch.setattr(health, "_rebuild", lambda store, gone, closure: "")
    outcome = damage.prove(10, seed=1)
    assert not outcome.ok
    assert "not repaired" in outcome.figure


def test_false_alarms_fail_the_proof(monkeypatch: Patch) -> None:
    real = check.faults

    def nervous(store: Store, rref: Any, **options: bool) -> Iterator[check.Fault]:
        yield from real(store, rref, **options)
        if rref.endswith("-top"):
            yield check.Fault(rref, "text", "looks strange")

    monkeypatch.setattr(verify, "faults", nervous)
    outcome = damage.prove(3, seed=1)
    assert not outcome.ok
    assert " 0 false alarms" not in outcome.figure


def test_an_error_of_the_index_that_is_shown_fails_the_proof(monkeypatch: Patch) -> None:
    def unguarded(self: index.Index, work: Callable[[Any], Any]) -> Any:
        with index._connected(self._path) as connection:
            return work(connection)

    monkeypatch.setattr(index.Index, "_guarded", unguarded)
    outcome = index_damage.prove(15, seed=1)
    assert not outcome.ok
    assert " 0 errors shown" not in outcome.figure


def test_an_index_that_is_believed_in_any_case_fails_the_proof(monkeypatch: Patch) -> None:
    real = shelf._recalled

    def believing(handle: index.Index, dref: Any) -> Shelf | None:
        found = real(handle, dref)
        return None if found is None else changed(found, identity=_Any((1, 2, 3)))

    monkeypatch.setattr(shelf, "_recalled", believing)
    outcome = index_damage.prove(15, seed=1)
    assert not outcome.ok


def test_an_index_that_believes_the_dates_of_folders_fails_the_proof(monkeypatch: Patch) -> None:
    """What was restored has an old date, and only the change time tells."""

    def dated(status: os.stat_result) -> tuple[int, int, int]:
        return status.st_ino, status.st_mtime_ns, status.st_mtime_ns

    def is_true(row: str, entry: os.DirEntry[str], tails: tuple[str, ...]) -> bool:
        inode, mtime_ns, _ = dated(entry.stat(follow_symlinks=False))
        state = f"{inode} {mtime_ns} {mtime_ns} "
        return row.startswith(state) and row.startswith(tails, len(state))

    for module in (shelf, offers):
        monkeypatch.setattr(module, "identity_of", dated)
    monkeypatch.setattr(survey, "_is_true", is_true)
    assert not index_damage.prove(15, seed=1).ok


def test_an_index_that_takes_a_copy_under_way_for_whole_fails_the_proof(monkeypatch: Patch) -> None:
    monkeypatch.setattr(shelf, "_may_grow", lambda found: bool(found.strange))
    assert not index_damage.prove(15, seed=4).ok


def test_a_hash_that_is_remembered_by_size_and_date_fails_the_proof(monkeypatch: Patch) -> None:
    real = ingest._Listing._add_file

    def add(self: Any, path: str, place: str, status: Any) -> None:
        dated = SimpleNamespace(st_mode=status.st_mode, st_size=status.st_size, st_ino=0)
        dated.st_mtime_ns = dated.st_ctime_ns = status.st_mtime_ns
        real(self, path, place, dated)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest._Listing, "_add_file", add)
    assert not index_damage.prove(15, seed=1).ok


class _Any(tuple[int, ...]):
    """Equal to every identity."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = tuple.__hash__


@pytest.mark.skipif(shutil.which("rsync") is None, reason="there is no rsync here")
def test_a_store_that_believes_in_what_it_has_fails_the_copy(monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        verified, "is_valid", lambda store, rref: os.path.isdir(rref_path(store, rref))
    )
    monkeypatch.setattr(reading, "_book", _any_book(reading._book))
    outcome = rsync_cut.prove(20, seed=1)
    assert not outcome.ok


def _any_book(real: Callable[..., Book | None]) -> Callable[..., Book | None]:
    def book(store: Store, rref: Any, before: Book | None) -> Book | None:
        try:
            return real(store, rref, before)
        except (OSError, ValueError):
            return reading.mkbook(rref, {}, "", 0, 0.0)

    return book


def test_a_collector_that_spares_nothing_is_a_counterexample(monkeypatch: Patch) -> None:
    monkeypatch.setattr(gc, "all_roots", lambda *args: {})
    outcome = machine.prove(25, seed=1)
    assert not outcome.ok
    assert outcome.figure.startswith("a counterexample")


@dataclass
class Tried:
    problem: str
    status: int | None


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: Patch) -> Callable[[Callable[..., object]], Tried]:
    """Give something to the library as the proof does, and tell what it finds fault with."""
    shop = open_shop(str(tmp_path))
    monkeypatch.setattr(bad_input, "LIMIT_S", 1)

    def give(act: Callable[..., object]) -> Tried:
        answer = tmp_path / "answer"
        work = crew.start(
            lambda: bad_input.tried(Case("x", act), shop, str(answer)), f"{tmp_path}/errors"
        )
        status = crew.ended(work, 20)
        return Tried(answer.read_text() if answer.exists() else "", status)

    return give


def test_bad_input_that_is_taken_fails_the_proof(tried: Any) -> None:
    assert "was not refused" in tried(lambda shop, _: "taken").problem


def test_bad_input_that_meets_a_bug_fails_the_proof(tried: Any) -> None:
    assert "KeyError" in tried(lambda shop, _: os.environ["NO_SUCH_VARIABLE"]).problem


def test_bad_input_that_leaves_something_fails_the_proof(tried: Any) -> None:
    def act(shop: Any, _: object) -> None:
        Path(shop.root, "store-v1", "x").touch()
        raise InvalidValue("refused in so many words")

    assert "left behind" in tried(act).problem


def test_bad_input_that_hangs_fails_the_proof(tried: Any) -> None:
    assert tried(lambda shop, _: time.sleep(30)).status == -signal.SIGALRM


def test_what_is_refused_well_is_no_problem(tried: Any) -> None:
    def act(shop: Any, _: object) -> None:
        raise InvalidValue("refused in so many words")

    assert '"problem": ""' in tried(act).problem


def test_other_words_under_optimization_fail_the_proof(monkeypatch: Patch) -> None:
    def run(top: str, points: int, optimize: int) -> dict[str, dict[str, str]]:
        return {"case": {"problem": "", "name": "InvalidValue", "text": f"under {optimize}"}}

    monkeypatch.setattr(bad_input, "run", run)
    outcome = bad_input.prove(1, seed=1)
    assert not outcome.ok
    assert "under -O" in outcome.figure
