"""Processes that are made by fork, work, and tell by a pipe how it goes."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Record: TypeAlias = "list[Any]"
Say: TypeAlias = Callable[..., None]


@dataclass
class Child:
    """A process under way.

    Attributes:
        pid: its number.
        records: what it said so far.
        ended: how, once it has: None, or the status as `os.waitstatus_to_exitcode` gives it.
    """

    pid: int
    pipe: int
    records: list[Record] = field(default_factory=list)
    ended: int | None = None
    _rest: bytes = b""

    def listen(self, timeout_s: float) -> bool:
        """Take in what it says until it closes the pipe, or until the time is over: then False."""
        until_s = time.monotonic() + timeout_s
        while True:
            left_s = until_s - time.monotonic()
            if not select.select([self.pipe], [], [], max(0.0, left_s))[0]:
                return False
            data = os.read(self.pipe, 1 << 16)
            if not data:
                return True
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.records += map(json.loads, lines)

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout_s: float) -> bool:
        """Listen until it has ended; False if it had to be killed for taking too long."""
        in_time = self.listen(timeout_s)
        if not in_time:
            self.kill()
            self.listen(5.0)
        if self.ended is None:
            self.ended = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.pipe)
        return in_time

    def stops(self) -> bool:
        """Wait until it stops itself, then True, or has no more to say, then False."""
        while True:
            pid, status = os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)
            if pid and os.WIFSTOPPED(status):
                return True
            if pid:
                self.ended = os.waitstatus_to_exitcode(status)
                return False
            if self.said("end"):
                return False
            self.listen(0.001)

    def said(self, kind: str) -> bool:
        """Tell whether its last record is of a kind."""
        return bool(self.records) and self.records[-1][0] == kind


def start(work: Callable[[Say], None]) -> Child:
    """Fork a process that does some work; `work` is given a function that sends one record."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(work, reading, writing)
    os.close(writing)
    return Child(pid, reading)


def _child(work: Callable[[Say], None], reading: int, writing: int) -> None:
    status = 1
    try:
        os.close(reading)

        def say(*record: object) -> None:
            data = json.dumps(record).encode() + b"\n"
            while data:
                data = data[os.write(writing, data) :]

        try:
            work(say)
        except BaseException as error:
            say("raised", "all", type(error).__name__, str(error)[:500], False)
        sys.unraisablehook = lambda _: None  # of an interrupt at the very end
        atexit._run_exitfuncs()
        status = 0
    finally:
        os._exit(status)
