"""Programs on a real terminal, and what can be seen on it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

# Makes the terminal that is its standard input its own, as a login does, and becomes the program.
_LOGIN = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_STEP = re.compile(r"\x1b\[\??(\d*)[;\d]*([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")
CTRL_C = b"\x03"


class Terminal:
    """A program on a terminal of its own, with 30 rows of 100 columns.

    Args:
        argv: the program.
        env: its environment.

    Attributes:
        text: all that it wrote.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        import fcntl
        import struct
        import termios

        self._fd, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOGIN, *argv],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**env, "TERM": "xterm", "COLUMNS": "100"},
            start_new_session=True,
        )
        os.close(theirs)
        self._raw = b""

    @property
    def text(self) -> str:
        return self._raw.decode(errors="replace")

    def read(self, until: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Read what is written until something is so."""
        end_s = time.monotonic() + limit_s
        while not until():
            assert time.monotonic() < end_s, self.text
            if not self._more():
                return

    def _more(self) -> bool:
        if select.select([self._fd], [], [], 0.05)[0]:
            try:
                more = os.read(self._fd, 1 << 16)
            except OSError:  # the other end is closed
                return False
            self._raw += more
            return bool(more)
        return True

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._fd, keys)

    def end(self, limit_s: float = 60.0) -> int:
        """Read to the end; gives the exit status."""
        self.read(lambda: False, limit_s)
        return self._process.wait(limit_s)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)


def screens(text: str) -> list[list[str]]:
    """Give what could be seen on a terminal each time that something was erased, and in the end.

    Knows what progress bars need: the cursor up, lines erased, colours left out.
    """
    lines, row, column = [""], 0, 0
    seen: list[list[str]] = []
    for step in _STEP.finditer(text):
        count, letter, home, down, shown = step.groups()
        if letter == "A":
            row = max(0, row - int(count or 1))
        elif letter == "K":
            seen.append(list(lines))
            lines[row] = ""
        elif home:
            column = 0
        elif down:
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif shown:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + shown + line[column + len(shown) :]
            column += len(shown)
    seen.append(lines)
    return [[line.rstrip() for line in picture] for picture in seen]
