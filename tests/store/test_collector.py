"""The collector's lock: many say what must stay, one deletes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable

import pytest

from pylightnix import Store, StoreError
from pylightnix.store.collector import CollectorBusy, collector_lock
from stages_for_tests import in_child


def status_of(store: Store, *, shared: bool) -> int:
    """Whether another process gets the lock at once."""

    def take() -> None:
        with collector_lock(store, shared=shared, wait_s=0):
            pass

    return in_child(take)


def test_many_share_it_and_one_has_it_alone(store: Store) -> None:
    with collector_lock(store, shared=True):
        assert status_of(store, shared=True) == 0
        assert status_of(store, shared=False) == 1
    with collector_lock(store, shared=False):
        assert status_of(store, shared=True) == 1
        assert status_of(store, shared=False) == 1
    assert status_of(store, shared=False) == 0


def test_who_waits_too_long_is_told_who_holds_it(store: Store) -> None:
    with (
        collector_lock(store, shared=False),
        pytest.raises(CollectorBusy, match=f"process {os.getpid()}.*try again later"),
        collector_lock(store, shared=False, wait_s=0.05),
    ):
        pass


def test_the_folder_of_locks_is_made_again_where_it_is_gone(store: Store) -> None:
    os.rmdir(f"{store.var}/locks")
    assert status_of(store, shared=False) == 0


def failing(code: int) -> Callable[[int, int], None]:
    def flock(fd: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    return flock


def test_without_locks_roots_are_added_and_nothing_is_collected(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    with collector_lock(store, shared=True):
        pass
    with pytest.raises(StoreError, match="no file locks"), collector_lock(store, shared=False):
        pass


def test_a_lock_that_fails_otherwise_is_an_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.EIO))
    with pytest.raises(OSError), collector_lock(store, shared=True):
        pass
