"""Pods: functions that run in environments of their own. Names only; each is loaded when used."""

from __future__ import annotations

from pylightnix.core.lazy import lazy

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
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
