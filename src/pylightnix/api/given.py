"""What users give to functions about a closure: checked and parsed here, for all of these."""

from __future__ import annotations

from collections.abc import Iterable

from pylightnix.core.errors import InvalidValue, RealizeError
from pylightnix.core.refs import DRef
from pylightnix.engine.closure import Closure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

Force: TypeAlias = "Literal[True] | Iterable[DRef]"


class UnknownTarget(RealizeError):
    """A derivation was named that the closure does not have."""

    def __init__(self, what: str, drefs: tuple[str, ...], known: tuple[str, ...]) -> None:
        super().__init__(what, drefs, known)
        self.what, self.drefs, self.known = what, drefs, known

    def __str__(self) -> str:
        have = ", ".join(self.known[:10]) + (", ..." if len(self.known) > 10 else "")
        return f"{self.what} names {', '.join(self.drefs)}, not of this closure, which has: {have}"


def check_closure(what: str, closure: object) -> None:
    """Refuse what is no closure, in the name of a function."""
    if not isinstance(closure, Closure):
        raise InvalidValue(f"{what} takes what `instantiate` returned, not {closure!r:.100}")


def forced(closure: Closure, force_rebuild: Force) -> frozenset[DRef]:
    """Give the derivations that a user wants to be built whatever there is.

    Raises:
        UnknownTarget: the closure does not have one of them.
    """
    if force_rebuild is True:
        return frozenset(closure.targets)
    return known_drefs(closure, "force_rebuild", force_rebuild)


def known_drefs(closure: Closure, what: str, drefs: Iterable[DRef]) -> frozenset[DRef]:
    """Parse a user's list of derivations, which must be of the closure.

    Raises:
        InvalidValue, UnknownTarget: they are something else.
    """
    if not drefs:
        return frozenset()
    if not isinstance(drefs, Iterable):
        raise InvalidValue(f"{what} takes DRefs of the closure, not {drefs!r:.100}")
    listed = (drefs,) if isinstance(drefs, str) else tuple(drefs)
    parsed = frozenset(DRef(dref) for dref in listed)
    known = tuple(drv.dref for drv in closure.derivations)
    strange = parsed.difference(known)
    if strange:
        raise UnknownTarget(what, tuple(sorted(strange)), known)
    return parsed
