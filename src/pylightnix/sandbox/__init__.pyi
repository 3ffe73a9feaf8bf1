"""Types of the published names; they are loaded lazily, see `__init__.py`."""

from .capabilities import Capabilities, probe
from .handle import Ended, Sandboxed, Usage
from .policy import InvalidPolicy, Policy
from .start import SandboxUnavailable
from .system import python_paths, system_paths

__all__ = [
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
]
