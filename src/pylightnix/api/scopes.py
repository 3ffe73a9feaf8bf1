"""What the names in a function or class lead to, and how to look again later."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import CellType, ModuleType
from typing import Any, TypeAlias

from pylightnix.core.names import Imported

Look: TypeAlias = Callable[[], object]


class _Missing:
    """The type of `MISSING`."""


MISSING = _Missing()


def top(module: str | None) -> str:
    """Give the top-level package of a module."""
    return (module or "").partition(".")[0]


def homes(function: Any) -> frozenset[str]:
    """Give the top-level packages whose code counts for a function.

    One, but for the module that runs as a program with `python -m`, which has two names.
    """
    home = top(function.__module__)
    spec = getattr(sys.modules.get("__main__"), "__spec__", None) if home == "__main__" else None
    other = "" if spec is None or "." not in spec.name else top(spec.name)
    return frozenset((home, other) if other else (home,))


class Scope:
    """The names that one function or class sees."""

    def __init__(self, thing: Any, home: frozenset[str]) -> None:
        self._home = home
        functions = vars(thing).values() if isinstance(thing, type) else (thing,)
        self._cells: dict[str, CellType] = {}
        for function in functions:
            code = getattr(function, "__code__", None)
            if code is not None:
                self._cells.update(zip(code.co_freevars, function.__closure__ or (), strict=True))
        module = sys.modules.get(thing.__module__)
        found = getattr(thing, "__globals__", None)
        self._globals: Mapping[str, Any] = vars(module) if found is None and module else found or {}

    def steps(
        self, path: tuple[str, ...], imports: Mapping[str, Imported]
    ) -> Iterator[tuple[Look, object]]:
        """Follow a dotted name as far as it leads through modules of the home package.

        Yields:
            Each look, and what it saw; the last one is what counts.
        """
        look = self._first(path[0], imports)
        target = look()
        yield look, target
        for name in path[1:]:
            if not isinstance(target, ModuleType) or top(target.__name__) not in self._home:
                return
            look = partial(vars(target).get, name, MISSING)
            target = look()
            yield look, target

    def value(self, node: ast.expr) -> object:
        """Give what a decorator is, or what it is made by; MISSING if that is not a plain name."""
        while isinstance(node, ast.Call):
            node = node.func
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return MISSING
        target = self._first(node.id, {})()
        for name in reversed(parts):
            target = getattr(target, name, MISSING)
        return target

    def _first(self, name: str, imports: Mapping[str, Imported]) -> Look:
        if name in self._cells:
            return partial(_contents, self._cells[name])
        if name in imports:
            return self._import(imports[name])
        return partial(self._globals.get, name, MISSING)

    def _import(self, wanted: Imported) -> Look:
        """Do what an import inside a function is going to do, if it stays within the package."""
        from importlib import import_module
        from importlib.util import resolve_name

        package = self._globals.get("__package__") or None
        try:
            name = resolve_name("." * wanted.level + wanted.module, package)
            if top(name) not in self._home:
                return lambda: MISSING
            module = import_module(name)
            if wanted.attribute is None:
                return lambda: module
            if not hasattr(module, wanted.attribute):
                import_module(f"{name}.{wanted.attribute}")
        except ImportError:
            return lambda: MISSING
        return partial(vars(module).get, wanted.attribute, MISSING)


def _contents(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return MISSING
