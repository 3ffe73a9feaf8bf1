"""A sandboxed process that runs: wait for it, kill all of it, ask what it has used."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import IO, TypeAlias

from pylightnix.core.value import value

from .limits import Group

_LOOK_S = 0.2
# Of a process that stands for another one: shells and bubblewrap say signals like this.
_SIGNALLED = 128


@value
class Usage:
    """What a sandboxed process has used; 0 where nobody knows.

    Attributes:
        wall_s: since its start.
        cpu_s: of all its processes that have ended, or that are in its control group.
        memory_bytes: at most, of all together; known in a control group for memory.
    """

    wall_s: float
    cpu_s: float
    memory_bytes: int


@value
class Ended:
    """How a sandboxed process ended.

    Attributes:
        status: its exit status; negative for the signal that ended it.
        reason: what it had too much of (`wall_s`, `memory_bytes`, `cpu_s`, `file_bytes`), `killed`
            if somebody called `kill`, or empty.
        usage: what it used.
    """

    status: int
    reason: str
    usage: Usage


Launch: TypeAlias = "Callable[[], subprocess.Popen[bytes]]"


class Sandboxed:
    """A process in a sandbox; a stateful handle. Made by `start`.

    A thread of its own starts the process and lives as long: Linux kills the child of a parent that
    dies when the *thread* that started it is gone.

    Attributes:
        backend: how it is held.
        pid: of the process that stands for it here.
        stdin: as in `subprocess.Popen`; so are `stdout` and `stderr`.
        trouble: after its end: why its program never ran; empty if it did.
    """

    def __init__(
        self,
        backend: str,
        launch: Launch,
        settle: Callable[[], None],
        explain: Callable[[], str],
        group: Group | None,
        cpu_s: float | None,
        wall_s: float | None,
    ) -> None:
        self.backend, self.trouble = backend, ""
        self._launch, self._settle, self._explain = launch, settle, explain
        self._group, self._cpu_s, self._wall_s = group, cpu_s, wall_s
        self._lock = threading.Lock()
        self._started, self._ended = threading.Event(), threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._error: BaseException | None = None
        self._reason = ""
        self._gone = False
        self._status = 0
        self._begun_s = time.monotonic()
        self._usage = Usage(0.0, 0.0, 0)
        threading.Thread(target=self._attend, name=f"sandbox-{backend}", daemon=True).start()
        self._started.wait()
        if self._error is not None:
            raise self._error

    @property
    def _popen(self) -> subprocess.Popen[bytes]:
        assert self._process is not None  # noqa: S101 - there is no handle without
        return self._process

    @property
    def pid(self) -> int:
        """Of the process that stands for the sandbox on this machine."""
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        """Where to write, if it was asked for as a pipe."""
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """Where to read, if it was asked for as a pipe."""
        return self._popen.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        """Where to read, if it was asked for as a pipe."""
        return self._popen.stderr

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self.poll()

    def poll(self) -> int | None:
        """Give the exit status; None while it runs."""
        return self._status if self._ended.is_set() else None

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for its end, and give its status; negative for a signal.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if not self._ended.wait(timeout_s):
            raise subprocess.TimeoutExpired(f"sandbox of process {self.pid}", timeout_s or 0.0)
        return self._status

    def finish(self, wall_s: float | None = None) -> Ended:
        """Wait for its end, and kill it when its time is over.

        Args:
            wall_s: since its start; by default what its policy says.
        """
        limit_s = self._wall_s if wall_s is None else wall_s
        left_s = None if limit_s is None else self._begun_s + limit_s - time.monotonic()
        if not self._ended.wait(None if left_s is None else max(0.0, left_s)):
            self._stop("wall_s")
            self._ended.wait()
        return Ended(self._status, self._reason, self._usage)

    def kill(self) -> None:
        """Kill every process in it, and wait until they are gone; nothing if they are."""
        self._stop("killed")
        self._ended.wait()

    def usage(self) -> Usage:
        """Give what it has used so far, or until its end."""
        if self._ended.is_set() or self._group is None:
            used = self._usage
            if not self._ended.is_set():
                used = Usage(time.monotonic() - self._begun_s, 0.0, 0)
            return used
        wall_s = time.monotonic() - self._begun_s
        return Usage(wall_s, self._group.cpu_s(), self._group.memory_bytes())

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                with suppress(OSError):  # a pipe to nobody
                    stream.close()

    def _stop(self, reason: str) -> None:
        with self._lock:
            if self._gone:
                return
            self._reason = self._reason or reason
            self._kill_all()

    def _kill_all(self) -> None:
        """Kill the process and its session; with it ends its namespace, if it has one."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._group is not None:
            self._group.kill()

    def _attend(self) -> None:
        try:
            self._process = self._launch()
        except BaseException as error:
            self._error = error
            if self._group is not None:
                self._group.remove()
            return
        finally:
            self._started.set()
        try:
            self._settle()
        except OSError as error:
            self.trouble = f"its limits could not be set: {error}"
            self._stop("killed")
        self._watch()
        self._end()

    def _watch(self) -> None:
        """Wait until the process has ended, which stays to be reaped: its number is not free."""
        if self._group is not None and self._cpu_s is not None:
            pidfd = os.pidfd_open(self.pid)
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            while not poll.poll(_LOOK_S * 1000):
                if self._group.cpu_s() > self._cpu_s:
                    self._stop("cpu_s")
            os.close(pidfd)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def _end(self) -> None:
        with self._lock:
            self._kill_all()  # what it left behind
            _, status, used = os.wait4(self.pid, 0)
            self._gone = True
        self._popen.returncode = code = os.waitstatus_to_exitcode(status)
        if code > _SIGNALLED and self.backend in ("bubblewrap", "unshare"):
            code = _SIGNALLED - code
        self._status = code
        cpu_s, memory_bytes = used.ru_utime + used.ru_stime, 0
        if self._group is not None:
            cpu_s = self._group.cpu_s() or cpu_s
            # Not `ru_maxrss`: that is of this very process, which the child was before its exec.
            memory_bytes = self._group.memory_bytes()
        self._usage = Usage(time.monotonic() - self._begun_s, cpu_s, memory_bytes)
        if code != -signal.SIGKILL:
            self._reason = ""  # it came to its end before the kill did
        self._reason = self._reason or self._exceeded(code, cpu_s)
        if self._group is not None:
            self._group.remove()
        self.trouble = self.trouble or self._explain()
        self._ended.set()

    def _exceeded(self, code: int, cpu_s: float) -> str:
        """What the kernel ended it for."""
        if code == -signal.SIGXFSZ:
            return "file_bytes"
        if code == -signal.SIGXCPU:
            return "cpu_s"
        if code == -signal.SIGKILL:
            if self._group is not None and self._group.out_of_memory():
                return "memory_bytes"
            if self._cpu_s is not None and cpu_s >= self._cpu_s * 0.9:
                return "cpu_s"
        return ""
