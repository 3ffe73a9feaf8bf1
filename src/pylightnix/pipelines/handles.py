"""What stands in a context for what a step derives: first a reference, then a path."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pylightnix.core.errors import PipelineError
from pylightnix.core.refs import DRef, RRef, rref2dref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BadReference(PipelineError):
    """A reference to what a step derives is used in a way that makes no edge."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text, why)
        self.text, self.why = text, why

    def __str__(self) -> str:
        return f"{self.text!r}: {self.why}"


class Derived:
    """What a step derives, before it is realized.

    Attributes:
        dref: the derivation.
        step: the name of the step.
    """

    __slots__ = ("dref", "step")

    def __init__(self, dref: DRef, step: str) -> None:
        self.dref, self.step = dref, step

    def __repr__(self) -> str:
        return f"<{self.step}: {self.dref}>"


class Realized(str):
    """The path of a realization, which also knows its name.

    Attributes:
        rref: the realization.
    """

    rref: RRef

    def __new__(cls, path: str, rref: RRef) -> Realized:
        """Make it of a path."""
        made = super().__new__(cls, path)
        made.rref = rref
        return made

    @property
    def path(self) -> str:
        """The folder, as plain text."""
        return str(self)

    @property
    def dref(self) -> DRef:
        """The derivation."""
        return rref2dref(self.rref)

    def __reduce__(self) -> tuple[Any, ...]:
        return Realized, (str.__str__(self), self.rref)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change every leaf of lists and mappings."""
    if isinstance(value, Mapping):
        return {key: mapped(each, change) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [mapped(each, change) for each in value]
    return change(value)


def as_refs(value: Any) -> Any:
    """Replace all that stands for derivations by their DRefs."""
    return mapped(value, lambda leaf: leaf.dref if isinstance(leaf, (Derived, Realized)) else leaf)


def drefs_in(value: Any) -> list[DRef]:
    """List the derivations in a value, in order, without repetition."""
    found: dict[DRef, None] = {}

    def note(leaf: Any) -> Any:
        if isinstance(leaf, (Derived, Realized)):
            found[leaf.dref] = None
        elif isinstance(leaf, DRef):
            found[leaf] = None
        return leaf

    mapped(value, note)
    return list(found)


def joined_refs(text: str, pieces: list[Any]) -> Any:
    """Make of `{data}/a/b` a path in a derivation; of what has no reference in it, text.

    Raises:
        BadReference: a reference stands elsewhere in a text, where it would make no edge.
    """
    if not any(isinstance(piece, (DRef, list, dict)) and drefs_in(piece) for piece in pieces):
        return "".join(map(str, pieces))
    rest = pieces[1] if len(pieces) == 2 else ""
    if isinstance(pieces[0], DRef) and isinstance(rest, str) and rest.startswith("/"):
        parts = [part for part in rest.split("/") if part]
        if parts:
            return [pieces[0], *parts]
    raise BadReference(
        text,
        "a reference makes an edge where it stands alone, as '{data}', or before the path of an "
        "artifact, as '{data}/out.csv'; inside of other text it would be none",
    )
