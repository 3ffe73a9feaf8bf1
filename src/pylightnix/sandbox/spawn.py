"""From an order to a process: by bubblewrap, or by our own launcher."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, TypeAlias

from pylightnix.core.value import changed, value

from . import bubblewrap
from .grants import Grants
from .handle import Sandboxed
from .limits import Group
from .orders import Order, both_limits

Stream: TypeAlias = "int | IO[bytes] | None"

_START = "import sys; sys.path.insert(0, {!r}); from pylightnix.sandbox.launch import main; main()"
_ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 126; shift; done; shift; exec "$@"'
_RLIMITS = {"RLIMIT_CORE": 0}


@value
class Streams:
    """What a sandboxed process gets as standard streams, and which descriptors beside."""

    stdin: Stream = subprocess.DEVNULL
    stdout: Stream = subprocess.DEVNULL
    stderr: Stream = subprocess.DEVNULL
    pass_fds: tuple[int, ...] = ()


def spawn(
    order: Order,
    streams: Streams,
    group: Group | None = None,
    cpu_s: float | None = None,
    wall_s: float | None = None,
) -> Sandboxed:
    """Start a process as ordered.

    Raises:
        OSError: nothing could be started at all.
    """
    own = Descriptors()
    try:
        make = _by_bubblewrap if order.backend == "bubblewrap" else _by_launcher
        argv, settle, explain = make(order, own, group)
    except BaseException:
        own.close()
        raise
    given = (*streams.pass_fds, *own.given)

    def launch() -> subprocess.Popen[bytes]:
        try:
            # Of the environment nothing is left: LD_PRELOAD would run outside.
            return subprocess.Popen(
                argv,
                env={},
                cwd="/",
                stdin=streams.stdin,
                stdout=streams.stdout,
                stderr=streams.stderr,
                pass_fds=given,
                start_new_session=True,
            )
        finally:
            own.close_given()

    def explained() -> str:
        try:
            return explain()
        finally:
            own.close()

    return Sandboxed(order.backend, launch, settle, explained, group, cpu_s, wall_s)


class Descriptors:
    """Descriptors that are open for one start; a stateful handle.

    Attributes:
        given: those for the child.
        kept: those for us.
    """

    def __init__(self) -> None:
        self.given: list[int] = []
        self.kept: list[int] = []

    def file(self, contents: bytes) -> int:
        """Give the child a file without a name."""
        fd = os.memfd_create("pylightnix")
        self.given.append(fd)
        with open(fd, "wb", closefd=False) as file:
            file.write(contents)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    def from_child(self) -> tuple[int, int]:
        """Make a pipe; gives our end, and the child's."""
        ours, theirs = os.pipe()
        self.kept.append(ours)
        self.given.append(theirs)
        return ours, theirs

    def to_child(self) -> tuple[int, int]:
        """Make a pipe; gives our end, and the child's."""
        theirs, ours = os.pipe()
        self.kept.append(ours)
        self.given.append(theirs)
        return ours, theirs

    def close_given(self) -> None:
        """Close what the child has by now."""
        while self.given:
            os.close(self.given.pop())

    def close(self) -> None:
        """Close all."""
        self.close_given()
        while self.kept:
            os.close(self.kept.pop())


_Made: TypeAlias = "tuple[Sequence[str], Callable[[], None], Callable[[], str]]"


def _by_launcher(order: Order, own: Descriptors, group: Group | None) -> _Made:
    trouble, theirs = own.from_child()
    if group is not None:
        order = changed(order, cgroups=group.entrances)
    argv = _launcher(own.file(order.packed()), theirs)
    return argv, lambda: None, lambda: os.read(trouble, 4096).decode(errors="replace")


def _launcher(order_fd: int, trouble_fd: int) -> list[str]:
    import pylightnix

    home = os.path.dirname(os.path.dirname(os.path.abspath(str(pylightnix.__file__))))
    # Without site, and blind to the environment: 9 ms instead of 20, and nobody else's code.
    python = [sys.executable or "", "-I", "-S", "-c", _START.format(home)]
    return [*python, str(order_fd), str(trouble_fd)]


def _by_bubblewrap(order: Order, own: Descriptors, group: Group | None) -> _Made:
    told, child_status = own.from_child()
    gate, wait = own.to_child()
    outer, argv = order, list(order.argv)
    if bubblewrap.is_crowded(order):
        outer = bubblewrap.crowded(order)
        inner = changed(order, backend="narrow", rlimits={}, calls=b"")
        # What it says of trouble goes to standard error, as bubblewrap's own words do.
        argv = _launcher(own.file(inner.packed()), 2)
    seccomp = own.file(order.calls) if order.calls else None
    words = bubblewrap.words(outer, seccomp=seccomp, status=child_status, block=wait)
    args = own.file(b"".join(os.fsencode(word) + b"\0" for word in words))
    command = [shutil.which("bwrap") or "bwrap", "--args", str(args), "--", *argv]
    if group is not None:
        command = ["/bin/sh", "-c", _ENTER, "sh", *group.entrances, "--", *command]
    return command, lambda: _set_limits(told, gate, order.rlimits), lambda: ""


def _set_limits(told: int, gate: int, rlimits: dict[str, int]) -> None:
    """Limit bubblewrap's child from outside while it waits, and let it go on.

    Not before: the limit of processes would be that of the user in the whole machine.
    """
    line = b""
    while b"}" not in line:
        more = os.read(told, 4096)
        if not more:  # it ended; its own words say why
            return
        line += more
    pid = int(json.loads(line[: line.index(b"}") + 1])["child-pid"])
    with suppress(ProcessLookupError):
        for name, limit in rlimits.items():
            number = getattr(resource, name)
            hard = resource.prlimit(pid, number)[1]
            resource.prlimit(pid, number, both_limits(name, limit, hard))
    with suppress(BrokenPipeError):
        os.write(gate, b"\n")


def order_of(
    backend: str,
    argv: Sequence[str],
    env: dict[str, str],
    cwd: str,
    shown: Grants,
    *,
    network: bool,
    tmp_bytes: int,
    rlimits: dict[str, int],
    calls: bytes,
    mapped: tuple[tuple[str, str], ...] = (),
    placed: tuple[tuple[str, str], ...] = (),
    volumes: tuple[tuple[str, int], ...] = (),
) -> Order:
    """Make an order of what was decided."""
    return Order(
        backend,
        tuple(argv),
        env,
        cwd,
        shown.ro,
        shown.rw,
        shown.links,
        network,
        tmp_bytes,
        {**_RLIMITS, **rlimits},
        (),
        calls,
        mapped,
        placed,
        volumes,
    )
