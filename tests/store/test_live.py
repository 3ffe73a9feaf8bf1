"""What a process says it uses: said by all its threads in one file."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pylightnix import DRef, Store
from pylightnix.store.roots import LiveRoots, is_dead, live_files, live_refs

DREFS = [DRef(f"dref:{number:032x}-x") for number in range(8)]


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that are changed as often as they can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_threads_that_begin_at_once_say_it_in_one_file(store: Store) -> None:
    turn = threading.Barrier(len(DREFS))

    def hold(live: LiveRoots, dref: DRef) -> None:
        turn.wait()
        live.hold([dref])

    with ThreadPoolExecutor(len(DREFS)) as threads:
        for _ in range(40):
            live = LiveRoots(store)
            list(threads.map(hold, [live] * len(DREFS), DREFS))
            assert set(live_refs(store)) == set(DREFS)
            assert not live_refs(store, live.path)
            assert [path for path in live_files(store) if not is_dead(path)] == [live.path]
            live.close()
            assert live_files(store) == []
