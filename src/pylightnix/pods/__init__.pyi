"""Types of the published names; they are loaded lazily, see `__init__.py`."""

from pylightnix.api.podloader import PodLoader
from pylightnix.api.pods import pod, pod_env, pod_lock, pod_open
from pylightnix.core.errors import PodError
from pylightnix.engine.interpreters import OtherPython

from .client import Pod, PodFunction
from .compat import (
    PodListener,
    PyPodError,
    PyPodNotFound,
    PyPodNotStartedError,
    PyPodResponseError,
)
from .env import EnvFailed
from .failures import NoExtra, PodClosed, PodTimeout, RemoteError, WorkerDied
from .installer import SlowPip
from .interpreter import NoInterpreter
from .lock import Unlockable
from .opening import NotAPod
from .source import NoPod
from .tongue import CannotCross

__all__ = [
    "CannotCross",
    "EnvFailed",
    "NoExtra",
    "NoInterpreter",
    "NoPod",
    "NotAPod",
    "OtherPython",
    "Pod",
    "PodClosed",
    "PodError",
    "PodFunction",
    "PodListener",
    "PodLoader",
    "PodTimeout",
    "PyPodError",
    "PyPodNotFound",
    "PyPodNotStartedError",
    "PyPodResponseError",
    "RemoteError",
    "SlowPip",
    "Unlockable",
    "WorkerDied",
    "pod",
    "pod_env",
    "pod_lock",
    "pod_open",
]
