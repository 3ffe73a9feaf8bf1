"""Floor 5: pipelines in YAML, which work from anywhere and become derivations.

Everything that users import is named here, and loaded when it is first used.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.core.errors import PipelineError
    from pylightnix.imports.failures import NativeModule
    from pylightnix.imports.scope import ImportScope

    from .checking import check
    from .context import Context
    from .entry import Planned, instantiate, planned, run
    from .flow import NoSuchGroup, Stop, StopPipeline, StopStepGroup
    from .formatting import BadExpression, KeyNotInContext
    from .handles import Realized
    from .loaders import Loader, PipelineNotFound
    from .model import Pipeline, PipelineDefinition, PipelineInfo
    from .places import InvalidPipeline, StepFailed
    from .stack import PipelineCycleError

_HOMES = {
    "checking": "check",
    "context": "Context",
    "entry": "Planned instantiate planned run",
    "flow": "NoSuchGroup Stop StopPipeline StopStepGroup",
    "formatting": "BadExpression KeyNotInContext",
    "handles": "Realized",
    "loaders": "Loader PipelineNotFound",
    "model": "Pipeline PipelineDefinition PipelineInfo",
    "places": "InvalidPipeline StepFailed",
    "stack": "PipelineCycleError",
}
_WHERE = {
    name: (f"pylightnix.pipelines.{home}", name)
    for home, names in _HOMES.items()
    for name in names.split()
} | {
    "ImportScope": ("pylightnix.imports.scope", "ImportScope"),
    "NativeModule": ("pylightnix.imports.failures", "NativeModule"),
    "PipelineError": ("pylightnix.core.errors", "PipelineError"),
}

__all__ = [
    "BadExpression",
    "Context",
    "ImportScope",
    "InvalidPipeline",
    "KeyNotInContext",
    "Loader",
    "NativeModule",
    "NoSuchGroup",
    "Pipeline",
    "PipelineCycleError",
    "PipelineDefinition",
    "PipelineError",
    "PipelineInfo",
    "PipelineNotFound",
    "Planned",
    "Realized",
    "StepFailed",
    "Stop",
    "StopPipeline",
    "StopStepGroup",
    "check",
    "instantiate",
    "planned",
    "run",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'pylightnix.pipelines' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    __import__(module)
    found: object = getattr(sys.modules[module], attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
