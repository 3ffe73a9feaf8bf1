"""Types of the published names; they are loaded lazily, see `__init__.py`."""

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
