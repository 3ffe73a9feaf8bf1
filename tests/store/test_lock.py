"""One machine builds a thing once; nobody waits for the dead, and nobody is stuck."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pylightnix import DRef, Store, StoreBusy, StoreError
from pylightnix.store import lock
from pylightnix.store.lock import build_lock, holder_of
from stages_for_tests import all_at_once, derivation, in_child, lines_of, note

DREF = derivation()[0]
SAME_STRIPE = DRef(f"dref:{DREF[5:7]}{'0' * 30}-other")
OTHER_STRIPE = DRef(f"dref:{'00' if DREF[5:7] != '00' else '11'}{'0' * 30}-other")


@contextmanager
def held_by_another(store: Store, dref: DRef = DREF) -> Iterator[int]:
    """Another process holds the lock; gives its id, and ends it in the end."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with build_lock(store, dref):
                os.write(writer, b"!")
                signal.pause()
        finally:
            os._exit(1)
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_two_at_once_are_one_after_the_other(store: Store, tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    def work() -> None:
        with build_lock(store, DREF):
            note(journal, "in")
            time.sleep(0.02)
            note(journal, "out")

    assert all_at_once([work] * 4) == [0] * 4
    assert lines_of(journal) == ["in", "out"] * 4


def test_threads_of_one_process_exclude_each_other_too(store: Store, tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    def work() -> None:
        with build_lock(store, DREF):
            note(journal, "in")
            time.sleep(0.02)
            note(journal, "out")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lines_of(journal) == ["in", "out"] * 4


def test_who_waits_too_long_is_told_who_holds_it_and_since_when(store: Store) -> None:
    with held_by_another(store) as pid:
        begin = time.monotonic()
        with pytest.raises(StoreBusy) as caught, build_lock(store, DREF, wait_s=0.2):
            pass
        assert 0.15 < time.monotonic() - begin < 5
    assert caught.value.dref == DREF
    assert caught.value.waited_s == 0.2
    assert f"process {pid} on {os.uname().nodename} since 20" in caught.value.holder
    assert "lock_timeout_s" in str(caught.value)


def test_not_waiting_at_all_is_possible(store: Store) -> None:
    with (
        held_by_another(store),
        pytest.raises(StoreBusy),
        build_lock(store, DREF, wait_s=0),
    ):
        pass


def test_a_waiter_says_whom_it_waits_for_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)
    told: list[str] = []
    with held_by_another(store) as pid:

        def tell(holder: str) -> None:
            told.append(holder)
            os.kill(pid, signal.SIGKILL)

        with build_lock(store, DREF, on_wait=tell):
            pass
    assert len(told) == 1
    assert str(pid) in told[0]


def test_nobody_is_told_when_there_is_no_waiting(store: Store) -> None:
    with build_lock(store, DREF, on_wait=lambda holder: pytest.fail(holder)):
        pass


def test_a_holder_that_is_killed_lets_go(store: Store) -> None:
    def die() -> None:
        with build_lock(store, DREF):
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(die) == -signal.SIGKILL
    with build_lock(store, DREF, wait_s=0):
        pass


def test_the_lock_file_stays(store: Store) -> None:
    """Who unlinks a lock file that another holds lets a third one in."""
    for _ in range(2):
        with build_lock(store, DREF):
            pass
        assert os.listdir(f"{store.var}/locks") == [DREF[5:7]]


def test_the_folder_of_locks_is_made_again_where_it_is_gone(store: Store) -> None:
    os.rmdir(f"{store.var}/locks")
    with build_lock(store, DREF):
        assert os.path.exists(f"{store.var}/locks/{DREF[5:7]}")


def within(seconds: float, function: Callable[[], object]) -> int:
    """Run in a child that is killed if it takes too long."""

    def limited() -> None:
        signal.alarm(int(seconds))
        function()

    return in_child(limited)


@pytest.mark.parametrize("inner", [DREF, SAME_STRIPE, OTHER_STRIPE])
def test_a_builder_that_realizes_something_does_not_wait_for_itself(
    inner: DRef, store: Store
) -> None:
    def nested() -> None:
        with build_lock(store, DREF) as outer, build_lock(outer, inner) as both:
            assert DREF[5:7] in both.held
            with build_lock(both, inner, wait_s=0):
                pass

    assert within(5, nested) == 0


def test_what_is_held_is_not_taken_again(store: Store) -> None:
    with build_lock(store, DREF) as outer, build_lock(outer, SAME_STRIPE, wait_s=0) as inner:
        assert inner is outer
        with build_lock(inner, DREF, wait_s=0) as again:
            assert again is outer


def test_what_is_held_ends_with_the_block(store: Store) -> None:
    with build_lock(store, DREF) as inside:
        assert inside.held == {DREF[5:7]}
        assert inside == store
    assert store.held == frozenset()
    with build_lock(store, DREF, wait_s=0):
        pass


def test_two_builds_that_want_each_others_lock_both_go_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "NESTED_WAIT_S", 0.3)
    monkeypatch.setattr(lock, "PATIENCE_S", 0.1)
    journal = tmp_path / "journal"

    def crosswise(first: DRef, second: DRef) -> Callable[[], None]:
        def work() -> None:
            with build_lock(store, first) as outer:
                note(journal, first)
                while len(lines_of(journal)) < 2:
                    time.sleep(0.01)
                with build_lock(outer, second):
                    pass

        return work

    both = [crosswise(DREF, OTHER_STRIPE), crosswise(OTHER_STRIPE, DREF)]
    assert all_at_once(both) == [0, 0]


def test_a_nested_build_told_how_long_to_wait_does_not_go_on_without(store: Store) -> None:
    with (
        held_by_another(store, OTHER_STRIPE),
        build_lock(store, DREF) as outer,
        pytest.raises(StoreBusy),
        build_lock(outer, OTHER_STRIPE, wait_s=0.05),
    ):
        pass


def test_an_error_inside_lets_go(store: Store) -> None:
    with pytest.raises(KeyError), build_lock(store, DREF):
        raise KeyError
    with build_lock(store, DREF, wait_s=0):
        pass


def without_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no locks, as some network file systems."""
    import fcntl

    def lacking(fd: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", lacking)


def test_where_there_are_no_locks_a_lease_does(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_flock(monkeypatch)
    with build_lock(store, DREF) as inside:
        assert inside.held == {DREF[5:7]}
        with pytest.raises(StoreBusy), build_lock(store, DREF, wait_s=0.1):
            pass
    with build_lock(store, DREF, wait_s=0.1):
        pass


def test_a_lock_that_fails_otherwise_is_an_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def failing(fd: int, operation: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", failing)
    with pytest.raises(OSError, match="Input/output"), build_lock(store, DREF):
        pass


def test_a_lock_file_that_cannot_be_opened_is_an_error_of_the_store(store: Store) -> None:
    os.mkdir(f"{store.var}/locks/{DREF[5:7]}")
    with pytest.raises(StoreError, match="cannot be opened"), build_lock(store, DREF):
        pass


def test_a_holder_that_nobody_knows_is_called_so(store: Store) -> None:
    assert holder_of(store, DREF) == "an unknown process"
    (Path(store.var) / "locks" / DREF[5:7]).write_bytes(b"")
    assert holder_of(store, DREF) == "an unknown process"
    (Path(store.var) / "locks" / DREF[5:7]).write_bytes(b"\xff\xfe")
    assert holder_of(store, DREF)


def test_a_shorter_name_of_the_next_holder_leaves_nothing_of_the_last(store: Store) -> None:
    long = DRef(f"dref:{DREF[5:37]}-{'x' * 100}")
    with build_lock(store, long):
        pass
    with build_lock(store, DREF):
        assert holder_of(store, DREF).endswith(f"({DREF})")
