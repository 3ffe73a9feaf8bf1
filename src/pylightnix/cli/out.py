"""Standard output and error, and a reader that goes away in the middle (`pylightnix ls | head -1`).

When it does, the rest goes nowhere and the command still ends with its own exit code: `diff | head`
does not tell that nothing differs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from .exits import NOT_SO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

CHUNK_BYTES = 1 << 20


def ready() -> None:
    """Make the standard streams take any text, also where they are closed or not UTF-8."""
    if sys.stdout is None:  # `>&-`: the program was started without one
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say(line: str = "") -> None:
    """Print a line."""
    _attempt(lambda: print(line))


def say_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    text = "".join([f"{line}\n" for line in lines])
    _attempt(lambda: print(text, end=""))


def say_json(value: object) -> None:
    """Print a value in the machine form: one line of JSON, keys sorted, ASCII only."""
    import json

    say(json.dumps(value, sort_keys=True))


def pour(pieces: Iterable[bytes]) -> None:
    """Write bytes as they are."""
    binary = sys.stdout.buffer
    going = _attempt(sys.stdout.flush)
    for piece in pieces:
        going = going and _attempt(partial(_write_all, binary, piece))
        if not going:
            return
    _attempt(binary.flush)


def _write_all(binary: BinaryIO, piece: bytes) -> None:
    # Without a buffer (python -u) this is the bare system call, which may write less.
    rest = memoryview(piece)
    while rest:
        rest = rest[binary.write(rest) :]


def chunks(path: str) -> Iterator[bytes]:
    """Read a file in pieces."""
    try:
        with open(path, "rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:  # a failing disk does not say which file it was
        raise OSError(error.errno, error.strerror, path) from error


def complain(text: str) -> None:
    """Print a sentence on standard error."""
    from pylightnix.core.legible import shown

    if sys.stderr is not None:
        with suppress(OSError):
            print(f"pylightnix: {shown(text)}", file=sys.stderr, flush=True)


def finish(status: int) -> int:
    """Flush standard output; returns the exit code, which is another one if that fails."""
    try:
        _attempt(sys.stdout.flush)
    except OSError as error:
        complain(sentence(error))
        return NOT_SO
    return status


def sentence(error: OSError) -> str:
    """Say what went wrong, and with what."""
    place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{place}{error.strerror or error}"


def _attempt(write: Callable[[], object]) -> bool:
    """Write something; tells whether there is still a reader."""
    try:
        write()
    except BrokenPipeError:
        _hush()
        return False
    except OSError as error:  # the disk is full, say; what is buffered would fail again later
        _hush()
        raise OSError(error.errno, error.strerror, "standard output") from error
    return True


def _hush() -> None:
    """Let all further output go nowhere.

    The file descriptor is replaced and not `sys.stdout`: what is still buffered is written when the
    interpreter shuts down, and would fail again there, with a message that nobody can catch.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    finally:
        os.close(nowhere)
