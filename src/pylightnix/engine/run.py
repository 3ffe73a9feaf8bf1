"""Run a program inside a build: output to the build's log, a bad exit status is an error."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from pylightnix.core.errors import RealizeError

from .build import Build


class ProgramFailed(RealizeError):
    """A program that a build ran could not be started, or ended with a status other than 0."""

    def __init__(self, argv: tuple[str, ...], status: int | None, log: str, tail: str) -> None:
        super().__init__(argv, status, log, tail)
        self.argv, self.status, self.log, self.tail = argv, status, log, tail

    def __str__(self) -> str:
        ended = (
            "could not be started" if self.status is None else f"ended with status {self.status}"
        )
        if self.status is not None and self.status < 0:
            ended = f"was ended by signal {-self.status}"
        return (
            f"`{shlex.join(self.argv)}` {ended}; the last lines of its log {self.log}:\n{self.tail}"
        )


def build_run(
    b: Build,
    argv: Sequence[str | os.PathLike[str]],
    *,
    check: bool = True,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a program to its end; standard output and error go to the build's log.

    Args:
        b: the build.
        argv: the program and its arguments; no shell is involved.
        check: a status other than 0 is an error.
        cwd: working folder; by default that of this process.
        env: the whole environment; by default that of this process.

    Returns:
        The exit status; negative for the signal that ended it.

    Raises:
        ProgramFailed: it could not be started, or its status was not 0 and `check` is set.
    """
    import subprocess

    words = tuple(os.fspath(word) for word in argv)
    os.makedirs(os.path.dirname(b.rarg.log), exist_ok=True)
    with open(b.rarg.log, "ab") as log:
        log.write(f"$ {shlex.join(words)}\n".encode(errors="replace"))
        log.flush()
        try:
            status = subprocess.run(
                words,
                check=False,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            ).returncode
        except OSError as error:
            raise ProgramFailed(words, None, b.rarg.log, str(error)) from error
    if check and status != 0:
        raise ProgramFailed(words, status, b.rarg.log, tail(b.rarg.log))
    return status


def tail(path: str, lines: int = 20) -> str:
    """Give the last lines of a log; empty if there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 200 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def log_trace(path: str, error: BaseException) -> None:
    """Add the traceback of a builder's error to its log, without frames of this library."""
    from contextlib import suppress
    from traceback import TracebackException

    told = TracebackException.from_exception(error, compact=True)
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith(f"{ours}/")]
    with suppress(OSError), open(path, "ab") as log:
        log.write("".join(told.format()).encode(errors="replace"))
