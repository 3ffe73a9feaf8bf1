"""Runs groups of steps: one after the other, with what is to be done at the end and on failure."""

from __future__ import annotations

from collections.abc import Iterable

from .catalogue import PURE, short
from .context import Context, remembered, restore
from .decorators import run_decorated
from .flow import Control, Jump, NoSuchGroup, StopPipeline, StopStepGroup
from .invoking import invoke
from .language import USUAL_GROUPS
from .model import Pipeline, Step
from .stack import PipelineCycleError, frames, running

# So often may one pipeline be running inside of itself; Python's own stack ends soon after.
MOST_NESTED = 40


def run_pipeline(pipeline: Pipeline, context: Context, *, parse: bool) -> None:
    """Run a pipeline in a context.

    Args:
        pipeline: what to run.
        context: its values; changed.
        parse: use its context parser.

    Raises:
        PipelineCycleError: it has been calling itself too often.
        Stop: a step ends everything.
        Exception: whatever a step raised, when the failure group has run.
    """
    _check_cycle(pipeline)
    with context.pipeline_scope(pipeline):
        try:
            if parse and pipeline.definition.pipeline.parser is not None:
                _parse(pipeline, context)
            run_groups(
                pipeline, context, pipeline.groups, pipeline.success_group, pipeline.failure_group
            )
        except StopPipeline:
            pass


def _check_cycle(pipeline: Pipeline) -> None:
    stack = running()
    same = [i for i, each in enumerate(stack) if each.definition is pipeline.definition]
    if len(same) >= MOST_NESTED:
        loop = [each.name for each in stack[same[-1] :]]
        raise PipelineCycleError((*loop, pipeline.name))


def _parse(pipeline: Pipeline, context: Context) -> None:
    body = pipeline.definition.pipeline
    try:
        pipeline.running = Step(f"context_parser {body.parser}", body.parser_at)  # type: ignore[arg-type]
        parser = context.session.finder.parser(str(body.parser), pipeline.folders)
        context.update(parser(pipeline.context_args) or {})
    except Exception as error:
        context.session.blame(error)
        if _on_failure(pipeline, context, pipeline.failure_group):
            raise StopPipeline from error
        raise
    finally:
        pipeline.running = None


def run_groups(
    pipeline: Pipeline,
    context: Context,
    groups: Iterable[str],
    success: str | None,
    failure: str | None,
) -> None:
    """Run groups, then the one for success; on an error the one for failure, and raise it.

    Raises:
        NoSuchGroup: a group is not there (the usual ones may be missing).
        Control: what is next is not for this pipeline to decide.
    """
    while True:
        try:
            for name in groups:
                run_group(pipeline, context, name)
            if success is not None:
                run_group(pipeline, context, success)
        except Jump as jump:
            groups = jump.groups
            success, failure = jump.success or success, jump.failure or failure
        except Control:
            raise
        except Exception as error:
            context.session.blame(error)
            if _on_failure(pipeline, context, failure):
                return
            raise
        else:
            return


def _on_failure(pipeline: Pipeline, context: Context, failure: str | None) -> bool:
    """Run the group for failure; what goes wrong in it is told, and does not hide the error.

    Returns:
        Whether the group ended itself, which means that the error is dealt with.
    """
    if failure is None or failure not in pipeline.definition.pipeline.groups:
        if failure not in (None, *USUAL_GROUPS):
            context.session.warn(str(_missing(pipeline, str(failure))))
        return False
    try:
        run_group(pipeline, context, failure, handler=True)
    except StopStepGroup:
        return True
    except Jump as jump:
        run_groups(pipeline, context, jump.groups, jump.success, jump.failure)
    except Control:
        raise
    except Exception as second:
        context.session.warn(f"the group {failure!r} failed too: {second}")
    return False


def run_group(pipeline: Pipeline, context: Context, name: str, *, handler: bool = False) -> None:
    """Run the steps of one group; raises as `run_groups`.

    Args:
        pipeline: has the group.
        context: its values.
        name: of the group.
        handler: it is the one for failure, whose caller wants to know if it ends itself.
    """
    steps = pipeline.definition.pipeline.groups.get(name)
    if steps is None:
        if name in USUAL_GROUPS:
            return
        raise _missing(pipeline, name)
    outer = pipeline.running
    try:
        for step in steps:
            pipeline.running = step
            run_step(step, pipeline, context)
    except StopStepGroup:
        if handler:
            raise
    finally:
        pipeline.running = outer


def _missing(pipeline: Pipeline, name: str) -> NoSuchGroup:
    body = pipeline.definition.pipeline
    return NoSuchGroup(name, body.file, tuple(body.groups))


def run_step(step: Step, pipeline: Pipeline, context: Context) -> None:
    """Run one step, in what its decorators say."""
    if step.derive is not None:
        try:
            context.session.finder.own.derive(step, pipeline, context)
        except Exception as error:
            context.session.blame(error)
            raise
        return
    if context.planning and short(step.name) not in PURE:
        _skip(context, step)
        return
    hidden = () if step.given is None else remembered(context, step.given)
    if step.given is not None:
        context.update(step.given)
    try:
        if step.plain:
            invoke(step, pipeline, context)
        else:
            run_decorated(step, pipeline, context)
    except Control:
        raise
    except Exception as error:
        context.session.blame(error)
        raise
    finally:
        restore(context, hidden)


def _skip(context: Context, step: Step) -> None:
    context.session.skipped.append(frames()[-1])
    context.advice = (
        "Effects are left out here: what one of them puts into the context is not there"
    )
