"""The inventory: every module that is loaded, and what is in it and in its classes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from operator import is_

from pylightnix.core.value import value

_HEAP_TYPE = 1 << 9  # of `__flags__`: not built in, and so code in Python can change it
# What the interpreter itself puts into classes and modules when it first needs it.
_CACHES = frozenset(("__slotnames__", "__annotations__", "__annotations_cache__"))
# What a fork puts in order by itself.
_FORKED = "threading"


@value
class Entry:
    """What was in a module or a class: its names, and their values, in one order."""

    name: str
    inside: Mapping[str, object]
    names: list[str]
    values: list[object]


@value
class Inventory:
    """What was loaded at one time: modules by name, and what was in these and in their classes."""

    modules: Mapping[str, object]
    entries: tuple[Entry, ...]


def inventory() -> Inventory:
    """Take down what is loaded now."""
    entries: list[Entry] = []
    classes: dict[int, type] = {}
    for name, module in tuple(sys.modules.items()):
        inside = getattr(module, "__dict__", {})
        entries.append(_entry(name, inside))
        for thing in tuple(inside.values()):
            if isinstance(thing, type) and thing.__flags__ & _HEAP_TYPE:
                classes[id(thing)] = thing
    for cls in classes.values():
        entries.append(_entry(f"{cls.__module__}.{cls.__qualname__}", vars(cls)))
    return Inventory(dict(sys.modules), tuple(entries))


def _entry(name: str, inside: Mapping[str, object]) -> Entry:
    return Entry(name, inside, [*inside], [*inside.values()])


def renewed(before: Inventory) -> Inventory:
    """Take down again, in a fork, what a fork changes by itself."""
    entry = _entry(_FORKED, vars(sys.modules[_FORKED]))
    kept = (one for one in before.entries if one.name != _FORKED)
    return Inventory(before.modules, (entry, *kept))


def imported(before: Inventory) -> str:
    """Name a module that came, went or is another one since; empty if none is."""
    now = sys.modules
    if len(now) == len(before.modules) and all(map(is_, now.values(), before.modules.values())):
        return ""
    for name in {**now, **before.modules}:
        if now.get(name) is not before.modules.get(name):
            return name
    return "sys.modules"


def replaced(before: Inventory) -> str:
    """Name what came, went or is another one in a module or a class; empty if nothing is.

    Raises:
        Exception: of a value that cannot be compared; so it was not there before.
    """
    for entry in before.entries:
        # Lists compare what is identical without asking it, ten times as fast as any loop here.
        if [*entry.inside.values()] != entry.values:
            name = _other(entry)
            if name:
                return f"{entry.name}.{name}"
    return ""


def _other(entry: Entry) -> str:
    was = dict(zip(entry.names, entry.values, strict=True))
    for name in {**was, **entry.inside}:
        if name not in _CACHES and (
            name not in was or name not in entry.inside or entry.inside[name] is not was[name]
        ):
            return name
    return ""
