"""What is next, when it is not the next step: control words travel as exceptions."""

from __future__ import annotations

from pylightnix.core.errors import PipelineError

from .places import BadInput, guess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Control(Exception):
    """No error: a step decided what is next; `swallow` and `retry` let it pass."""


class Stop(Control):
    """End everything, successfully."""


class StopPipeline(Control):
    """End the running pipeline, successfully."""


class StopStepGroup(Control):
    """End the running group, successfully."""


class Jump(Control):
    """Go on with other groups, and do not come back."""

    def __init__(self, groups: tuple[str, ...], success: str | None, failure: str | None) -> None:
        super().__init__(groups, success, failure)
        self.groups, self.success, self.failure = groups, success, failure


class NoSuchGroup(PipelineError):
    """A group was asked for that the pipeline does not have."""

    def __init__(self, name: str, file: str, known: tuple[str, ...]) -> None:
        super().__init__(name, file, known)
        self.name, self.file, self.known = name, file, known

    def __str__(self) -> str:
        return f"the pipeline has no group {self.name!r}{guess(self.name, self.known)}"


class LoopMaxExhausted(PipelineError):
    """A `while` with `errorOnMax` came to its `max`."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        return f"`while` came to its max, {self.count}, before its `stop` was true"


def names_of(value: Any, what: str) -> tuple[str, ...]:
    """Take the name of a group, or a list of names.

    Raises:
        BadInput: it is something else.
    """
    names = (value,) if isinstance(value, str) else value
    if (
        not isinstance(names, (list, tuple))
        or not names
        or not all(isinstance(name, str) for name in names)
    ):
        raise BadInput(f"{what} takes the name of a group, or a list of names, not {value!r:.60}")
    return tuple(names)
