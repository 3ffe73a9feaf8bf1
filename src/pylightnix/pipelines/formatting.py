"""`{a[b].c}`: expressions in texts, replaced by what the context has.

A text that is one expression and nothing else becomes the value itself, of its own type.
"""

from __future__ import annotations

# What `string.Formatter` is made of; that module takes a while to load.
from _string import (  # type: ignore[import-not-found]
    formatter_field_name_split,
    formatter_parser,
)
from collections.abc import Callable, Mapping
from functools import lru_cache

from pylightnix.core.errors import PipelineError

from .places import listed, meant
from .tags import Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CONVERSIONS: dict[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
Part = tuple[str, str | None, str | None, str | None]


class KeyNotInContext(PipelineError, KeyError):
    """An expression, or a step, names a key that the context does not have."""

    def __init__(self, key: str, where: str, known: tuple[str, ...], advice: str = "") -> None:
        super().__init__(key, where, known, advice)
        self.key, self.where, self.known, self.advice = key, where, known, advice

    def __str__(self) -> str:
        has = f"; it has {listed(self.known)}" if self.known else "; it is empty"
        guess = meant(self.key, self.known) or has
        advice = f". {self.advice}" if self.advice else ""
        return f"the context has no {self.key!r}, which {self.where} needs{guess}{advice}"


class BadExpression(PipelineError, ValueError):
    """An expression in a text cannot be read, or leads nowhere."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text, why)
        self.text, self.why = text, why

    def __str__(self) -> str:
        return f"{self.text!r}: {self.why}"


@lru_cache(maxsize=4096)
def parts_of(text: str) -> tuple[Part, ...]:
    """Take a text apart into literals and expressions."""
    try:
        return tuple(formatter_parser(text))
    except ValueError as error:
        why = f"{error}; write {{{{ and }}}} for braces that are text, or tag it with !sic"
        raise BadExpression(text, why) from None


@lru_cache(maxsize=4096)
def _path(field: str) -> tuple[str, tuple[tuple[bool, str | int], ...]]:
    first, rest = formatter_field_name_split(field)
    return str(first), tuple(rest)


def get_field(
    field: str,
    names: Mapping[str, Any],
    text: str,
    resolve: Callable[[Any], Any] | None = None,
) -> Any:
    """Follow an expression from the context.

    Args:
        field: as `a[b].c`.
        names: the context.
        text: what it stands in, for errors.
        resolve: is given what the first name leads to, and gives what to use.

    Raises:
        KeyNotInContext: it begins with a key that is not there.
        BadExpression: it leads nowhere, or to something private.
    """
    first, rest = _path(field)
    try:
        found = names[first]
    except KeyError:
        if not first:
            raise BadExpression(text, "an expression needs a name: {key}") from None
        known = tuple(map(str, names))
        raise KeyNotInContext(first, repr(text), known, getattr(names, "advice", "")) from None
    if resolve is not None:
        found = resolve(found)
    for is_attribute, step in rest:
        found = _step(found, is_attribute, step, field, text)
    return found


def _step(found: Any, is_attribute: bool, step: str | int, field: str, text: str) -> Any:
    try:
        if not is_attribute:
            return found[step]
        if str(step).startswith("_"):
            # From any object such attributes lead to the interpreter's insides.
            why = f"{{{field}}} asks for {step}: attributes that begin with _ are not for pipelines"
            raise BadExpression(text, why)
        return getattr(found, str(step))
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        have = meant(step, found) if isinstance(found, Mapping) else ""
        what = "attribute" if is_attribute else "item"
        why = f"{{{field}}} leads nowhere: {type(found).__name__} has no {what} {step!r}{have}"
        raise BadExpression(text, why) from error


def _converted(text: str, found: Any, conversion: str) -> str:
    if conversion not in _CONVERSIONS:
        raise BadExpression(text, f"there is no conversion !{conversion}; there are !r, !s and !a")
    return _CONVERSIONS[conversion](found)


class Scribe:
    """Formats values with the keys of a context.

    Args:
        names: the context.
        resolve: is given what the first name of an expression leads to, and gives what to use.
        finish: is given what an expression leads to, and gives what to use.
        mixed: is given the values in a text that is not one expression alone, and may give
            something else than their text; None to join them.
    """

    __slots__ = ("finish", "mixed", "names", "resolve")

    def __init__(
        self,
        names: Mapping[str, Any],
        resolve: Callable[[Any], Any] | None = None,
        finish: Callable[[Any], Any] | None = None,
        mixed: Callable[[str, list[Any]], Any] | None = None,
    ) -> None:
        self.names, self.resolve, self.finish, self.mixed = names, resolve, finish, mixed

    def value(self, item: Any) -> Any:
        """Format a value and all that is in it; containers are new, and plain."""
        if isinstance(item, str):
            return self.text(item) if type(item) is str else item
        if isinstance(item, Mapping):
            return {self.value(key): self.value(each) for key, each in item.items()}
        if isinstance(item, list):
            return [self.value(each) for each in item]
        if isinstance(item, tuple):
            return tuple([self.value(each) for each in item])
        if isinstance(item, set):
            return {self.value(each) for each in item}
        if isinstance(item, Tagged):
            return item.formatted(self.names, self.value)
        return item

    def text(self, text: str) -> Any:
        """Format a text."""
        if "{" not in text and "}" not in text:
            return text
        parts = parts_of(text)
        if len(parts) == 1 and not parts[0][0] and parts[0][1] is not None:
            return self._lone(text, parts[0])
        pieces: list[Any] = []
        for literal, field, spec, conversion in parts:
            if literal:
                pieces.append(literal)
            if field is not None:
                pieces.append(self._inner(text, field, spec or "", conversion))
        if self.mixed is not None:
            return self.mixed(text, pieces)
        return "".join(map(str, pieces))

    def _field(self, text: str, field: str, conversion: str | None) -> Any:
        found = get_field(field, self.names, text, self.resolve)
        if self.finish is not None:
            found = self.finish(found)
        if conversion:
            found = _converted(text, found, conversion)
        return found

    def _lone(self, text: str, part: Part) -> Any:
        _, field, spec, conversion = part
        found = self._field(text, str(field), conversion)
        if spec == "ff":
            return found
        if not spec or spec == "rf":
            return self.value(found)
        return self._spelled(text, found, spec)

    def _inner(self, text: str, field: str, spec: str, conversion: str | None) -> Any:
        found = self._field(text, field, conversion)
        if spec == "rf":
            found = self.value(found)
        if spec in ("rf", "ff", ""):
            return found
        return self._spelled(text, found, spec)

    def _spelled(self, text: str, found: Any, spec: str) -> str:
        try:
            return format(found, str(self.text(spec)))
        except (ValueError, TypeError) as error:
            raise BadExpression(text, str(error)) from None
