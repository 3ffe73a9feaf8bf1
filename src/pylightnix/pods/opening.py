"""Open a pod that is in the store: which interpreter, which source, which agent, which sandbox."""

from __future__ import annotations

import os
import time

from pylightnix.core.config import config_dict
from pylightnix.core.errors import InvalidValue, PodError
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.core.value import value
from pylightnix.engine.interpreters import interpreter_paths
from pylightnix.store.layout import Store, rref_path, var_path
from pylightnix.store.query import config_of, context_of

from .client import Pod
from .pool import Pool
from .process import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.sandbox.policy import Policy


class NotAPod(PodError):
    """Something else than a pod was to be opened."""

    def __init__(self, got: str) -> None:
        super().__init__(got)
        self.got = got

    def __str__(self) -> str:
        return f"{self.got} is no pod: give a stage that `pod` made, its closure, or its RRef"


@value
class Options:
    """How a pod is opened.

    Attributes:
        workers: how many processes.
        policy: what they may see and use; None for what this process may.
        fresh: a forked process for each call.
        timeout_s: seconds that a call may take; None for any.
    """

    workers: int = 1
    policy: Policy | None = None
    fresh: bool = False
    timeout_s: float | None = None

    @property
    def limit_s(self) -> float | None:
        """The shorter of both limits."""
        wall_s = None if self.policy is None else self.policy.wall_s
        limits = [limit for limit in (self.timeout_s, wall_s) if limit is not None]
        return min(limits) if limits else None


def open_pod(store: Store, rref: RRef, agent: RRef, options: Options) -> Pod:
    """Start the workers of a realized pod.

    Args:
        store: holds the pod, its environment and the agent.
        rref: the pod.
        agent: what `agentfile.agent` made.
        options: how.

    Raises:
        NotAPod: it is something else.
        RemoteError: its pod.py cannot be imported.
        WorkerDied, PodTimeout: likewise.
        SandboxUnavailable: the policy cannot be enforced here.
    """
    workers = options.workers
    if type(workers) is not int or workers < 1:
        raise InvalidValue(f"a pod needs at least 1 worker, not {workers!r:.50}")
    fields = config_dict(config_of(store, rref2dref(rref)))
    if "pod" not in fields or "env" not in fields:
        raise NotAPod(rref)
    env = context_of(store, rref)[DRef(fields["env"])][0]
    name = str(fields["pod"])
    program = program_of(
        store,
        rref_path(store, env),
        source=rref_path(store, rref),
        agent=rref_path(store, agent),
        name=name,
        options=options,
    )
    pool = Pool(program, workers)
    return Pod(pool, name, pool.open())


def program_of(
    store: Store, env: str, *, source: str, agent: str, name: str, options: Options
) -> Program:
    """Say what a worker runs."""
    log = f"{var_path(store, 'logs')}/pod-{name}-{time.time_ns():x}-{os.getpid()}"
    return Program(
        python=f"{env}/bin/python",
        agent=f"{agent}/agent.py",
        source=source,
        name=name,
        log=log,
        policy=options.policy,
        fresh=options.fresh,
        limit_s=options.limit_s,
        ro=(env, source, agent, *interpreter_paths(env)),
    )
