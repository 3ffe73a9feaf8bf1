"""The one of several that there has to be."""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


def only(ref: str, found: Sequence[T]) -> T:
    """Give the one thing that was found for a reference.

    Raises:
        AmbiguousResult: there are several, or none.
    """
    if len(found) == 1:
        return found[0]
    from .usage import AmbiguousResult  # with all that it lives among

    raise AmbiguousResult(ref, tuple(map(str, found)))
