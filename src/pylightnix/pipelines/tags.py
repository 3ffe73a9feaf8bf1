"""Values that a pipeline marks with a tag: `!py`, `!sic`, `!jsonify`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Tagged:
    """A tagged value; what it becomes when it is formatted is for its tag to say.

    Attributes:
        value: what follows the tag.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.value == self.value

    def __hash__(self) -> int:
        return hash((type(self), repr(self.value)))

    def __repr__(self) -> str:
        return f"!{type(self).__name__.lower()} {self.value!r}"

    def formatted(self, names: Mapping[str, Any], format_: Callable[[Any], Any]) -> Any:
        """Give what it becomes: itself, if the tag says nothing else."""
        return self.value


class Py(Tagged):
    """An expression in Python, with the context's keys as names."""

    __slots__ = ()

    def formatted(self, names: Mapping[str, Any], format_: Callable[[Any], Any]) -> Any:
        return eval(str(self.value).strip(), {**names})  # noqa: S307 - what the tag is for


class Sic(Tagged):
    """Text that is taken as it stands."""

    __slots__ = ()


class Jsonify(Tagged):
    """A value that becomes JSON text."""

    __slots__ = ()

    def formatted(self, names: Mapping[str, Any], format_: Callable[[Any], Any]) -> Any:
        import json

        return json.dumps(format_(self.value))


TAGS: dict[str, type[Tagged]] = {"!py": Py, "!sic": Sic, "!jsonify": Jsonify}
