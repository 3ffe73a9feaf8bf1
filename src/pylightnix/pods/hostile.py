"""A pod that means harm: tried by tests and the doctor, in sandboxes, which bound it."""

from __future__ import annotations

import os
import sys
from tempfile import TemporaryDirectory

from pylightnix.core.errors import PodError
from pylightnix.core.value import value
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.system import python_paths

from .agentfile import AGENT, agent_text
from .client import Pod
from .pool import Pool
from .process import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Each bounds itself as well: in what it forks, in how much it takes.
SOURCE = """
import os, sys, time, warnings


def ok(x):
    return x


def noise():
    for _ in range(1000):
        print("noise" * 20)
    sys.stdout.flush()
    return 1


def warning():
    warnings.warn("beware")
    sys.stderr.write("\\x05\\x00\\x00\\x00\\x00")
    return 1


def leave():
    raise SystemExit(3)


def segfault():
    import ctypes

    ctypes.string_at(0)


def memory():
    kept = []
    for _ in range(64):
        kept.append(bytearray(os.urandom(1)) * (16 << 20))
    return len(kept)


def fork_bomb():
    if os.getpid() > 100:
        raise RuntimeError("not in a sandbox: nothing was tried")
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    return "300 processes"


def loop():
    while True:
        pass


def huge():
    return bytes(1 << 30)
"""
_NAMED = ("RemoteError", "WorkerDied", "PodTimeout")
# What is called -> what may come of it: a value, or one of the errors by name.
SET: Mapping[str, tuple[str, ...]] = {
    "noise": ("value",),
    "warning": ("value",),
    "leave": ("RemoteError",),
    "segfault": ("WorkerDied",),
    "memory": ("RemoteError", "WorkerDied"),
    "fork_bomb": _NAMED,
    "loop": ("PodTimeout",),
    "huge": ("RemoteError", "WorkerDied"),
}


@value
class PodTried:
    """What came of calling a function that means harm.

    Attributes:
        name: in `SET`.
        held: it came to what it should, the host took no harm, and the next call was answered.
        came: `value`, or the name of an error.
    """

    name: str
    held: bool
    came: str


def limits(backend: str) -> Policy:
    """Give the policy that hostile pods are tried under."""
    return Policy(backend=backend, memory_bytes=256 << 20, pids=40, wall_s=2.0)


def harm(pod: Any, name: str) -> str:
    """Call a function that means harm; gives what came of it."""
    try:
        getattr(pod, name)()
    except PodError as error:
        return type(error).__name__ if "not in a sandbox" not in str(error) else "not in a sandbox"
    return "value"


def try_pods(backend: str) -> tuple[PodTried, ...]:
    """Open a hostile pod in a sandbox, and call all that it has.

    Raises:
        SandboxUnavailable: there is no such sandbox here.
        NoExtra: PyMongo is not installed.

    Effects: starts processes, which end with it; writes to a temporary folder.
    """
    with TemporaryDirectory(prefix="pylightnix-") as folder:
        os.mkdir(f"{folder}/pod")
        for name, text in ((AGENT, agent_text()), ("pod/pod.py", SOURCE)):
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        pool = Pool(_program(folder, limits(backend)), 1)
        with Pod(pool, "hostile", pool.open()) as pod:
            return tuple(_tried(pod, name) for name in SET)


def _program(folder: str, policy: Policy) -> Program:
    agent, source = f"{folder}/{AGENT}", f"{folder}/pod"
    return Program(
        python=sys.executable,
        agent=agent,
        source=source,
        name="hostile",
        log=f"{folder}/log",
        policy=policy,
        limit_s=policy.wall_s,
        ro=(agent, source, *python_paths()),
    )


def _tried(pod: Any, name: str) -> PodTried:
    came = harm(pod, name)
    return PodTried(name, came in SET[name] and pod.ok(name) == name, came)
