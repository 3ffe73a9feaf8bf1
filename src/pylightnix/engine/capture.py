"""Send what a whole process prints to the log of the one build that it is doing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC


@contextmanager
def captured(log: str) -> Iterator[None]:
    """Send standard output and error of this process, and of its children, to a new file.

    Lines are written when they end, so that they can be followed, and outlive a crash.
    """
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with suppress(FileNotFoundError):
        os.unlink(log)
    fd = os.open(log, _FLAGS, 0o644)
    _flush()
    before = [_copy(1), _copy(2)]
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)
    by_line = _by_line(True)
    try:
        yield
    finally:
        _flush()
        _by_line(by_line)
        for stream, old in enumerate(before, 1):
            os.dup2(old, stream)
            os.close(old)


def _copy(stream: int) -> int:
    try:
        return os.dup(stream)
    except OSError:  # a daemon may have closed it
        return os.open(os.devnull, os.O_WRONLY)


def _by_line(wanted: bool) -> bool:
    before = False
    if isinstance(sys.stdout, TextIOWrapper):
        before = sys.stdout.line_buffering
        sys.stdout.reconfigure(line_buffering=wanted)
    return before


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):  # none, closed, or a full disk
            stream.flush()
