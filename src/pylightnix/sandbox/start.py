"""Start a program in the best sandbox that this machine has."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence

from pylightnix.core.errors import RealizeError

from . import seccomp
from .capabilities import enforced, known
from .grants import grants
from .handle import Sandboxed as Sandboxed
from .limits import Group, Home, homes, needed
from .policy import BACKENDS, Policy
from .spawn import Stream, Streams, order_of, spawn
from .system import system_paths

_TMP_BYTES = 1 << 30


class SandboxUnavailable(RealizeError):
    """This machine cannot enforce what a policy requires; nothing was run.

    Attributes:
        backend: what the policy asks for, `auto` or one of `BACKENDS`.
        wanted: what it requires, sorted.
        reasons: why each back-end will not do.
    """

    def __init__(
        self, backend: str, wanted: tuple[str, ...], reasons: tuple[tuple[str, str], ...]
    ) -> None:
        super().__init__(backend, wanted, reasons)
        self.backend, self.wanted, self.reasons = backend, wanted, reasons

    def __str__(self) -> str:
        why = "; ".join(f"{name}: {reason}" for name, reason in self.reasons)
        return (
            f"no sandbox here can enforce {', '.join(self.wanted) or 'this'} ({why}). "
            "See `pylightnix doctor`; install bubblewrap, or require less of the policy"
        )


def usable(policy: Policy) -> str:
    """Choose the best back-end that enforces what a policy wants.

    Raises:
        SandboxUnavailable: there is none.
    """
    return _chosen(policy, homes())


def _chosen(policy: Policy, groups: tuple[Home, ...]) -> str:
    reasons: dict[str, str] = {}
    bwrap = shutil.which("bwrap")
    for backend in BACKENDS if policy.backend == "auto" else (policy.backend,):
        lacking = sorted(policy.wanted - enforced(backend, groups))
        # What it cannot do anyway need not be tried out.
        reason = f"it does not enforce {', '.join(lacking)}" if lacking else ""
        reason = reason or known(backend, os.getuid(), bwrap)
        if not reason:
            return backend
        reasons[backend] = reason
    wanted = tuple(sorted(policy.wanted))
    raise SandboxUnavailable(policy.backend, wanted, tuple(reasons.items()))


def shows_elsewhere(backend: str) -> bool:
    """Tell whether a back-end can show a path at another place (`mapped` of `start`)."""
    return backend in ("bubblewrap", "unshare")


def start(
    policy: Policy,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str = "/",
    ro: Iterable[str] = (),
    rw: Iterable[str] = (),
    mapped: Mapping[str, str] | None = None,
    placed: Mapping[str, str] | None = None,
    volumes: Mapping[str, int] | None = None,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    pass_fds: Sequence[int] = (),
) -> Sandboxed:
    """Start a program that sees and uses what a policy grants, and nothing else.

    It returns at once. The time limit `wall_s` is that of `Sandboxed.finish`; all others hold for
    the life of the process and of all that it starts.

    Args:
        policy: what is granted.
        argv: the program and its arguments; looked up in the `PATH` of its own environment.
        env: its environment, with the policy's on top; nothing is inherited.
        cwd: its working folder, as it sees it.
        ro: absolute paths of files and folders that it sees, at the same place, beside the
            policy's; see `system_paths` and `python_paths`. Links are followed once, now.
        rw: those that it may change too.
        mapped: place in it -> absolute path of a file or folder that it sees there, and may
            change; only where the back-end `shows_elsewhere`.
        placed: likewise, of what it sees and may not change.
        volumes: place in it -> bytes that a private folder there holds at most; it is kept in
            memory, and gone with the process. Only where the back-end `shows_elsewhere`.
        stdin: as in `subprocess.Popen`, but for None, which is nothing to read.
        stdout: likewise; None drops what it says.
        stderr: likewise.
        pass_fds: descriptors that it gets, under the same numbers.

    Returns:
        A handle; as a context manager it kills what is left.

    Raises:
        SandboxUnavailable: what the policy requires cannot be enforced here.
        InvalidPolicy: a path is not there.
        OSError: no process can be started.

    Effects: makes control groups where it may, and takes them away in the end.
    """
    groups = homes()
    backend = _chosen(policy, groups)
    seen = (*policy.ro, *(system_paths(network=True) if policy.network else ()))
    shown = grants([*ro, *map(str, seen)], [*rw, *map(str, policy.rw)])
    group, rlimits = _limits(policy, backend, groups)
    order = order_of(
        backend,
        argv,
        {**(env or {}), **policy.env},
        cwd,
        shown,
        network=policy.network,
        tmp_bytes=min(_TMP_BYTES, policy.memory_bytes or _TMP_BYTES),
        rlimits=rlimits,
        calls=_filter(policy, backend),
        mapped=_real(mapped),
        placed=_real(placed),
        volumes=tuple((volumes or {}).items()),
    )
    given = [subprocess.DEVNULL if stream is None else stream for stream in (stdin, stdout, stderr)]
    streams = Streams(given[0], given[1], given[2], tuple(pass_fds))
    return spawn(order, streams, group, policy.cpu_s, policy.wall_s)


def _real(shown: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple((place, os.path.realpath(path)) for place, path in (shown or {}).items())


def _filter(policy: Policy, backend: str) -> bytes:
    if backend == "rlimits":
        return b""
    inet = backend != "landlock" or policy.network
    return seccomp.program(os.uname().machine, inet=inet) or b""


def _limits(
    policy: Policy, backend: str, groups: tuple[Home, ...]
) -> tuple[Group | None, dict[str, int]]:
    """Make control groups for what they can limit, and give limits of each process for the rest."""
    rlimits: dict[str, int] = {}
    by_group = {name for home in groups for name in home.controllers}
    if policy.cpu_s is not None:
        rlimits["RLIMIT_CPU"] = math.ceil(policy.cpu_s)
    if policy.file_bytes is not None:
        rlimits["RLIMIT_FSIZE"] = policy.file_bytes
    if policy.memory_bytes is not None and "memory" not in by_group:
        rlimits["RLIMIT_AS"] = policy.memory_bytes
    if policy.pids is not None and "pids" not in by_group:
        rlimits["RLIMIT_NPROC"] = policy.pids + _helpers(backend)
    wanted = needed(groups, policy.limits)
    if not wanted:
        return None, rlimits
    pids = None if policy.pids is None else policy.pids + _helpers(backend)
    return Group(wanted, policy.memory_bytes, pids), rlimits


def _helpers(backend: str) -> int:
    """How many processes of ours are counted beside the program's own."""
    return {"bubblewrap": 2, "unshare": 2}.get(backend, 0)
