"""The inventory: which modules are loaded, and what is in those that builds are likely to change.

To look at every attribute of all that is loaded would cost each build a millisecond: they are
20,000, and no processor keeps them at hand.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from operator import is_, itemgetter
from typing import Any

from pylightnix.core.value import value

_OURS = "pylightnix"
# Where a builder may replace something, for a test or to mend it, and not put it back.
_WATCHED = frozenset(
    (
        *("__main__", "builtins", "copyreg", "datetime", "functools", "glob", "hashlib", "io"),
        *("json", "json.decoder", "json.encoder", "locale", "logging", "math", "os", "pathlib"),
        *("pickle", "posixpath", "random", "re", "shutil", "signal", "socket", "subprocess"),
        *("sys", "tempfile", "threading", "time", "urllib.request", "warnings"),
    )
)
_HEAP_TYPE = 1 << 9  # of `__flags__`: not built in, and so code in Python can change it
# What nobody replaces, and what the interpreter itself puts there when it first needs it.
_CONSTANTS = (int, str, bytes, float)
_CACHES = frozenset(("__slotnames__", "__annotations__", "__annotations_cache__"))
_CACHES |= {"__warningregistry__"}
# What a fork puts in order by itself.
_FORKED = "threading"


@value
class Entry:
    """What was in a module or a class.

    Attributes:
        name: of it.
        inside: its attributes, at any time.
        size: how many it had.
        names: of those that are compared.
        values: of these.
        get: reads them.
    """

    name: str
    inside: Mapping[str, object]
    size: int
    names: tuple[str, ...]
    values: object
    get: Any


@value
class Inventory:
    """What was loaded at one time: modules by name, and what was in the watched ones."""

    modules: Mapping[str, object]
    entries: tuple[Entry, ...]


def inventory() -> Inventory:
    """Take down what is loaded now."""
    entries: list[Entry] = []
    classes: dict[int, type] = {}
    for module, thing in tuple(sys.modules.items()):
        if module in _WATCHED or module.partition(".")[0] == _OURS:
            inside = vars(thing)
            entries.append(_entry(module, inside))
            for item in tuple(inside.values()):
                if isinstance(item, type) and item.__flags__ & _HEAP_TYPE:
                    classes[id(item)] = item
    for cls in classes.values():
        if cls.__module__ in _WATCHED or cls.__module__.startswith(f"{_OURS}.api."):
            entries.append(_entry(f"{cls.__module__}.{cls.__qualname__}", vars(cls)))
    return Inventory(dict(sys.modules), tuple(entries))


def _entry(name: str, inside: Mapping[str, object]) -> Entry:
    names = tuple(
        key
        for key, thing in inside.items()
        if key not in _CACHES and (name == "sys" or type(thing) not in _CONSTANTS)
    )
    get = itemgetter(*names) if names else len
    return Entry(name, inside, _size(inside), names, get(inside), get)


def _size(inside: Mapping[str, object]) -> int:
    return sum(name not in _CACHES for name in inside)


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
    """Name a module or class of which an attribute came, went or is another one; empty if none is.

    Raises:
        Exception: an attribute is gone, or of a kind that cannot be compared.
    """
    for entry in before.entries:
        inside = entry.inside
        if len(inside) != entry.size and _size(inside) != entry.size:
            return entry.name
        # Tuples compare what is identical without asking it, ten times as fast as any loop here.
        if entry.get(inside) != entry.values:
            return entry.name
    return ""
