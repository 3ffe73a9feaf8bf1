"""What the launcher is told: everything about one sandboxed process, as a value that travels."""

from __future__ import annotations

import marshal

from pylightnix.core.value import value

# Settings of the whole machine. Who is root outside is root to them in any namespace, without any
# capability: the next crash of anything would run what core_pattern names. bubblewrap covers some,
# though not `sys`, of which it asks whether the folder itself can be written.
SETTINGS = tuple(
    f"/proc/{name}" for name in ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "mtrr")
)
DEVICES = ("null", "zero", "full", "random", "urandom")


@value
class Order:
    """A process to be started.

    Attributes:
        backend: how, of `BACKENDS`; or `narrow`, inside bubblewrap, which has done the rest.
        argv: the program and its arguments.
        env: its whole environment.
        cwd: its working folder.
        ro: real paths to see.
        rw: real paths to see and change.
        links: symbolic links to make, and where they lead.
        network: whether it has the host's.
        tmp_bytes: the size of all private temporary folders.
        rlimits: `RLIMIT_...` -> limit.
        cgroups: files of control groups to put itself into.
        calls: the filter of system calls; empty for none.
        mapped: places in it, and the real paths that are shown there, to change too.
        placed: likewise, only to see.
        volumes: places of private folders, and how many bytes each holds.
    """

    backend: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    ro: tuple[str, ...]
    rw: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    network: bool = False
    tmp_bytes: int = 0
    rlimits: dict[str, int] = {}  # noqa: RUF012 - nobody changes it
    cgroups: tuple[str, ...] = ()
    calls: bytes = b""
    mapped: tuple[tuple[str, str], ...] = ()
    placed: tuple[tuple[str, str], ...] = ()
    volumes: tuple[tuple[str, int], ...] = ()

    def packed(self) -> bytes:
        """Make bytes of it, for the same interpreter."""
        return marshal.dumps(tuple(getattr(self, name) for name in type(self).__annotations__))


def unpacked(packed: bytes) -> Order:
    """Give the order again."""
    return Order(*marshal.loads(packed))  # noqa: S302 - of our own parent


def both_limits(name: str, limit: int, hard: int) -> tuple[int, int]:
    """Give the soft and the hard limit; no process may raise its hard one.

    Of processor time the hard one is a second more: the soft one ends it by a signal that says why.
    """
    most = limit + 1 if name == "RLIMIT_CPU" else limit
    return (limit, most) if hard < 0 else (min(limit, hard), min(most, hard))
