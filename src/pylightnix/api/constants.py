"""What a value that code names amounts to: a text that is equal for equal values."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, NamedTuple

ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
CODE = (FunctionType, type, ModuleType)
HARMLESS = ("Logger",)  # tells what happens, and changes nothing of it
_LISTS = (list, tuple, set, frozenset)
_DICTS = (dict, MappingProxyType, SimpleNamespace)


class Constant(NamedTuple):
    """A value, as far as it can be told.

    Attributes:
        text: equal for equal values, in any process; code in it is there by its name.
        inside: functions, classes and modules in it.
        opaque: types of the things in it that could not be looked into.
    """

    text: str
    inside: tuple[Any, ...]
    opaque: tuple[str, ...]


def constant_of(thing: object) -> Constant:
    """Look into a value."""
    reader = _Reader()
    text = reader.read(thing)
    return Constant(text, tuple(reader.inside), tuple(reader.opaque))


def bare(thing: Any) -> Any:
    """Give what is wrapped: the function below its decorators, and of a stage its function."""
    for _ in range(100):
        inner = thing.__dict__.get("__wrapped__") if hasattr(thing, "__dict__") else None
        if inner is None or isinstance(thing, type):
            return thing
        thing = inner
    return thing


class _Reader:
    def __init__(self) -> None:
        self.inside: list[Any] = []
        self.opaque: list[str] = []
        self._above: set[int] = set()

    def read(self, thing: Any) -> str:
        if isinstance(thing, ATOMS) and type(thing) in ATOMS:
            return ascii(thing) if type(thing) is not int else hex(thing)
        if id(thing) in self._above:
            return "again"
        self._above.add(id(thing))
        try:
            return f"{type(thing).__qualname__}({self._inner(bare(thing))})"
        finally:
            self._above.discard(id(thing))

    def _inner(self, thing: Any) -> str:
        if isinstance(thing, (*CODE, BuiltinFunctionType)):
            self.inside.append(thing)
            return str(getattr(thing, "__qualname__", thing.__name__))
        if type(thing) in _LISTS:
            items = [self.read(item) for item in thing]
            return ",".join(sorted(items) if isinstance(thing, set | frozenset) else items)
        if type(thing) in _DICTS:
            fields = thing if not isinstance(thing, SimpleNamespace) else vars(thing)
            return ",".join(f"{self.read(key)}:{self.read(fields[key])}" for key in fields)
        return ",".join(self._object(thing))

    def _object(self, thing: Any) -> Iterator[str]:
        """Look into an instance: its class, and what is known to be all that it consists of."""
        self.inside.append(type(thing))
        if isinstance(thing, partial):
            yield from map(self.read, (thing.func, thing.args, thing.keywords))
        elif isinstance(thing, MethodType):
            yield from map(self.read, (thing.__func__, thing.__self__))
        elif isinstance(thing, re.Pattern):
            yield from map(self.read, (thing.pattern, thing.flags))
        elif isinstance(thing, enum.Enum):
            yield thing.name
        elif isinstance(thing, PurePath):
            yield ascii(str(thing))
        elif isinstance(thing, tuple):
            yield from map(self.read, thing)
        elif hasattr(type(thing), "__dataclass_fields__"):
            for name in type(thing).__dataclass_fields__:
                yield f"{name}={self.read(getattr(thing, name, None))}"
        elif getattr(thing, "__dict__", None) != {} and type(thing).__name__ not in HARMLESS:
            self.opaque.append(f"{type(thing).__module__}.{type(thing).__qualname__}")
