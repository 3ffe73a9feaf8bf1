"""Frozen values that cost little to load: `@value` for `@dataclass(frozen=True, slots=True)`.

The module `dataclasses` takes 7 ms to load, and 0.4 ms for every class that it makes, since it
compiles half a dozen functions for each: that was a third of a whole program with nothing to do.
Here a class costs a tenth of that, and making an instance two thirds.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter

TYPE_CHECKING = False  # by hand, as everywhere below: `typing` takes longer to load than this floor
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_):
        """Tells type checkers that the decorator makes data classes; here it does nothing."""
        return lambda decorator: decorator


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make a frozen class with slots of a class that has nothing but annotated fields and methods.

    Instances are equal if they are of one class and all their fields are, print as they are
    written, and can be hashed, pickled and copied. A class that has a method of its own for one of
    these keeps it. A default is shared by all instances: give nothing that can be changed.
    """
    names = tuple(cls.__annotations__)
    space = {
        name: item
        for name, item in vars(cls).items()
        if name not in names and name not in ("__dict__", "__weakref__")
    }
    made: Any = type(
        cls.__name__, (), {**_methods(names), **space, "__slots__": names, "__match_args__": names}
    )
    defaults = {name: vars(cls)[name] for name in names if name in vars(cls)}
    made.__init__ = _initializer(made, names, defaults)
    return made  # type: ignore[no-any-return]


def drawn(self: object) -> str | None:
    """Give a value as HTML, to a notebook: the `_repr_html_` of values on several floors.

    It is drawn on the top floor, which no floor below may import. So this asks as any user would,
    by the published name, and nothing of it is loaded before a notebook asks.
    """
    import sys

    return sys.modules["pylightnix"].html_of(self)  # type: ignore[no-any-return]


_Function: Any = type(drawn)


def changed(old: T, **fields: object) -> T:
    """Give a value that is like another one, but for these fields."""
    cls: Any = type(old)
    kept = {name: getattr(old, name) for name in cls.__slots__}
    return cls(**kept | fields)  # type: ignore[no-any-return]


def _initializer(
    cls: type, names: tuple[str, ...], defaults: dict[str, object]
) -> Callable[..., None]:
    """Make `__init__`: a loop over the fields would take twice as long, for each instance."""
    space = {f"put{i}": vars(cls)[name].__set__ for i, name in enumerate(names)}
    code = _stencil(len(names)).replace(co_varnames=("self", *names))
    given = tuple(defaults[name] for name in names if name in defaults)
    made: Any = _Function(code, space, "__init__", given)
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made  # type: ignore[no-any-return]


# Compiling is most of what a class costs; those with as many fields differ by the names alone.
@cache
def _stencil(count: int) -> CodeType:
    taken = "".join([f", x{i}" for i in range(count)])
    lines = [f"put{i}(self, x{i})" for i in range(count)] or ["pass"]
    space: dict[str, Any] = {}
    exec(f"def __init__(self{taken}):\n " + "\n ".join(lines), space)  # noqa: S102 - of numbers
    return space["__init__"].__code__  # type: ignore[no-any-return]


def _methods(names: tuple[str, ...]) -> dict[str, object]:
    """What all values have in common, for a class with these fields."""
    fields: Callable[[object], object] = attrgetter(*names) if names else type

    def __eq__(self: object, other: object) -> bool:
        return fields(self) == fields(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: object) -> int:
        return hash(fields(self))

    def __repr__(self: object) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({shown})"

    def __reduce__(self: object) -> tuple[object, ...]:
        return type(self), tuple(getattr(self, name) for name in names)

    def __setattr__(self: object, name: str, item: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self: object, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    methods = (__eq__, __hash__, __repr__, __reduce__, __setattr__, __delattr__)
    return {method.__name__: method for method in methods}
