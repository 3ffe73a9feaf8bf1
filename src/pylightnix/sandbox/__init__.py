"""Where code may run: what it may see and use, said by a policy and held by the kernel.

The names below are loaded when they are first used: the launcher, which comes by here too, has no
time for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .capabilities import Capabilities, probe
    from .handle import Ended, Sandboxed, Usage
    from .policy import InvalidPolicy, Policy
    from .start import SandboxUnavailable
    from .system import python_paths, system_paths

_HOMES = {
    "Capabilities": "capabilities",
    "Ended": "handle",
    "InvalidPolicy": "policy",
    "Policy": "policy",
    "SandboxUnavailable": "start",
    "Sandboxed": "handle",
    "Usage": "handle",
    "probe": "capabilities",
    "python_paths": "system",
    "system_paths": "system",
}

__all__ = (
    "Capabilities",
    "Ended",
    "InvalidPolicy",
    "Policy",
    "SandboxUnavailable",
    "Sandboxed",
    "Usage",
    "probe",
    "python_paths",
    "system_paths",
)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'pylightnix.sandbox' has no attribute {name!r}")
    return getattr(import_module(f"pylightnix.sandbox.{_HOMES[name]}"), name)
