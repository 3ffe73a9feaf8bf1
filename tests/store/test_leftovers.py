from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pylightnix import Store
from pylightnix.core.reclaim import Policy
from pylightnix.core.refs import DRef
from pylightnix.store.gc import collect
from pylightnix.store.leftovers import leftovers
from pylightnix.store.machine import host
from pylightnix.store.roots import LiveRoots, live_files, live_refs

DREF = DRef("dref:" + "0" * 32 + "-thing")
KILLED = """
import os, signal, sys
from pylightnix import DRef, Store
from pylightnix.store.roots import LiveRoots
live = LiveRoots(Store.open(sys.argv[1]))
live.hold([DRef(sys.argv[2])])
os.kill(os.getpid(), signal.SIGKILL)
"""


def paths(store: Store, before_s: float | None = None) -> list[str]:
    return [found.path for found in leftovers(store, before_s or time.time() + 1)]


def kill_one(store: Store) -> str:
    """Let a process say that it uses something, and kill it; gives its file."""
    words = [sys.executable, "-c", KILLED, str(Path(store.objects).parent), DREF]
    assert subprocess.run(words, check=False).returncode == -9
    (path,) = live_files(store)
    return path


def test_what_a_killed_process_used_is_left_over_however_young(store: Store) -> None:
    path = kill_one(store)
    assert live_refs(store) == {}
    assert paths(store, before_s=1.0) == [path]


def test_what_a_live_process_uses_is_not_left_over(store: Store) -> None:
    live = LiveRoots(store)
    live.hold([DREF])
    assert set(live_refs(store)) == {DREF}
    assert paths(store) == []
    live.close()
    assert live_files(store) == []


def test_a_file_of_another_machine_is_believed_for_a_day(store: Store) -> None:
    path = f"{store.var}/roots/.live/{host()}x-1-abc"
    os.makedirs(os.path.dirname(path))
    Path(path).write_text(f"{DREF}\n")
    assert live_refs(store) == {DREF: "process 1"}
    assert paths(store) == []
    os.utime(path, (time.time() - 25 * 3600,) * 2)
    assert live_refs(store) == {}
    assert paths(store) == [path]


def test_a_file_of_any_other_name_is_no_trouble(store: Store) -> None:
    os.makedirs(f"{store.var}/roots/.live")
    Path(f"{store.var}/roots/.live/strange").write_text(f"{DREF}\n")
    assert set(live_refs(store)) == {DREF}


@pytest.mark.parametrize(
    "place",
    ["tmp/h-1-a", "roots/.in-1", "roots/.links/.in-1", "roots/.live/.in-1", "verified/.in-1"],
)
def test_an_interrupted_write_is_left_over_and_taken_away(place: str, store: Store) -> None:
    path = f"{store.var}/{place}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink("somewhere", path)
    assert paths(store) == [path]
    assert paths(store, before_s=1.0) == []
    found = collect(store, Policy(grace_s=-1.0), leftovers_only=True)
    assert [left.path for left in found.leftovers] == [path]
    assert paths(store) == []


def test_a_dry_run_leaves_the_files_of_killed_processes(store: Store) -> None:
    path = kill_one(store)
    for dry_run in (True, False):
        assert os.path.exists(path)
        found = collect(store, Policy(), dry_run=dry_run)
        assert [left.path for left in found.leftovers] == [path]
    assert not os.path.exists(path)
