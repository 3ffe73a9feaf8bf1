"""Control: pype, call, jump, switch, stop, stoppipeline, stopstepgroup."""

from __future__ import annotations

from collections.abc import Mapping

from .context import Context, own_context, remembered, restore, truth
from .flow import Control, Jump, NoSuchGroup, Stop, StopPipeline, StopStepGroup, names_of
from .language import PYPE_KEYS
from .model import Pipeline
from .places import BadInput, lacking, listed
from .running import run_groups, run_pipeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COUNTERS = ("i", "whileCounter", "retryCounter")


def step_stop(context: Context) -> None:
    """End everything, successfully."""
    raise Stop


def step_stoppipeline(context: Context) -> None:
    """End this pipeline, successfully."""
    raise StopPipeline


def step_stopstepgroup(context: Context) -> None:
    """End this group, successfully."""
    raise StopStepGroup


def _groups(wanted: Any, what: str) -> tuple[tuple[str, ...], str | None, str | None]:
    if isinstance(wanted, Mapping):
        if "groups" not in wanted:
            raise BadInput(f"{what} needs `groups`")
        return names_of(wanted["groups"], what), wanted.get("success"), wanted.get("failure")
    return names_of(wanted, what), None, None


def step_jump(context: Context) -> None:
    """Go on with other groups, and do not come back."""
    groups, success, failure = _groups(context.get_formatted("jump"), "jump")
    body = running_in(context).definition.pipeline
    for name in groups:  # here, where the step is known; not when it has been left
        if name not in body.groups:
            raise NoSuchGroup(name, body.file, tuple(body.groups))
    raise Jump(groups, success, failure)


def step_call(context: Context) -> None:
    """Run other groups, and come back."""
    _call(context, context.get_formatted("call"))


def _call(context: Context, wanted: Any) -> None:
    groups, success, failure = _groups(wanted, "call")
    kept = remembered(context, [key for key in COUNTERS if key in context])
    pipeline = running_in(context)
    try:
        run_groups(pipeline, context, groups, success, failure)
    finally:
        restore(context, kept)


def step_switch(context: Context) -> None:
    """Call the groups of the first case that is true, or those of the default."""
    context.assert_key_exists("switch", "switch")
    for case in context["switch"]:
        if not isinstance(case, Mapping):
            raise BadInput(
                f"switch takes a list of cases, each with `case` and `call`: {case!r:.60}"
            )
        if "default" in case:
            if case["default"] is not None:
                _call(context, context.get_formatted_value(case["default"]))
            return
        if "case" not in case or "call" not in case:
            raise BadInput(f"switch: a case needs `case` and `call`, got {listed(case)}")
        if truth(context.get_formatted_value(case["case"])):
            _call(context, context.get_formatted_value(case["call"]))
            return


def running_in(context: Context) -> Pipeline:
    """Give the pipeline that is running; raises `BadInput` if there is none."""
    pipeline = context.current_pipeline
    if pipeline is None:
        raise BadInput("this step works in a running pipeline only")
    return pipeline


def step_pype(context: Context) -> None:
    """Run another pipeline, with this context or one of its own."""
    wanted = context.get_formatted("pype")
    if not isinstance(wanted, Mapping) or not wanted.get("name"):
        raise BadInput(f"pype needs a mapping with the `name` of a pipeline, not {wanted!r:.60}")
    for key in wanted:
        if key not in PYPE_KEYS:
            raise BadInput(lacking("pype", key, PYPE_KEYS))
    shares = _shares(wanted)
    if wanted.get("out") and shares:
        raise BadInput(
            "pype: `out` is for a child with a context of its own: leave out useParentContext"
        )
    child = _child(context, wanted)
    if shares:
        inner = context
        inner.update(wanted.get("args") or {})
    else:
        inner = own_context(wanted.get("args"), context.session, planning=context.planning)
    parse = not truth(wanted.get("skipParse", "pipeArg" not in wanted))
    try:
        run_pipeline(child, inner, parse=parse)
    except Control:
        raise
    except Exception as error:
        if truth(wanted.get("raiseError", True)):
            raise
        context.session.warn(f"pype: {wanted['name']} failed: {error}")
    if wanted.get("out"):
        _take_out(context, inner, wanted["out"])


def _shares(wanted: Mapping[str, Any]) -> bool:
    own = any(wanted.get(key) for key in ("args", "out")) or wanted.get("pipeArg")
    return truth(wanted.get("useParentContext", not own))


def _child(context: Context, wanted: Mapping[str, Any]) -> Pipeline:
    parent = running_in(context)
    info = parent.definition.info
    loader = wanted.get("loader")
    beside = None
    if truth(wanted.get("resolveFromParent", True)) and info.is_parent_cascading:
        beside = wanted.get("parent", info.parent)
    words = wanted.get("pipeArg")
    if isinstance(words, str):
        import shlex

        words = shlex.split(words)
    return context.session.pipeline(
        str(wanted["name"]),
        parent.folders,
        loader=info.loader_of_children if loader is None else loader,
        beside=beside,
        py_dir=wanted.get("pyDir") or parent.py_dir,
        words=words,
        groups=wanted.get("groups"),
        success=wanted.get("success"),
        failure=wanted.get("failure"),
    )


def _take_out(context: Context, inner: Context, out: Any) -> None:
    pairs = {out: out} if isinstance(out, str) else out
    if isinstance(pairs, (list, tuple)):
        pairs = {key: key for key in pairs}
    for to, source in pairs.items():
        inner.assert_key_exists(source, "the `out` of pype")
        context[to] = inner.get_formatted_value(inner[source])
