"""Where code may run: what it may see and use, said by a policy and held by the kernel.

The names below are loaded when they are first used: the launcher, which comes by here too, has no
time for them.
"""

from __future__ import annotations

from pylightnix.core.lazy import lazy

_HOMES = {
    "sandbox.capabilities": "Capabilities probe",
    "sandbox.handle": "Ended Sandboxed Usage",
    "sandbox.policy": "InvalidPolicy Policy",
    "sandbox.start": "SandboxUnavailable",
    "sandbox.system": "python_paths system_paths",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
