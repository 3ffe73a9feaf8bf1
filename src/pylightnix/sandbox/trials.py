"""Try in each sandbox of this machine what it should deny, and say what came of it."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from pylightnix.core.value import value

from . import hostile
from .capabilities import enforced
from .limits import homes
from .policy import Policy
from .start import start
from .system import python_paths, system_paths

# What is tried, in this order, and the word of `policy.REQUIREMENTS` for what denies it.
TRIALS: Mapping[str, str] = {
    "file": "fs",
    "object": "fs",
    "tcp": "net",
    "udp": "net",
    "abstract": "ipc",
    "kill": "pid",
    "ptrace": "kernel",
    "mount": "kernel",
    "userns": "kernel",
    "memory": "memory",
    "pids": "pids",
    "disk": "file",
}
_PATIENCE_S = 30.0


@value
class Tried:
    """What came of one attempt.

    Attributes:
        name: of `TRIALS`.
        denied: whether it was.
        detail: the error that it met, or what else was seen.
    """

    name: str
    denied: bool
    detail: str


@value
class World:
    """What is there to be attacked."""

    home: str
    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    victim: subprocess.Popen[bytes]

    def words(self, scratch: str) -> list[str]:
        """Give the arguments of the hostile program, which may write to `scratch`."""
        return [
            scratch,
            f"{self.home}/secret",
            f"{self.home}/object",
            str(self.tcp.getsockname()[1]),
            str(self.udp.getsockname()[1]),
            self.unix.getsockname()[1:].decode(),
            str(self.victim.pid),
        ]


def try_all(backend: str, policy: Policy | None = None) -> tuple[Tried, ...]:
    """Run the hostile program in a sandbox of one kind, and look whether it did what it says.

    Args:
        backend: of `policy.BACKENDS`.
        policy: instead of one that has all limits and requires nothing.

    Returns:
        In the order of `TRIALS`.

    Raises:
        SandboxUnavailable: that sandbox is not to be had here.

    Effects: makes a temporary folder, listeners and a process for it to act on, and takes them away
    again; some 200 ms.
    """
    return tried(partial(_attack, policy or policy_for(backend)))


def tried(attack: Callable[[World], tuple[list[str], int]]) -> tuple[Tried, ...]:
    """Have the hostile program run somewhere, and look whether it did what it says.

    Args:
        attack: runs `hostile.main` with the words that `World.words` gives; gives the lines that
            it printed, and how it ended.
    """
    with _world() as world:
        said, status = attack(world)
        seen = dict(_done(world))
    told = {line.partition(" ")[0]: line.partition(" ")[2] for line in said}
    tried = []
    for name in TRIALS:
        word, _, detail = told.get(name, f"unknown it ended with status {status}").partition(" ")
        # What was seen to happen counts, whatever it says.
        denied = word == "denied" and name not in seen
        tried.append(Tried(name, denied, seen.get(name, detail)))
    return tuple(tried)


def policy_for(backend: str) -> Policy:
    """Make a policy that has all limits and requires nothing."""
    counts = "pids" in enforced(backend, homes())
    return Policy(
        backend=backend,
        memory_bytes=hostile.MEMORY_BYTES // 2,
        pids=hostile.PIDS // 2 if counts else None,
        file_bytes=hostile.FILE_BYTES // 2,
        wall_s=_PATIENCE_S,
        require=(),
    )


def _attack(policy: Policy, world: World) -> tuple[list[str], int]:
    scratch = f"{world.home}/scratch"
    program = hostile.__file__
    with (
        tempfile.TemporaryFile() as out,
        start(
            policy,
            [sys.executable, "-I", "-S", "-B", program, *world.words(scratch)],
            cwd=scratch,
            ro=(*system_paths(), *python_paths(), program),
            rw=(scratch,),
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        ended = child.finish()
        out.seek(0)
        said = out.read().decode(errors="replace").splitlines()
    return said, ended.status


@contextmanager
def _world() -> Iterator[World]:
    with ExitStack() as stack:
        home = os.path.realpath(tempfile.mkdtemp(prefix="pylightnix-trial-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        for folder in ("scratch", "object"):
            os.mkdir(f"{home}/{folder}")
        for file in ("secret", "object/data"):
            with open(f"{home}/{file}", "w", encoding="ascii") as secret:
                secret.write("secret")
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        unix = socket.socket(socket.AF_UNIX)
        for made in (tcp, udp, unix):
            stack.enter_context(made)
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        unix.bind(f"\0pylightnix-trial-{os.urandom(8).hex()}")
        tcp.listen()
        unix.listen()
        victim = subprocess.Popen(["sleep", "60"], start_new_session=True)
        stack.callback(_end, victim)
        yield World(home, tcp, udp, unix, victim)


def _end(victim: subprocess.Popen[bytes]) -> None:
    victim.kill()
    victim.wait()


def _done(world: World) -> Iterator[tuple[str, str]]:
    """What was done from outside the sandbox's view."""
    listeners = {"tcp": world.tcp, "udp": world.udp, "abstract": world.unix}
    ready, _, _ = select.select(list(listeners.values()), [], [], 0)
    for name, listener in listeners.items():
        if listener in ready:
            yield name, "it arrived"
    with suppress(subprocess.TimeoutExpired):
        world.victim.wait(0.01)
        yield "kill", "it was killed"
    with suppress(OSError):
        if os.stat(f"{world.home}/scratch/big").st_size >= hostile.FILE_BYTES:
            yield "disk", "it was written"
