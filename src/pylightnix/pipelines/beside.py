"""Builders of modules beside a pipeline, on their way to other processes."""

from __future__ import annotations

from pylightnix.engine.wrapper import Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pylightnix.engine.registry import Realizer

_NAMES = ("__module__", "__qualname__", "__name__", "__doc__")


class Beside:
    """A function that may import what is beside its module, also where it arrives without that.

    Here its scope sees to it. To workers and pods code goes by value, and leaves its scope behind;
    there a process is for one build, and may look in the folder first.

    Args:
        function: a builder, or a realizer.
        folder: of its module.
        arrived: whether this is elsewhere.
    """

    def __init__(self, function: Callable[..., Any], folder: str, arrived: bool = False) -> None:
        self.function, self.folder, self.arrived = function, folder, arrived
        for name in _NAMES:  # by these it is known whose code it is
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))

    def __reduce__(self) -> tuple[Any, ...]:
        return Beside, (self.function, self.folder, True)

    def __call__(self, *args: Any) -> Any:
        if not self.arrived:
            return self.function(*args)
        from pylightnix.imports.loading import found_first

        with found_first(self.folder):
            return self.function(*args)


def beside(realizer: Realizer, folder: str) -> Realizer:
    """Give a realizer that does the same, and whose code may import what is beside it."""
    if not isinstance(realizer, Wrapped):
        return Beside(realizer, folder)
    function = Beside(realizer.function, folder)
    return Wrapped(function, realizer.nouts, realizer.policy, realizer.env)
