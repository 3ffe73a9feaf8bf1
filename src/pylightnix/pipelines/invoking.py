"""Runs what a step names, and notes what it raises."""

from __future__ import annotations

from .catalogue import PURE, short
from .context import Context
from .flow import Control
from .model import Pipeline, Step


def invoke(step: Step, pipeline: Pipeline, context: Context) -> None:
    """Find what runs a step, and run it; an error is noted in `runErrors`."""
    session = context.session
    try:
        if session.pending and short(step.name) not in PURE:
            session.flush()
        session.finder.step(step.name, pipeline.folders)(context)
    except Control:
        raise
    except Exception as error:
        session.blame(error)
        if step.plain:
            note_error(step, context, error, swallowed=False)
        raise


def note_error(step: Step, context: Context, error: Exception, *, swallowed: bool) -> None:
    """Add an error to `runErrors`; control steps pass on those of others."""
    if short(step.name) in ("call", "switch"):
        return
    kind = type(error)
    custom = {} if step.on_error is None else context.get_formatted_value(step.on_error)
    is_builtin = kind.__module__ == "builtins"
    context.setdefault("runErrors", []).append(
        {
            "name": kind.__name__ if is_builtin else f"{kind.__module__}.{kind.__qualname__}",
            "description": str(error),
            "customError": custom,
            "line": step.place.line,
            "col": step.place.column,
            "step": step.name,
            "exception": error,
            "swallowed": swallowed,
        }
    )
