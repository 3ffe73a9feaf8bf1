"""Floor 5: pipelines in YAML, which work from anywhere and become derivations.

Everything that users import is named here, and loaded when it is first used.
"""

from __future__ import annotations

from pylightnix.core.lazy import lazy

_HOMES = {
    "core.errors": "PipelineError",
    "imports.failures": "NativeModule",
    "imports.scope": "ImportScope",
    "pipelines.checking": "check",
    "pipelines.context": "Context",
    "pipelines.entry": "Planned instantiate planned run",
    "pipelines.flow": "NoSuchGroup Stop StopPipeline StopStepGroup",
    "pipelines.formatting": "BadExpression KeyNotInContext",
    "pipelines.handles": "Realized",
    "pipelines.loaders": "Loader PipelineNotFound",
    "pipelines.model": "Pipeline PipelineDefinition PipelineInfo",
    "pipelines.places": "InvalidPipeline StepFailed",
    "pipelines.stack": "PipelineCycleError",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
