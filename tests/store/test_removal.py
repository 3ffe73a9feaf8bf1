"""Taking single objects out: never what others need."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pylightnix import DRef, InUse, NotInStore, RRef, Store
from pylightnix.store import removal
from pylightnix.store.collector import CollectorBusy, collector_lock
from pylightnix.store.layout import drv_path, rref_path
from pylightnix.store.objects import put_derivation
from pylightnix.store.query import dref_of, drefs, rrefs
from pylightnix.store.removal import delete, users_of
from stages_for_tests import derivation, put


@pytest.fixture
def pair(store: Store) -> tuple[RRef, RRef]:
    """A realization, and one that depends on it."""
    base = put(store, {"a": "x"}, "base")
    dref, config = derivation("top", dep=dref_of(base))
    put_derivation(store, dref, config)
    top = put(store, {"b": "y"}, "top", context={dref_of(base): [base]}, dep=dref_of(base))
    return base, top


def test_users_are_those_that_need_it_directly(store: Store, pair: tuple[RRef, RRef]) -> None:
    base, top = pair
    assert users_of(store, base) == [top]
    assert users_of(store, dref_of(base)) == [dref_of(top)]
    assert users_of(store, top) == users_of(store, dref_of(top)) == []


def test_what_is_needed_is_not_deleted_and_who_needs_it_is_told(
    store: Store, pair: tuple[RRef, RRef]
) -> None:
    base, top = pair
    refs: list[tuple[DRef | RRef, DRef | RRef]] = [(base, top), (dref_of(base), dref_of(top))]
    for ref, user in refs:
        with pytest.raises(InUse, match=f"needed by {user}.*or use force") as caught:
            delete(store, ref)
        assert caught.value.holders == (user,)
    assert rrefs(store, dref_of(base)) == [base]


def test_what_nobody_needs_is_deleted_users_first(store: Store, pair: tuple[RRef, RRef]) -> None:
    base, top = pair
    delete(store, top)
    assert rrefs(store, dref_of(top)) == []
    delete(store, base)
    delete(store, dref_of(top))
    delete(store, dref_of(base))
    assert drefs(store) == []
    assert os.listdir(f"{store.var}/trash") == []
    assert os.listdir(store.objects) == []


def test_what_a_call_of_this_process_holds_is_not_deleted(
    store: Store, pair: tuple[RRef, RRef]
) -> None:
    _, top = pair
    for held, ref in ((top, top), (dref_of(top), top), (top, dref_of(top))):
        with pytest.raises(InUse, match="this process"):
            delete(store, ref, at_work=[[], [held]])
    delete(store, top, at_work=[[], [dref_of(pair[0])]])


def test_who_does_not_want_to_wait_is_told_who_holds_the_lock(
    store: Store, pair: tuple[RRef, RRef]
) -> None:
    with collector_lock(store, shared=True), pytest.raises(CollectorBusy):
        delete(store, pair[1], wait_s=0.0)
    delete(store, pair[1], wait_s=0.0)


def test_of_a_leaf_nobody_is_asked_whether_something_is_made(
    store: Store, pair: tuple[RRef, RRef]
) -> None:
    base, top = pair
    with pytest.raises(InUse, match="this process"):
        delete(store, top, leaf=True, at_work=[[top]])
    delete(store, top, leaf=True)
    delete(store, dref_of(base), leaf=True)
    assert rrefs(store, dref_of(base)) == []


def test_force_deletes_what_is_needed(store: Store, pair: tuple[RRef, RRef]) -> None:
    delete(store, dref_of(pair[0]), force=True)
    assert drefs(store) == [dref_of(pair[1])]


def test_force_works_where_it_cannot_be_told_who_uses_it(
    store: Store, pair: tuple[RRef, RRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_knows(store: Store, mine: str) -> dict[DRef | RRef, str]:
        raise OSError(errno.EIO, "it cannot be read")

    monkeypatch.setattr(removal, "live_refs", nobody_knows)
    with pytest.raises(OSError, match="cannot be read"):
        delete(store, pair[1])
    delete(store, pair[1], force=True)
    assert rrefs(store, dref_of(pair[1])) == []


@pytest.mark.parametrize("harm", ["emptied", "gone", "unreadable"])
def test_without_its_config_a_derivation_needs_what_its_realizations_need(
    store: Store, pair: tuple[RRef, RRef], harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single EIO for one config, and what its realization needed could be deleted."""
    base, top = pair
    config = Path(drv_path(store, dref_of(top))) / "config.json"
    if harm == "unreadable":
        monkeypatch.setattr(os, "lstat", _failing(os.lstat, config))
        monkeypatch.setattr(os, "open", _failing(os.open, config))
    elif harm == "gone":
        config.unlink()
    else:
        config.chmod(0o644)
        config.write_text("{}")
    assert users_of(store, base) == [top]
    assert users_of(store, dref_of(base)) == [dref_of(top)]
    delete(store, dref_of(top))
    assert drefs(store) == [dref_of(base)]


def _failing(real: Callable[..., Any], bad: Path) -> Callable[..., Any]:
    def look(path: object, *args: Any, **kwargs: Any) -> object:
        if str(path) == str(bad):
            raise OSError(errno.EIO, "it cannot be read")
        return real(path, *args, **kwargs)

    return look


def test_what_is_not_whole_needs_nothing(store: Store, pair: tuple[RRef, RRef]) -> None:
    base, top = pair
    os.chmod(rref_path(store, top), 0o755)
    os.unlink(f"{rref_path(store, top)}/b")
    assert users_of(store, base) == []


def test_what_is_not_there_cannot_be_deleted(store: Store) -> None:
    for ref in (derivation()[0], RRef(f"rref:{'0' * 32}-{derivation()[0][5:]}")):
        with pytest.raises(NotInStore, match="nothing to delete"):
            delete(store, ref)


def test_its_error_survives_a_trip_between_processes() -> None:
    error = InUse("dref:x", ("a", "b"))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
