"""Pods with the current registry and store: `pylightnix.pods` publishes these names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef, RRef, isrref
from pylightnix.engine.closure import Closure
from pylightnix.engine.registry import Registry
from pylightnix.pods import env as _env
from pylightnix.pods import lock as _lock
from pylightnix.pods import source as _source
from pylightnix.pods.agentfile import agent
from pylightnix.pods.client import Pod
from pylightnix.pods.lock import Stage
from pylightnix.pods.opening import NotAPod, Options, open_pod
from pylightnix.store.layout import Store

from .ambient import live_roots, resolved, resolved_registry
from .stage import instantiate, realize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.sandbox.policy import Policy

Links = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def ambient(stage: Callable[..., DRef]) -> Stage:
    """Make a stage use the current registry where it is not passed one."""

    @wraps(stage)
    def called(*, r: Registry | None = None) -> DRef:
        return stage(r=resolved_registry(r))

    return called


@wraps(_lock.pod_lock)
def pod_lock(
    requirements: str | Iterable[str],
    python: str | os.PathLike[str] | None = None,
    find_links: Links = (),
    *,
    wheels_only: bool = False,
) -> Stage:
    """Make a stage that pins requirements."""
    return ambient(_lock.pod_lock(requirements, python, find_links, wheels_only=wheels_only))


@wraps(_env.pod_env)
def pod_env(
    requirements: str | Iterable[str] | Stage | DRef,
    python: str | os.PathLike[str] | None = None,
    find_links: Links = (),
    *,
    wheels_only: bool = False,
) -> Stage:
    """Make a stage of an environment."""
    return ambient(_env.pod_env(requirements, python, find_links, wheels_only=wheels_only))


@wraps(_source.pod)
def pod(
    source: str | os.PathLike[str], env: Stage | DRef | None = None, name: str | None = None
) -> Stage:
    """Make a stage of a pod."""
    return ambient(_source.pod(source, env, name))


def pod_open(
    pod: Stage | Closure | RRef | str,
    workers: int = 1,
    policy: Policy | None = None,
    fresh: bool = False,
    timeout_s: float | None = None,
    *,
    store: Store | None = None,
) -> Pod:
    """Open a pod: realize what is missing, start its workers, and give its functions.

    Args:
        pod: a stage that `pod` made, its closure, or its RRef.
        workers: how many processes; more calls than that wait.
        policy: what they may see and use, limits included; None for what this process may. Its
            `wall_s` is for each call.
        fresh: a forked process for each call, so that none sees what another one left behind.
        timeout_s: how long a call may take; None for any time.
        store: by default that of the closure, or the current one.

    Returns:
        A context manager whose attributes are the functions in the global scope of `pod.py`, with
        their signatures and docstrings: see `PodFunction`.

    Raises:
        NotAPod: it is something else.
        RemoteError: its pod.py cannot be imported.
        BuildFailed: its environment cannot be made.
        SandboxUnavailable: the policy cannot be enforced here.

    Effects: starts processes, which end with the `with` block. What they print goes to a file in
        `var/logs`.
    Concept: a pod is a process of another world that is spoken to by describing, invoking and
        shutting down (after babashka's pods).
    """
    where = pod.store if isinstance(pod, Closure) and store is None else resolved(store)
    rref = _realized(pod, where)
    served = realize(instantiate(agent, store=where))
    live_roots(where).hold([rref])
    return open_pod(where, rref, served, Options(workers, policy, fresh, timeout_s))


def _realized(pod: Any, store: Store) -> RRef:
    if isinstance(pod, Closure):
        return realize(pod)
    if callable(pod):
        return realize(instantiate(pod, store=store))
    if isrref(pod):
        return RRef(pod)
    if isinstance(pod, str):
        raise InvalidValue(f"{pod!r:.100} is no RRef; a folder becomes a pod by `pod(folder)`")
    raise NotAPod(repr(pod)[:100])
