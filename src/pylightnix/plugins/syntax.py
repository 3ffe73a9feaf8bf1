"""What names at the top of modules mean, from their syntax trees alone; nothing is imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from pylightnix.core.value import value

from .modules import Module, module_elsewhere

API = "pylightnix.plugins"
DEEP = 30  # imports in a circle, constants made of constants


@value
class Alias:
    """A name that an import binds: to a module, or to something in one."""

    module: str
    attribute: str = ""


Bound: TypeAlias = "Alias | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.expr"


@value
class Meaning:
    """What a name stands for, and in which module that was said."""

    source: Source
    thing: Bound


class Source:
    """A module that was read: its tree, and what its top level binds."""

    def __init__(self, module: Module, tree: ast.Module) -> None:
        self.module, self.tree = module, tree
        self.bound: dict[str, Bound] = {}
        self.stars: list[str] = []
        for statement in statements(tree.body):
            self._bind(statement)

    def _bind(self, node: ast.stmt) -> None:
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    top = alias.name.partition(".")[0]
                    self.bound[alias.asname or top] = Alias(alias.name if alias.asname else top)
            case ast.ImportFrom(names=aliases):
                home = self._home(node)
                for alias in aliases:
                    if alias.name == "*":
                        self.stars.append(home)
                    else:
                        self.bound[alias.asname or alias.name] = Alias(home, alias.name)
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                self.bound[node.name] = node
            case _:
                self.bound.update(assigned(node))

    def _home(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.package.split(".")
        base = parts[: len(parts) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])


def assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Give the variables that a statement sets, and to what."""
    match node:
        case ast.Assign(targets=targets, value=expression):
            for target in targets:
                yield from _pairs(target, expression)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as expression):
            yield name, expression


def _pairs(target: ast.expr, whole: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, whole
    elif isinstance(target, ast.Tuple | ast.List):
        parts = whole.elts if isinstance(whole, ast.Tuple | ast.List) else []
        same = len(parts) == len(target.elts)
        for i, inner in enumerate(target.elts):
            yield from _pairs(inner, parts[i] if same else whole)


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Give the statements of a module that run when it is imported, those in branches too."""
    for node in body:
        yield node
        match node:
            case ast.If() | ast.For() | ast.While():
                yield from statements([*node.body, *node.orelse])
            case ast.With():
                yield from statements(node.body)
            case ast.Try():
                handlers = [s for handler in node.handlers for s in handler.body]
                yield from statements([*node.body, *handlers, *node.orelse, *node.finalbody])


def read_source(module: Module) -> Source:
    """Read and parse a module.

    Raises:
        SyntaxError, ValueError, OSError: it is no Python, or cannot be read.
    """
    with open(module.path, "rb") as file:
        return Source(module, ast.parse(file.read(), module.path))


class Sources:
    """All modules of a project by name; others are read when a name leads there."""

    def __init__(self, own: Mapping[str, Source], path: Sequence[str]) -> None:
        self._known: dict[str, Source | None] = dict(own)
        self._path = tuple(path)

    def get(self, name: str) -> Source | None:
        """Give a module, if its source can be found."""
        if name not in self._known:
            module = None
            if name.partition(".")[0] not in sys.stdlib_module_names:
                module = module_elsewhere(name, self._path)
            try:
                self._known[name] = None if module is None else read_source(module)
            except (SyntaxError, ValueError, OSError):
                self._known[name] = None
        return self._known[name]

    def meaning(self, source: Source, expr: ast.expr, deep: int = 0) -> Meaning | Alias | None:
        """Find what an expression means: where it is defined, or an import that leads out of sight.

        None: it is a builtin, or something that is known only when it runs.
        """
        if deep > DEEP:
            return None
        match expr:
            case ast.Name(id=name):
                return self._named(source, name, deep + 1)
            case ast.Attribute(value=inner, attr=name):
                whole = self.meaning(source, inner, deep + 1)
                if isinstance(whole, Alias):
                    return self._followed(self._below(whole, name), deep + 1)
                if isinstance(whole, Meaning) and isinstance(whole.thing, ast.ClassDef):
                    return self.attribute(whole, name, deep + 1)
            case ast.Subscript(value=inner):
                return self.meaning(source, inner, deep + 1)
        return None

    def _named(self, source: Source, name: str, deep: int) -> Meaning | Alias | None:
        if deep > DEEP:
            return None
        thing = source.bound.get(name)
        if isinstance(thing, Alias):
            return self._followed(thing, deep + 1)
        if isinstance(thing, ast.Name | ast.Attribute):
            return self.meaning(source, thing, deep + 1)
        if thing is not None:
            return Meaning(source, thing)
        for star in source.stars:
            if star == API:
                return Alias(API, name)
            home = self.get(star)
            found = None if home is None else self._named(home, name, deep + 1)
            if found is not None:
                return found
        return None

    def _below(self, whole: Alias, name: str) -> Alias:
        module = f"{whole.module}.{whole.attribute}" if whole.attribute else whole.module
        return Alias(module, name)

    def _followed(self, alias: Alias, deep: int) -> Meaning | Alias | None:
        """Follow an import to where the thing is defined, as far as sources can be found."""
        ours = f"{alias.module}.".startswith(f"{API}.")
        if not alias.attribute or ours or deep > DEEP:
            return alias
        home = self.get(alias.module)
        found = None if home is None else self._named(home, alias.attribute, deep + 1)
        return alias if found is None else found

    def attribute(self, cls: Meaning, name: str, deep: int = 0) -> Meaning | Alias | None:
        """Find what an attribute of a class is set to, in the class or in its bases."""
        node = cls.thing
        if deep > DEEP or not isinstance(node, ast.ClassDef):
            return None
        for statement in reversed(node.body):
            if isinstance(statement, ast.FunctionDef) and statement.name == name:
                return Meaning(cls.source, statement)
            for key, expression in assigned(statement):
                if key == name:
                    return Meaning(cls.source, expression)
        for base in node.bases:
            above = self.meaning(cls.source, base, deep + 1)
            if isinstance(above, Meaning):
                found = self.attribute(above, name, deep + 1)
                if found is not None:
                    return found
        return None

    def is_api(self, source: Source, expr: ast.expr, name: str) -> bool:
        """Tell whether an expression is one of our names."""
        found = self.meaning(source, expr)
        return isinstance(found, Alias) and is_ours(found, name)

    def text(self, at: Meaning | Alias | None, deep: int = 0) -> str | None:
        """Give the text that an expression is, if that can be told without running it."""
        if not isinstance(at, Meaning) or deep > DEEP:
            return None
        again = partial(self._text_of, at.source, deep=deep + 1)
        match at.thing:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name() | ast.Attribute():
                return again(at.thing)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([again(left), again(right)])
            case ast.JoinedStr(values=values):
                plain = [again(_inner(part)) for part in values]
                return _joined(plain)
        return None

    def _text_of(self, source: Source, expr: ast.expr, deep: int) -> str | None:
        if isinstance(expr, ast.Name | ast.Attribute):
            return self.text(self.meaning(source, expr), deep)
        return self.text(Meaning(source, expr), deep)


def is_ours(alias: Alias, name: str) -> bool:
    """Tell whether an import is of one of our names, wherever in the package it was taken from."""
    return alias.attribute == name and f"{alias.module}.".startswith(f"{API}.")


def _inner(part: ast.expr) -> ast.expr:
    """Take the braces off a part of an f-string, if they hold nothing but an expression."""
    if isinstance(part, ast.FormattedValue) and part.conversion == -1 and not part.format_spec:
        return part.value
    return part


def _joined(parts: list[str | None]) -> str | None:
    return None if None in parts else "".join(part for part in parts if part is not None)
