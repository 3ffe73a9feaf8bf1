"""A process for every call: what it keeps, and what it leaves behind, which is nothing."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from pylightnix import NoWorkers, WorkerDied
from pylightnix.executors.processes import ProcessPerCall


@contextmanager
def workers(jobs: int = 2) -> Iterator[ProcessPerCall]:
    executor = ProcessPerCall(jobs, dict(os.environ))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def soon(condition: Callable[[], object], limit_s: float = 20.0) -> bool:
    """Does it come true?"""
    end_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True


def alive(pid: int) -> bool:
    """Is a process there, and no zombie?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descriptors() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # that of the listing itself
            continue
    return sorted(found)


def children() -> set[int]:
    found = set()
    for task in os.listdir("/proc/self/task"):
        found |= {int(p) for p in Path(f"/proc/self/task/{task}/children").read_text().split()}
    return found


def test_a_call_is_made_elsewhere_and_its_result_comes_back() -> None:
    with workers() as executor:
        assert executor.submit(pow, 2, 10).result() == 1024
        assert executor.submit(os.getpid).result() != os.getpid()


def test_what_a_call_raises_comes_back() -> None:
    with workers() as executor, pytest.raises(ValueError, match="invalid literal"):
        executor.submit(int, "x").result()


def test_a_result_that_cannot_be_copied_is_an_error() -> None:
    with workers() as executor, pytest.raises(RuntimeError, match="cannot travel"):
        executor.submit(threading.Lock).result()


def test_no_more_calls_run_at_once_than_was_said() -> None:
    with workers(1) as executor:
        first = executor.submit(time.sleep, 60)
        second = executor.submit(int, 1)
        assert soon(first.running)
        assert not second.running()
        executor.kill(first)
        assert second.result() == 1


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda: os._exit(3), 3),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), -signal.SIGSEGV),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
    ],
    ids=["exit", "segfault", "killed"],
)
def test_a_process_that_dies_is_an_error(end: Callable[[], object], status: int) -> None:
    with workers() as executor:
        with pytest.raises(WorkerDied) as caught:
            executor.submit(end).result()
        assert caught.value.status == status
        assert not alive(caught.value.pid)
        assert executor.submit(int, "7").result() == 7


def test_what_a_death_means_is_told() -> None:
    assert "SIGSEGV" in str(WorkerDied(-11, 1))
    assert "out of memory" in str(WorkerDied(-9, 1))
    assert "status 3" in str(WorkerDied(3, 1))
    assert "signal 250 (unknown)" in str(WorkerDied(-250, 1))


def test_what_a_call_leaves_running_is_killed(tmp_path: Path) -> None:
    def leave() -> int:
        return subprocess.Popen(["sleep", "60"]).pid

    with workers() as executor:
        pid = executor.submit(leave).result()
        assert soon(lambda: not alive(pid))


def test_a_killed_call_takes_its_children_along() -> None:
    read, write = os.pipe()
    with workers() as executor:
        future = executor.submit(os.system, "sleep 60")
        assert soon(future.running)
        assert soon(lambda: executor._tickets[future].pid)
        executor.kill(future)
        with pytest.raises(WorkerDied):
            future.result()
    os.close(read)
    os.close(write)


def test_a_call_can_be_killed_before_it_has_a_process() -> None:
    with workers(1) as executor:
        futures = [executor.submit(time.sleep, 60) for _ in range(2)]
        for future in futures:
            executor.kill(future)
        wait(futures, 20)
        assert all(isinstance(future.exception(), WorkerDied) for future in futures)


def test_what_is_told_arrives_before_the_answer() -> None:
    def tell(upto: int, told: Callable[[object], None]) -> str:
        for number in range(upto):
            told(number)
        return "done"

    heard: list[object] = []
    with workers() as executor:
        assert executor.submit_telling(heard.append, tell, 100).result() == "done"
    assert heard == list(range(100))


def test_a_fork_of_a_call_cannot_speak_for_it() -> None:
    def tell(told: Callable[[object], None]) -> None:
        if os.fork() == 0:
            told("nonsense")
            os._exit(0)
        os.wait()
        told("sense")

    heard: list[object] = []
    with workers() as executor:
        executor.submit_telling(heard.append, tell).result()
    assert heard == ["sense"]


def test_shutdown_leaves_nothing_behind() -> None:
    before, threads = children(), threading.active_count()
    gc.collect()
    open_before = descriptors()
    with workers(3) as executor:
        wait([executor.submit(int, 1) for _ in range(9)])
        sleeping = [executor.submit(time.sleep, 60) for _ in range(9)]
        assert soon(sleeping[0].running)
        (nursery,) = children() - before
    assert not alive(nursery)
    assert children() == before
    assert threading.active_count() == threads
    assert descriptors() == open_before
    for future in sleeping:
        with pytest.raises((WorkerDied, CancelledError)):
            future.result()
    with pytest.raises(RuntimeError):
        executor.submit(int, 1)


def test_shutdown_waits_for_what_runs() -> None:
    executor = ProcessPerCall(1, dict(os.environ))
    futures = [executor.submit(int, n) for n in range(3)]
    executor.shutdown()
    assert [future.result() for future in futures] == [0, 1, 2]


KILLED = """
import os, sys, time
from pylightnix.executors.processes import ProcessPerCall
if __name__ == "__main__":
    executor = ProcessPerCall(2, dict(os.environ))
    for _ in range(2):
        executor.submit(os.system, "echo $$ $PPID; exec sleep 60")
    time.sleep(60)
"""


@pytest.mark.parametrize("who", ["coordinator", "nursery"])
def test_whoever_is_killed_no_call_is_left_alone(who: str) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE) as coordinator:
        assert coordinator.stdout is not None
        lines = [coordinator.stdout.readline().split() for _ in range(2)]
        sleepers, callers = [int(a) for a, _ in lines], [int(b) for _, b in lines]
        nursery = int(Path(f"/proc/{callers[0]}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(coordinator.pid if who == "coordinator" else nursery, signal.SIGKILL)
        assert soon(lambda: not any(map(alive, [*callers, *sleepers, nursery])))
        coordinator.kill()


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false", ""])
def test_a_nursery_that_cannot_start_is_an_error(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    monkeypatch.setattr(sys, "executable", program)
    with workers() as executor:
        for _ in range(2):
            with pytest.raises(NoWorkers, match="realize with jobs=1"):
                executor.submit(int, 1).result()
    assert descriptors() == before


def test_a_nursery_that_died_is_an_error() -> None:
    with workers() as executor:
        executor.submit(int, 1).result()
        assert executor._children.nursery is not None
        executor._children.nursery.kill()
        executor._children.nursery.wait()
        with pytest.raises((NoWorkers, WorkerDied)):
            executor.submit(int, 1).result()


def test_modules_in_the_working_folder_are_none_of_the_nursery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "socket.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    with workers() as executor:
        assert executor.submit(os.getcwd).result() == str(tmp_path)


def test_a_lost_working_folder_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = tmp_path / "lost"
    lost.mkdir()
    with workers() as executor:
        executor.submit(int, 1).result()
        monkeypatch.chdir(lost)
        lost.rmdir()
        assert executor.submit(int, 7).result() == 7
