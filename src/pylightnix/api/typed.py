"""Defaults of a stage's parameters that have the type of what the function gets."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from pylightnix.core.config import selfref

from .results import Result

if TYPE_CHECKING:
    from .results import AnyResult

R = TypeVar("R", bound=Result)

given: Any = Parameter.empty
"""The default, for type checkers, of what a function is given without asking: `build=given`."""


class Wanted(NamedTuple):
    """A dependency, and the class in which its realizations are to arrive."""

    stage: Any
    kind: type[Result]


def selfpath(*parts: str) -> str:
    """Give the default of a parameter that is a path in the output folder.

    It is `[selfref, *parts]`, with the type of what the function gets: an absolute path as text.

    Args:
        parts: of the path.
    """
    path: Any = [selfref, *parts]
    return path  # type: ignore[no-any-return]


@overload
def result_of(stage: Any) -> AnyResult: ...
@overload
def result_of(stage: Any, kind: type[R]) -> R: ...
def result_of(stage: Any, kind: type[Result] = Result) -> Any:
    """Give the default of a parameter that is a dependency.

    It is the stage itself, with the type of what the function gets: a realization.

    Args:
        stage: a stage, or a DRef.
        kind: a class derived from `Result` whose annotations say which fields it has; then type
            checkers know them, and know that there are no others.
    """
    return Wanted(stage, kind)
