"""Where the source code of a function or class is: its syntax tree, found again from the object."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any, ClassVar, NamedTuple, TypeAlias

from pylightnix.core.names import Uses, uses_of
from pylightnix.core.syntax import digest, parsed, starts

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


class Piece(NamedTuple):
    """What is known of one function or class.

    Attributes:
        tree: what counts of it; see `core.syntax.parsed`.
        digest: of the tree, 32 hex digits.
        uses: what it takes from outside.
    """

    tree: Definition | ast.Module
    digest: str
    uses: Uses


class _File(NamedTuple):
    lines: list[str]
    tree: ast.Module
    functions: dict[tuple[int, str], Definition]
    classes: dict[str, list[ast.ClassDef]]
    lambdas: dict[int, list[ast.Lambda]]


class _Known:
    """What this process has read; a piece is kept with its object, whose id names it."""

    files: ClassVar[dict[str, _File]] = {}
    pieces: ClassVar[dict[int, tuple[object, Piece | None]]] = {}


def piece_of_code(code: CodeType) -> Piece | None:
    """Give what is known of a function; None if its source cannot be found."""
    return _remembered(code, lambda: _function_node(code))


def piece_of_class(cls: type) -> Piece | None:
    """Give what is known of a class; None if its source cannot be found."""
    return _remembered(cls, lambda: _class_node(cls))


def piece_of_module(module: Any) -> Piece | None:
    """Give what is known of a whole module; None if its source cannot be found."""
    return _remembered(module, lambda: _module_tree(module))


def _remembered(thing: object, find: Any) -> Piece | None:
    known = _Known.pieces.get(id(thing))
    if known is None:
        tree = find()
        try:
            made = None if tree is None else Piece(tree, digest(tree), uses_of(tree))
        except RecursionError:  # an expression of a thousand levels
            made = None
        known = _Known.pieces[id(thing)] = (thing, made)
    return known[1]


def _file(name: str) -> _File | None:
    """Read and parse a source file, or a cell; again if it has changed."""
    linecache.checkcache(name)
    lines = linecache.getlines(name)
    known = _Known.files.get(name)
    if known is not None and known.lines is lines:
        return known
    try:
        tree = parsed("".join(lines)) if lines else None
    except (SyntaxError, ValueError, RecursionError):
        tree = None
    if tree is None:
        return None
    file = _Known.files[name] = _File(lines, tree, {}, {}, {})
    _index(file)
    return file


def _index(file: _File) -> None:
    """Note where every function, class and lambda is, in the order of the text."""
    todo: list[tuple[ast.AST, str]] = [(file.tree, "")]
    while todo:
        parent, prefix = todo.pop()
        for node in ast.iter_child_nodes(parent):
            below = prefix
            if isinstance(node, ast.ClassDef):
                file.classes.setdefault(prefix + node.name, []).append(node)
                below = f"{prefix}{node.name}."
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                file.functions[starts(node), node.name] = node
                below = f"{prefix}{node.name}.<locals>."
            elif isinstance(node, ast.Lambda):
                file.lambdas.setdefault(node.lineno, []).append(node)
                below = f"{prefix}<lambda>.<locals>."
            todo.append((node, below))
    for nodes in file.classes.values():
        nodes.sort(key=lambda node: node.lineno)


def _function_node(code: CodeType) -> Definition | None:
    file = _file(code.co_filename)
    if file is None:
        return None
    if code.co_name == "<lambda>":
        return _lambda_node(code, file.lambdas.get(code.co_firstlineno, ()))
    found = file.functions.get((code.co_firstlineno, code.co_name))
    return found if found is None or _has_parameters(found, code) else None


def _has_parameters(node: Definition, code: CodeType) -> bool:
    """Tell whether a definition can be the one that a function was compiled from."""
    if isinstance(node, ast.ClassDef):
        return False
    args = node.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    return names == list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _lambda_node(code: CodeType, nodes: Sequence[ast.Lambda]) -> ast.Lambda | None:
    """Of several lambdas on a line, the smallest one that holds what was compiled."""
    fitting = [node for node in nodes if _has_parameters(node, code) and _holds(node, code)]
    return min(fitting, key=lambda node: _span(node)[1]) if fitting else None


def _span(node: ast.expr) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)


def _holds(node: ast.Lambda, code: CodeType) -> bool:
    start, end = _span(node)
    return all(start <= place <= end for place in _places(code))


def _places(code: CodeType) -> Iterator[tuple[int, int]]:
    """Where the instructions of a function come from, as far as Python was told to remember."""
    for line, _, column, _ in code.co_positions():
        if line and column:
            yield line, column


def _class_node(cls: type) -> Definition | None:
    line = cls.__dict__.get("__firstlineno__")
    for name in _files_of_class(cls):
        file = _file(name)
        nodes = [] if file is None else file.classes.get(cls.__qualname__, [])
        exact = [node for node in nodes if starts(node) == line]
        if nodes:
            return (exact or nodes)[-1]
    return None


def _files_of_class(cls: type) -> Iterator[str]:
    """Where a class may have been written: where its methods were, else where its module is."""
    for item in vars(cls).values():
        code = getattr(getattr(item, "__func__", item), "__code__", None)
        if code is not None and getattr(item, "__qualname__", "").startswith(cls.__qualname__):
            yield code.co_filename
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is not None:
        yield file
    elif cls.__module__ == "__main__":  # a cell of a notebook; of several, the last one run
        cells = [name for name, entry in linecache.cache.items() if entry[1:2] == (None,)]
        yield from reversed(cells)


def _module_tree(module: Any) -> ast.Module | None:
    file = _file(getattr(module, "__file__", None) or "")
    return None if file is None else file.tree
