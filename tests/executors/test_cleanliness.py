"""Clean processes: one that is as it was before makes the next call, any other ends."""

from __future__ import annotations

import builtins
import gc
import json
import logging
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path

import pytest

from pylightnix.executors.processes import ProcessPerCall
from pylightnix.executors.traces import GROWTH_KIB, Traces, dirt, traces

if not sys.platform.startswith("linux"):
    pytest.skip("elsewhere no process is known to be clean", allow_module_level=True)


@contextmanager
def worker(*, reuse: bool = True) -> Iterator[ProcessPerCall]:
    """One worker, so that calls follow each other."""
    executor = ProcessPerCall(1, dict(os.environ), reuse=reuse)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def pid_of(executor: ProcessPerCall) -> int:
    return executor.submit(os.getpid).result()


def leavings() -> dict[str, tuple[str, Callable[[], object]]]:
    """What a call may leave behind: by a short name, how it is told of, and who leaves it."""

    def fork() -> None:
        if os.fork() == 0:
            time.sleep(60)

    def daemon() -> None:
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
                time.sleep(2)
            os._exit(0)
        os.wait()

    def thread() -> None:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()

    def alarm() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 60)

    def limit() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))

    def keep() -> None:
        resource.held = bytearray(os.urandom(1) * (GROWTH_KIB + 4096) * 1024)  # type: ignore[attr-defined]

    def patch_class() -> None:
        json.JSONEncoder.encode = lambda self, o: "{}"  # type: ignore[method-assign]

    def remove_function() -> None:
        del os.path.commonprefix

    return {
        "import": ("module this", lambda: exec("import this")),
        "module": ("module xyz", lambda: sys.modules.update(xyz=sys)),
        "variable": ("environment", lambda: os.environ.update(LEFT="here")),
        "putenv": ("environment", lambda: os.putenv("LEFT", "here")),
        "umask": ("process status", lambda: os.umask(0o077)),
        "path": ("lists of sys", lambda: sys.path.append("/left")),
        "argv": ("lists of sys", lambda: sys.argv.append("left")),
        "meta path": ("lists of sys", lambda: sys.meta_path.append(None)),  # type: ignore[arg-type]
        "stdout": ("streams", lambda: setattr(sys, "stdout", None)),
        "excepthook": ("sys", lambda: setattr(sys, "excepthook", print)),
        "encoding": ("streams", lambda: sys.stdout.reconfigure(encoding="ascii")),  # type: ignore[union-attr]
        "handler": ("signal handlers", lambda: signal.signal(signal.SIGINT, lambda *_: None)),
        "ignored": ("signal handlers", lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)),
        "mask": (
            "process status",
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]),
        ),
        "alarm": ("timers", alarm),
        "thread": ("threads", thread),
        "child": ("processes", lambda: subprocess.Popen(["sleep", "60"]).pid),
        "zombie": ("processes", lambda: os.posix_spawn("/bin/true", ["true"], {})),
        "fork": ("processes", fork),
        "daemon": ("processes", daemon),
        "file": ("open files", lambda: os.dup(0)),
        "input": ("open files", lambda: os.dup2(1, 0)),
        "limit": ("limits", limit),
        "nice": ("priority", lambda: os.nice(1)),
        "filter": ("warnings", lambda: warnings.simplefilter("error")),
        "logging": ("logging", lambda: logging.getLogger().addHandler(logging.NullHandler())),
        "timeout": ("interpreter", lambda: socket.setdefaulttimeout(5)),
        "recursion": ("interpreter", lambda: sys.setrecursionlimit(5000)),
        "collector": ("interpreter", gc.disable),
        "builtin": ("builtins", lambda: setattr(builtins, "left", 1)),
        "patch": ("time", lambda: setattr(time, "sleep", print)),
        "function": ("posixpath", remove_function),
        "class": ("json.encoder.JSONEncoder", patch_class),
        "memory": ("memory", keep),
        "main": ("__main__", lambda: setattr(sys.modules["__main__"], "left", 1)),
    }


@pytest.fixture(scope="module")
def shared() -> Iterator[ProcessPerCall]:
    """One for all: what is left behind ends a process, and not the one that it is forked from."""
    with worker() as executor:
        yield executor


@pytest.mark.parametrize("name", leavings())
def test_what_a_call_leaves_behind_ends_its_process(name: str, shared: ProcessPerCall) -> None:
    told, leave = leavings()[name]

    def call() -> int:
        leave()
        return os.getpid()

    before, known = pid_of(shared), Counter(shared.endings)
    assert shared.submit(call).result() == before
    after = pid_of(shared)
    assert after != before
    assert pid_of(shared) == after
    ((reason, count),) = (shared.endings - known).items()
    assert (reason.startswith(told), count) == (True, 1), reason


def clean() -> dict[str, Callable[[], object]]:
    """What a call may do without a trace."""

    def write() -> None:
        path = pathlib.Path(f"/tmp/{os.getpid()}-{time.time_ns()}")
        path.write_text(json.dumps([1]))
        path.unlink()

    def environment() -> None:
        os.environ["LEFT"] = "x"
        del os.environ["LEFT"]

    def thread() -> None:
        one = threading.Thread(target=int)
        one.start()
        one.join()

    def garbage() -> None:
        held: list[object] = [os.fdopen(os.dup(0), "rb")]
        held.append(held)
        warnings.simplefilter("ignore")

    return {
        "nothing": int,
        "folder": lambda: os.chdir("/"),
        "file": write,
        "program": lambda: subprocess.run(["true"], check=True),
        "environment": environment,
        "thread": thread,
        "garbage": garbage,
    }


@pytest.mark.parametrize("name", clean())
def test_a_process_that_is_as_clean_as_before_makes_the_next_call(name: str) -> None:
    act = clean()[name]

    def call() -> int:
        with warnings.catch_warnings():
            act()
        return os.getpid()

    with worker() as executor:
        pids = {pid_of(executor), executor.submit(call).result(), pid_of(executor)}
        assert (len(pids), executor.endings) == (1, {})


def test_a_failed_call_ends_its_process() -> None:
    with worker() as executor:
        before = pid_of(executor)
        with pytest.raises(ValueError, match="invalid literal"):
            executor.submit(int, "x").result()
        assert pid_of(executor) != before
        assert executor.endings == {"it failed": 1}


def test_a_killed_call_ends_its_process() -> None:
    with worker() as executor:
        before = pid_of(executor)
        future = executor.submit(time.sleep, 60)
        while not executor._tickets[future].pid:
            time.sleep(0.01)
        executor.kill(future)
        assert future.exception() is not None
        assert pid_of(executor) != before


def test_a_process_that_dies_while_it_waits_harms_nobody() -> None:
    with worker() as executor:
        before = pid_of(executor)
        os.kill(before, signal.SIGKILL)
        while Path(f"/proc/{before}").exists():
            time.sleep(0.01)
        assert pid_of(executor) != before


def test_no_process_makes_calls_for_ever() -> None:
    with worker() as executor:
        assert len({pid_of(executor) for _ in range(65)}) == 2
        assert executor.endings == {"it is old": 1}


def test_without_reuse_every_call_has_a_new_process() -> None:
    with worker(reuse=False) as executor:
        assert len({pid_of(executor) for _ in range(3)}) == 3


def test_the_next_call_starts_where_the_coordinator_is() -> None:
    with worker() as executor:
        executor.submit(os.chdir, "/").result()
        assert executor.submit(os.getcwd).result() == os.getcwd()


def test_globals_of_what_travels_by_value_are_new_each_time() -> None:
    space: dict[str, object] = {"__name__": "__main__", "seen": []}
    exec("def look():\n    global seen\n    seen = [*seen, 1]\n    return len(seen)", space)
    look = space["look"]
    assert callable(look)
    with worker() as executor:
        assert [executor.submit(look).result() for _ in range(3)] == [1, 1, 1]
        assert not executor.endings


def test_classes_that_travel_by_value_are_new_each_time() -> None:
    class Kept:
        count = 0

    def look() -> int:
        Kept.count += 1
        Kept.itself = Kept  # type: ignore[attr-defined]
        return Kept.count

    with worker() as executor:
        assert [executor.submit(look).result() for _ in range(3)] == [1, 1, 1]
        assert not executor.endings


def test_a_context_variable_is_set_for_one_call() -> None:
    def look() -> object:
        variable: ContextVar[object] = vars(sys.modules["pylightnix.api.ambient"])["_store"]
        before = variable.get()
        variable.set("left")
        return before

    import_module("pylightnix.api.ambient")
    with worker() as executor:
        assert [executor.submit(look).result() for _ in range(2)] == [None, None]
        assert not executor.endings


def test_a_fork_that_comes_back_from_a_call_answers_nothing() -> None:
    def part() -> int:
        if os.fork():
            os.wait()
        return os.getpid()

    with worker() as executor:
        before = pid_of(executor)
        assert executor.submit(part).result() == before
        assert pid_of(executor) == before


# The comparison itself


def test_the_first_difference_is_named() -> None:
    one = Traces({"a": 1, "b": [2]}, 100)
    assert dirt(one, Traces({"a": 1, "b": [2]}, 100 + GROWTH_KIB)) == ""
    assert dirt(one, Traces({"a": 1, "b": [3]}, 100)).startswith("b")
    assert dirt(one, Traces({"a": 1}, 100)) == "b"
    assert dirt(one, Traces({"a": 1, "b": [2], "c": 0}, 100)) == "c"
    assert dirt(one, Traces({"a": 1, "b": [2]}, 101 + GROWTH_KIB)) == "memory"


def test_this_process_is_as_clean_as_it_was_a_moment_ago() -> None:
    assert dirt(traces(), traces()) in ("", "process status")
