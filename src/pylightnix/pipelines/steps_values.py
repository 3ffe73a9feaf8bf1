"""Steps that work on the context: set, default, contextmerge ... assert, echo, debug, now."""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.core.errors import PipelineError

from .context import Context, truth
from .places import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AssertionFailed(PipelineError, AssertionError):
    """An `assert` step found that something is not so."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return self.what


def mapping_of(context: Context, key: str, step: str) -> Mapping[Any, Any]:
    """Give a mapping that a step is given, not formatted.

    Raises:
        KeyNotInContext, BadInput: it is not there, or is something else.
    """
    context.assert_key_exists(key, step)
    found = context[key]
    if not isinstance(found, Mapping):
        raise BadInput(f"{step}: {key!r} must be a mapping, not {found!r:.60}")
    return found


def step_set(context: Context, key: str = "set") -> None:
    """Give keys new values, one after the other."""
    for name, value in mapping_of(context, key, "set").items():
        context[context.get_formatted_value(name)] = context.get_formatted_value(value)


def step_contextsetf(context: Context) -> None:
    """The same, by the name and the key it had before."""
    step_set(context, "contextSetf")


def step_default(context: Context) -> None:
    """Give keys values where they have none, also inside of mappings."""
    _default(context, mapping_of(context, "defaults", "default"), context)


def _default(into: Any, values: Mapping[Any, Any], context: Context) -> None:
    for name, value in values.items():
        key = context.get_formatted_value(name)
        if key not in into:
            into[key] = context.get_formatted_value(value)
        elif isinstance(into[key], Mapping) and isinstance(value, Mapping):
            _default(into[key], value, context)


def step_contextmerge(context: Context) -> None:
    """Merge values into the context: mappings key by key, lists one behind the other."""
    _merge(context, mapping_of(context, "contextMerge", "contextmerge"), context)


def _merge(into: Any, values: Mapping[Any, Any], context: Context) -> None:
    for name, value in values.items():
        key = context.get_formatted_value(name)
        old = into.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            _merge(old, value, context)
        elif isinstance(old, (list, tuple, set)) and isinstance(value, (list, tuple, set)):
            new = context.get_formatted_value(value)
            joined = [*old, *new]
            into[key] = type(old)(joined) if isinstance(old, (tuple, set)) else joined
        else:
            into[key] = context.get_formatted_value(value)


def step_contextcopy(context: Context) -> None:
    """Copy values from one key to another: `{to: from}`."""
    for to, source in mapping_of(context, "contextCopy", "contextcopy").items():
        name = context.get_formatted_value(source)
        context.assert_key_exists(name, "contextcopy")
        context[context.get_formatted_value(to)] = context[name]


def step_contextclear(context: Context) -> None:
    """Forget keys; those that are not there do no harm."""
    context.assert_key_exists("contextClear", "contextclear")
    names = context.get_formatted_value(context["contextClear"])
    for name in [names] if isinstance(names, str) else names:
        context.pop(name, None)


def step_contextclearall(context: Context) -> None:
    """Forget everything."""
    context.clear()


def step_echo(context: Context) -> None:
    """Write a value on standard output."""
    context.session.say(context.get_formatted("echoMe"))


def step_debug(context: Context) -> None:
    """Write keys and their values on standard output: all, or those that are named."""
    wanted = context.get("debug") or {}
    keys = context.get_formatted_value(wanted.get("keys"))
    names = list(context) if keys is None else [keys] if isinstance(keys, str) else keys
    for name in names:
        context.assert_key_exists(name, "debug")
        value = context[name]
        if wanted.get("format"):
            value = context.get_formatted_value(value)
        context.session.say(f"{name}: {value!r}")


def step_assert(context: Context) -> None:
    """Fail if something is not so, or not equal to something else."""
    context.assert_key_exists("assert", "assert")
    wanted = context["assert"]
    if not isinstance(wanted, Mapping):
        wanted = {"this": wanted}
    if "this" not in wanted:
        raise BadInput("assert: it needs `this`, and perhaps `equals`")
    this = context.get_formatted_value(wanted["this"])
    if "equals" not in wanted:
        if not truth(this):
            asked = "" if wanted["this"] == this else f", which {wanted['this']!r:.60} is,"
            raise AssertionFailed(f"assert: {this!r:.60}{asked} is not true")
        return
    other = context.get_formatted_value(wanted["equals"])
    if this != other:
        raise AssertionFailed(
            f"assert: {this!r:.60} ({type(this).__name__}) does not equal {other!r:.60} "
            f"({type(other).__name__})"
        )


def step_now(context: Context) -> None:
    """Put the time into `now`: ISO 8601, or in the form that `nowIn` says."""
    from datetime import datetime

    form = context.get_formatted_value(context.get("nowIn"))
    now = datetime.now().astimezone()
    context["now"] = now.strftime(form) if form else now.isoformat()
