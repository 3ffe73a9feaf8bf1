"""The process of a worker: started with or without a sandbox, and ended with all that it began."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Protocol

from pylightnix.core.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.sandbox.policy import Policy
    from pylightnix.sandbox.start import Sandboxed

# A sandbox shows no home and hands on no variables.
_BARE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108


@value
class Program:
    """What a worker runs.

    Attributes:
        python: path of the environment's interpreter.
        agent: path of the agent's file.
        source: folder with `pod.py`.
        name: of the pod, an identifier.
        log: file that its output is added to.
        policy: what it may see and use; None for what this process may.
        fresh: a forked process for each call.
        limit_s: seconds that a call may take; None for any.
        ro: paths that a sandbox shows.
        placed: place in a sandbox -> path that it shows there, only to see.
        volumes: place in a sandbox -> bytes of a private folder there; see `sandbox.start`.
        cwd: working folder in a sandbox, and home.
        file: of the source, which has the functions.
        output: descriptor that output goes to, instead of the log.
    """

    python: str
    agent: str
    source: str
    name: str
    log: str
    policy: Policy | None = None
    fresh: bool = False
    limit_s: float | None = None
    ro: tuple[str, ...] = ()
    placed: Mapping[str, str] = {}
    volumes: Mapping[str, int] = {}
    cwd: str = "/tmp"  # noqa: S108 - its own
    file: str = "pod.py"
    output: int | None = None


class Process(Protocol):
    """A process of which no more is asked than this."""

    def ended(self, wait_s: float) -> tuple[int | None, str]:
        """Wait for its end; its status, None if it goes on, and why it was ended, if known."""

    def kill(self) -> None:
        """End it and all that it started."""

    def used(self) -> tuple[float, int]:
        """Processor time in seconds, and bytes of memory at most; 0 where nobody knows."""


class _Plain:
    """A process without a sandbox, in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ended(self, wait_s: float) -> tuple[int | None, str]:
        try:
            return self._process.wait(wait_s), ""
        except subprocess.TimeoutExpired:
            return None, ""

    def kill(self) -> None:
        if self._process.returncode is None:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def used(self) -> tuple[float, int]:
        return 0.0, 0


class _Boxed:
    """A process in a sandbox."""

    def __init__(self, process: Sandboxed) -> None:
        self._process = process

    def ended(self, wait_s: float) -> tuple[int | None, str]:
        try:
            status = self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return None, ""
        return status, self._process.finish(wait_s).reason or self._process.trouble

    def kill(self) -> None:
        self._process.kill()

    def used(self) -> tuple[float, int]:
        usage = self._process.usage()
        return usage.cpu_s, usage.memory_bytes


def started(program: Program, fds: list[int]) -> Process:
    """Start the agent of a pod.

    Args:
        program: what to run.
        fds: the descriptors of its ends of the channel.

    Raises:
        SandboxUnavailable: the policy cannot be enforced here.
        OSError: there is no such interpreter, or no process to be had.
    """
    argv = [program.python, "-I", "-B", program.agent, *map(str, fds)]
    with _output(program) as out:
        if program.policy is None:
            return _Plain(_popen(argv, out, fds))
        from pylightnix.sandbox.start import start
        from pylightnix.sandbox.system import system_paths

        box = start(
            program.policy,
            argv,
            env={**_BARE, "HOME": program.cwd},
            cwd=program.cwd,
            ro=(*system_paths(), *program.ro),
            placed=program.placed,
            volumes=program.volumes,
            stdout=out,
            stderr=out,
            pass_fds=fds,
        )
        return _Boxed(box)


def _output(program: Program) -> IO[bytes]:
    if program.output is None:
        return open(program.log, "ab")
    return open(program.output, "wb", closefd=False)


def _popen(argv: list[str], out: IO[bytes], fds: list[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        pass_fds=fds,
        start_new_session=True,
    )
