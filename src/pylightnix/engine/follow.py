"""Follow the logs of running builds, for whoever listens.

The lines are read from the files in `var/logs`, so this works with every kind of worker that
reaches the store.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from pylightnix.core.refs import DRef
from pylightnix.store.layout import Store, log_path

from .events import Built, Event, Failed, Hit, Listener, LogLine, Started

POLL_S = 0.1
CHUNK_BYTES = 1 << 16
# A builder that fills a disk with one line must not fill our memory with it.
LINE_BYTES = 1 << 20


class Follower:
    """Passes events on, with the lines of logs among them; a stateful handle.

    Args:
        store: whose logs are followed.
        listener: is given every event, and `LogLine`.
    """

    def __init__(self, store: Store, listener: Listener) -> None:
        self._store, self._listener = store, listener
        self._logs: dict[DRef, _Log] = {}

    def expect(self, dref: DRef) -> None:
        """Note which log is there before a build is handed out, since that one is not of it."""
        self._drop(dref)
        path = log_path(self._store, dref)
        self._logs[dref] = _Log(path, _identity(path))

    def __call__(self, event: Event) -> None:
        """Pass an event on; before the end of a build, the rest of its log."""
        if isinstance(event, Started):
            # One of a series: the log of the one before was filed away.
            path = log_path(self._store, event.dref)
            self._logs.setdefault(event.dref, _Log(path, None))
        elif isinstance(event, Built | Failed | Hit):
            log = self._logs.get(event.dref)
            if log is not None:
                if isinstance(event, Built) and event.rrefs:
                    log.moved(log_path(self._store, event.rrefs[0]))
                self._tell(event.dref, log.rest(), event.time_s)
            self._drop(event.dref)
        self._listener(event)

    def poll(self) -> None:
        """Tell the lines that were written since the last time."""
        for dref, log in self._logs.items():
            self._tell(dref, log.lines(), time.monotonic())

    def close(self) -> None:
        """Let go of all files."""
        for dref in tuple(self._logs):
            self._drop(dref)

    def _tell(self, dref: DRef, lines: list[bytes], time_s: float) -> None:
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            self._listener(LogLine(dref, text, time_s))

    def _drop(self, dref: DRef) -> None:
        log = self._logs.pop(dref, None)
        if log is not None:
            log.close()


class _Log:
    """One log that grows."""

    __slots__ = ("_fd", "_part", "_path", "_stale")

    def __init__(self, path: str, stale: tuple[int, int] | None) -> None:
        self._path, self._fd, self._part, self._stale = path, -1, b"", stale

    def moved(self, path: str) -> None:
        """Note that it is filed under another name by now."""
        self._path, self._stale = path, None

    def lines(self) -> list[bytes]:
        """Give the whole lines that were added, no more than a chunk of them."""
        if self._fd < 0 and not self._opened():
            return []
        with suppress(OSError):
            self._part += os.read(self._fd, CHUNK_BYTES)
        *whole, self._part = self._part.split(b"\n")
        if len(self._part) > LINE_BYTES:
            whole, self._part = [*whole, self._part], b""
        return whole

    def rest(self) -> list[bytes]:
        """Give all that was added, also a last line without an end."""
        found: list[bytes] = []
        while more := self._more():
            found += more
        if self._part:
            found.append(self._part)
        self._part = b""
        return found

    def _more(self) -> list[bytes]:
        """Give the next whole lines; none only at the end of the file."""
        while True:
            before = len(self._part)
            lines = self.lines()
            if lines or len(self._part) == before:
                return lines

    def _opened(self) -> bool:
        if self._stale is not None and _identity(self._path) == self._stale:
            return False
        with suppress(OSError):
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return self._fd >= 0

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns
