"""Pods: functions that run in environments of their own. Names only; each is loaded when used."""

from __future__ import annotations

import sys

_HOMES = {
    "api.pods": "pod pod_env pod_lock pod_open",
    "api.podloader": "PodLoader",
    "core.errors": "PodError",
    "engine.interpreters": "OtherPython",
    "pods.client": "Pod PodFunction",
    "pods.compat": "PodListener PyPodError PyPodNotFound PyPodNotStartedError PyPodResponseError",
    "pods.env": "EnvFailed",
    "pods.failures": "NoExtra PodClosed PodTimeout RemoteError WorkerDied",
    "pods.installer": "SlowPip",
    "pods.interpreter": "NoInterpreter",
    "pods.lock": "Unlockable",
    "pods.opening": "NotAPod",
    "pods.source": "NoPod",
    "pods.tongue": "CannotCross",
}
_WHERE = {name: f"pylightnix.{home}" for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'pylightnix.pods' has no attribute {name!r}")
    __import__(_WHERE[name])
    found: object = getattr(sys.modules[_WHERE[name]], name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
