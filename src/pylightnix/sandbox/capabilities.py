"""Which sandboxes this machine has, found out by starting one of each."""

from __future__ import annotations

import os
import shutil
import sys
from functools import lru_cache

from pylightnix.core.value import value

from . import landlock, seccomp
from .grants import grants
from .limits import Home, homes
from .policy import BACKENDS, InvalidPolicy
from .spawn import Streams, order_of, spawn
from .system import system_paths

_PATIENCE_S = 20.0
_TMP_BYTES = 1 << 20


@value
class Capabilities:
    """What can be enforced here.

    Attributes:
        backends: those that work, best first.
        enforces: back-end -> what it enforces, of `policy.REQUIREMENTS`; of all back-ends.
        reasons: back-end -> why it does not work.
        limits: `memory`, `pids`, `cpu`, `file` -> by what: a control group, or `rlimit`, which
            is for each process.
    """

    backends: tuple[str, ...]
    enforces: dict[str, frozenset[str]]
    reasons: dict[str, str]
    limits: dict[str, str]


def probe() -> Capabilities:
    """Find out what works here.

    Effects: starts a harmless program in each kind of sandbox; takes some 50 ms.
    """
    reasons = {name: reason for name in BACKENDS if (reason := why_not(name))}
    groups = homes()
    limits = {"memory": "rlimit", "cpu": "rlimit", "file": "rlimit"}
    if os.getuid():
        limits["pids"] = "rlimit"
    for home in groups:
        limits |= {name: f"cgroup v{home.version}" for name in home.controllers}
    return Capabilities(
        tuple(name for name in BACKENDS if name not in reasons),
        {name: frozenset() if name in reasons else enforced(name, groups) for name in BACKENDS},
        reasons,
        limits,
    )


def enforced(backend: str, groups: tuple[Home, ...]) -> frozenset[str]:
    """Tell what a back-end enforces where it works."""
    filters = seccomp.program(os.uname().machine) is not None
    words = {"memory", "cpu", "file"}
    counted = any("pids" in home.controllers for home in groups)
    if backend in ("bubblewrap", "unshare"):
        words |= {"fs", "net", "pid", "ipc"} | ({"kernel"} if filters else set())
        # The kernel counts the processes of a user for each namespace, but never those of root.
        counted = counted or os.getuid() != 0
    if backend == "landlock":
        version = landlock.abi()
        words |= {"fs"} | ({"kernel"} if filters else set())
        if filters and version >= landlock.NET_ABI:
            words |= {"net"}
        if version >= landlock.SCOPE_ABI:
            words |= {"ipc"}
    return frozenset(words | ({"pids"} if counted else set()))


def why_not(backend: str) -> str:
    """Say why a back-end does not work here; empty if it does."""
    if backend == "bubblewrap" and shutil.which("bwrap") is None:
        return "bwrap is not installed (the package is called bubblewrap)"
    if backend == "landlock" and not landlock.abi():
        return "this kernel has no Landlock, or it is switched off"
    if backend != "bubblewrap" and not sys.executable:
        return "sys.executable does not say where Python is"
    return _tried(backend)


def _tried(backend: str) -> str:
    program = shutil.which("true") or "/bin/true"
    calls = seccomp.program(os.uname().machine) or b""
    read, write = os.pipe()
    try:
        shown = grants((*system_paths(), program), ())
        order = order_of(
            backend, [program], {}, "/", shown, network=False, tmp_bytes=_TMP_BYTES, rlimits={},
            calls=calls,
        )  # fmt: skip
        with spawn(order, Streams(stderr=write)) as child:
            os.close(write)
            write = -1
            ended = child.finish(_PATIENCE_S)
        said = os.read(read, 4096).decode(errors="replace").strip()
        if ended.status == 0:
            return ""
        return child.trouble or said or f"a trial ended with status {ended.status}"
    except (OSError, InvalidPolicy) as error:
        return str(error)
    finally:
        os.close(read)
        if write >= 0:
            os.close(write)


@lru_cache(maxsize=8)
def known(backend: str, uid: int, bwrap: str | None) -> str:
    """As `why_not`, asked once in a process for each user and each bubblewrap."""
    return why_not(backend)
