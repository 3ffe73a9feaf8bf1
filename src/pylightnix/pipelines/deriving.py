"""Steps that derive something: `uses`, `with`, `foreach`, `matcher`, `env`."""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.core.errors import PipelineError
from pylightnix.core.refs import DRef

from .calls import call_of, is_own
from .context import Context, own_context
from .decorators import items_of, wanted
from .formatting import Scribe
from .handles import BadReference, Derived, as_refs, joined_refs, mapped
from .model import Derive, Pipeline, Step
from .running import run_pipeline
from .stack import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PodsMissing(PipelineError):
    """A step wants packages of its own, and there are no pods to have them in."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        super().__init__(packages)
        self.packages = packages

    def __str__(self) -> str:
        return (
            f"`env` asks for {', '.join(self.packages) or 'packages'} in a pod, and this version "
            "of pylightnix has no pods: leave `env` out and install them beside pylightnix"
        )


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
        hidden = context.get("i", _ABSENT)
        for item in items_of(step, context):
            context["i"] = item
            if wanted(step, context):
                made.append(_derive(step.derive, pipeline, context))
        if hidden is _ABSENT:
            context.pop("i", None)
        else:
            context["i"] = hidden
    context[step.name] = mapped(
        made, lambda leaf: Derived(leaf, step.name) if isinstance(leaf, DRef) else leaf
    )
    works.pending.append((context, step.name))


_ABSENT = object()


def _derive(derive: Derive, pipeline: Pipeline, context: Context) -> Any:
    if derive.env:
        env = context.get_formatted_value(derive.env)
        raise PodsMissing(tuple(map(str, env if isinstance(env, list) else [env])))
    given = given_of(derive.given, context)
    matcher = derive.matcher and as_refs(_scribe(context).value(derive.matcher))
    if ":" not in derive.uses and not is_own(derive.uses):
        return _child(derive, given, pipeline, context)
    call = call_of(derive.uses, given, matcher, pipeline.folders)
    scope = context.session.finder.scope((call.folder,)) if call.folder else None
    return context.session.works.derive(call, frames(), scope)


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


def _child(derive: Derive, given: dict[str, Any], pipeline: Pipeline, context: Context) -> Any:
    """Derive what another pipeline derives, with the arguments as its context."""
    from .calls import OWN, StageNotFound
    from .loaders import PipelineNotFound
    from .steps_control import pipeline_of

    info = pipeline.definition.info
    loader = info.loader if info.is_loader_cascading and info.loader else "file"
    try:
        child = pipeline_of(
            context.session, derive.uses, loader, info.parent, pipeline.py_dir, None,
            None, None, None, pipeline.folders,
        )  # fmt: skip
    except PipelineNotFound as error:
        if "/" in derive.uses:
            raise
        from .places import listed, meant

        near = meant(derive.uses, OWN) or f"; there are {listed(OWN)}"
        why = f"it is none of ours{near}\n{error}"
        raise StageNotFound(derive.uses, why) from None
    standing = mapped(
        given, lambda leaf: Derived(leaf, "argument") if isinstance(leaf, DRef) else leaf
    )
    inner = own_context(standing, context.session, planning=True)
    works = context.session.works
    waiting, works.pending = works.pending, []
    try:
        run_pipeline(child, inner, parse=False)
        return result_of(child, inner)
    finally:
        works.pending = waiting


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
