"""The context: the values that steps share, and the stack of the pipelines that are running."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from .formatting import BadExpression, KeyNotInContext, Scribe
from .model import Pipeline
from .stack import pushed, running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .session import Session

    _Dict = dict[str, Any]
else:
    _Dict = dict


class Context(_Dict):
    """The values that steps share: a dictionary that can format, and knows what is running."""

    __slots__ = ("advice", "planning", "session")

    session: Session

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.advice = ""
        self.planning = False

    @property
    def current_pipeline(self) -> Pipeline | None:
        """The pipeline that is running; None between runs."""
        stack = running()
        return stack[-1] if stack else None

    @property
    def is_in_pipeline_scope(self) -> bool:
        """Whether a pipeline is running."""
        return bool(running())

    def get_root_pipeline(self) -> Pipeline | None:
        """Give the pipeline that was run first; None between runs."""
        stack = running()
        return stack[0] if stack else None

    def get_stack_depth(self) -> int:
        """Tell how many pipelines are running, each called by the one before."""
        return len(running())

    def pipeline_scope(self, pipeline: Pipeline) -> AbstractContextManager[Pipeline]:
        """Make a pipeline the current one inside a `with` block, however that ends."""
        return pushed(pipeline)

    def get_formatted_value(self, value: Any) -> Any:
        """Replace the expressions in a value, and in all that is in it.

        Raises:
            KeyNotInContext, BadExpression: one of them leads nowhere.
        """
        try:
            return self.scribe().value(value)
        except RecursionError:
            raise BadExpression(str(value), "it contains itself, without an end") from None

    def scribe(self) -> Scribe:
        """Give what formats for an effect: what was derived is realized where it is asked for."""
        if not self.session.has_works:
            return Scribe(self)
        return Scribe(self, self._there, mixed=_text_of if self.planning else None)

    def _there(self, found: Any) -> Any:
        from .handles import drefs_in

        if self.planning or not drefs_in(found):
            return found
        self.session.flush()
        return self.session.works.realized(found)

    def get_formatted(self, key: str) -> Any:
        """Give the value of a key, formatted; raises as `get_formatted_value`."""
        self.assert_key_exists(key, "this step")
        return self.get_formatted_value(self[key])

    def get_formatted_as_type(self, value: Any, default: Any = None, out_type: type = str) -> Any:
        """Format a value and make it one of a type; text counts as true if it says so."""
        found = self.get_formatted_value(default if value is None else value)
        if out_type is bool:
            return truth(found)
        return found if found is None else out_type(found)

    def assert_key_exists(self, key: str, caller: str) -> None:
        """Raise `KeyNotInContext` if there is no such key."""
        if key not in self:
            raise KeyNotInContext(key, caller, tuple(map(str, self)), self.advice)


def _text_of(text: str, pieces: list[Any]) -> Any:
    """Join pieces while nothing is realized: what is derived has no path yet."""
    from .handles import BadReference, drefs_in

    if any(drefs_in(piece) for piece in pieces):
        raise BadReference(text, "a path is not known before it is realized; use it in an effect")
    return "".join(map(str, pieces))


def truth(found: Any) -> bool:
    """Tell what a decorator's value means; text is true if it is `true`, `1` or `1.0`."""
    if isinstance(found, str):
        return found.lower() in ("true", "1", "1.0")
    return bool(found)


ABSENT = object()


def remembered(context: Context, keys: Iterable[str]) -> list[tuple[str, object]]:
    """Give keys with their values, to be put back by `restore`."""
    return [(key, context.get(key, ABSENT)) for key in keys]


def restore(context: Context, kept: Iterable[tuple[str, object]]) -> None:
    """Make keys what they were: some were not there."""
    for key, old in kept:
        if old is ABSENT:
            context.pop(key, None)
        else:
            context[key] = old


def own_context(values: Any, session: Session, *, planning: bool) -> Context:
    """Make a context of some values."""
    context = Context(values or {})
    context.session, context.planning = session, planning
    return context
