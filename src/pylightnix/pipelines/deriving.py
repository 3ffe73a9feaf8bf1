"""Steps that derive something: `uses`, `with`, `foreach`, `matcher`, `env`."""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.core.refs import DRef

from .context import Context, own_context, remembered, restore
from .decorators import items_of, wanted
from .formatting import Scribe
from .handles import BadReference, Derived, as_refs, joined_refs, mapped
from .model import Derive, Pipeline, Step
from .places import BadInput, guess
from .running import run_pipeline
from .stack import frames
from .uses import OWN, Call, StageNotFound, call_of, is_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run_derived(step: Step, pipeline: Pipeline, context: Context) -> None:
    """Derive what a step says, and put what stands for it into the context."""
    assert step.derive is not None  # noqa: S101 - whoever calls has looked
    works = context.session.works
    if step.foreach is None:
        if not wanted(step, context):
            return
        made: Any = _derive(step.derive, pipeline, context)
    else:
        made = []
        kept = remembered(context, ("i",))
        for item in items_of(step, context):
            context["i"] = item
            if wanted(step, context):
                made.append(_derive(step.derive, pipeline, context))
        restore(context, kept)
    context[step.name] = mapped(
        made, lambda leaf: Derived(leaf, step.name) if isinstance(leaf, DRef) else leaf
    )
    works.pending.append((context, step.name))


def _derive(derive: Derive, pipeline: Pipeline, context: Context) -> Any:
    """Derive what a stage or a child pipeline derives; gives DRefs in lists and mappings."""
    works = context.session.works
    env = works.env if derive.env is None else _environment(derive.env, pipeline, context)
    given = given_of(derive.given, context)
    matcher = derive.matcher and as_refs(_scribe(context).value(derive.matcher))
    uses = derive.uses
    if ":" not in uses and not is_own(uses):
        made = _child(uses, given, env, pipeline, context)
        again = Call(uses, "", "", "", {"made": made}, matcher)
        return made if matcher is None else works.derive(again, frames(), None)
    if uses in OWN:
        if derive.env is not None:
            raise BadInput(f"`env` is for stages of yours: {uses} needs no packages, leave it out")
        env = None
    call = call_of(uses, given, pipeline.folders, matcher=matcher, env=env)
    scope = context.session.finder.scope((call.folder,)) if call.folder else None
    return works.derive(call, frames(), scope)


def _environment(written: Any, pipeline: Pipeline, context: Context) -> DRef:
    """Derive the environment that `env` describes, or give the one that it refers to."""
    found = as_refs(_scribe(context).value(written))
    if isinstance(found, DRef):
        return found
    from .environments import env_fields

    call = call_of("pod_env", env_fields(found), pipeline.folders)
    made: DRef = context.session.works.derive(call, frames(), None)
    return made


def _scribe(context: Context) -> Scribe:
    return Scribe(context, finish=as_refs, mixed=joined_refs)


def given_of(given: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Format `with`: what stands for derivations becomes DRefs.

    Raises:
        BadReference: a path in the store is given as text, which is no edge.
    """
    made: dict[str, Any] = as_refs(_scribe(context).value(given))
    objects = f"{context.session.works.store.objects}/"

    def check(leaf: Any) -> Any:
        if isinstance(leaf, str) and objects in leaf:
            raise BadReference(
                leaf, "a path in the store is no edge: give the step itself, as '{data}'"
            )
        return leaf

    mapped(made, check)
    return made


def _child(
    uses: str, given: dict[str, Any], env: DRef | None, pipeline: Pipeline, context: Context
) -> Any:
    """Derive what another pipeline derives, with the arguments as its context."""
    from .loaders import PipelineNotFound

    info = pipeline.definition.info
    try:
        child = context.session.pipeline(
            uses,
            pipeline.folders,
            loader=info.loader_of_children,
            beside=info.parent_of_children,
            py_dir=pipeline.py_dir,
        )
    except PipelineNotFound as error:
        if "/" in uses:
            raise
        why = f"it is none of ours{guess(uses, OWN, 'there are')}\n{error}"
        raise StageNotFound(uses, why) from None
    standing = mapped(
        given, lambda leaf: Derived(leaf, "argument") if isinstance(leaf, DRef) else leaf
    )
    inner = own_context(standing, context.session, planning=True)
    works = context.session.works
    waiting, works.pending = works.pending, []
    outer, works.env = works.env, env
    try:
        run_pipeline(child, inner, parse=False)
        return result_of(child, inner)
    finally:
        works.pending, works.env = waiting, outer


def result_of(pipeline: Pipeline, context: Context) -> Any:
    """Tell what a pipeline that was planned gives: `result`, or what nothing else uses.

    Returns:
        A DRef; or DRefs in lists and mappings, by the names of the steps.
    """
    works = context.session.works
    wanted = pipeline.definition.pipeline.result
    if wanted is not None:
        return as_refs(_scribe(context).value(wanted))
    named = {
        key: as_refs(context[key])
        for where, key in works.pending
        if where is context and key in context
    }
    found = works.unused(named)
    return next(iter(found.values())) if len(found) == 1 else found
