"""The stack of the pipelines that are running: each called by the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pylightnix.core.errors import PipelineError

from .model import Pipeline
from .places import Frame

# Threads and tasks have a stack each; nothing of it is global.
_stack: ContextVar[tuple[Pipeline, ...]] = ContextVar("pylightnix_pipelines", default=())


class PipelineCycleError(PipelineError):
    """A pipeline calls itself without an end."""

    def __init__(self, loop: tuple[str, ...]) -> None:
        super().__init__(loop)
        self.loop = loop

    def __str__(self) -> str:
        return (
            f"the pipeline calls itself without an end: {' > '.join(self.loop)}; let a `run` or a "
            "`skip` end it, or give it other arguments each time"
        )


def running() -> tuple[Pipeline, ...]:
    """Give the pipelines that are running, the outermost first."""
    return _stack.get()


def frames() -> tuple[Frame, ...]:
    """Give the steps that are running now, the outermost first."""
    return tuple(
        Frame(pipeline.running.place, pipeline.running.name)
        for pipeline in _stack.get()
        if pipeline.running is not None
    )


@contextmanager
def pushed(pipeline: Pipeline) -> Iterator[Pipeline]:
    """Make a pipeline the current one inside a `with` block, however that ends."""
    token = _stack.set((*_stack.get(), pipeline))
    try:
        yield pipeline
    finally:
        _stack.reset(token)
