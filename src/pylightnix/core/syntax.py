"""What a piece of source code says, whatever it looks like: a syntax tree becomes a digest.

The form is our own. `ast.dump` writes the same code in another way from one Python to the next, and
an upgrade must not build everything again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import TypeVar

DOMAIN = b"pylightnix-syntax-v1\0"
# `kind` is the u of u"text"; `str` the text of what stands in braces, comments and all.
_LEFT_OUT = frozenset(("ctx", "type_comment", "kind", "annotation", "returns", "type_params"))
_LEFT_OUT_OF = {"Interpolation": frozenset(("str",))}
_Body = TypeVar("_Body", ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(text: str) -> ast.Module:
    """Parse source code and leave out what does not count.

    Docstrings and other statements that do nothing, annotations, and where something stands do not
    count. Names do, of local variables too: `locals()` and f"{x=}" can see them.

    Raises:
        SyntaxError, ValueError: it is not source code.
    """
    tree: ast.Module = _Plain().visit(ast.parse(text))
    return tree


def digest(*pieces: ast.AST | str) -> str:
    """Give 32 hex digits that are equal for equal trees, in any process and any Python from 3.11.

    Args:
        pieces: trees as `parsed` made them, and texts.
    """
    text = ";".join(ascii(piece) if isinstance(piece, str) else written(piece) for piece in pieces)
    return sha256(DOMAIN + text.encode()).hexdigest()[:32]


def written(tree: ast.AST) -> str:
    """Write a tree down in the one form that is hashed.

    >>> written(parsed("x  =  f(0x10)").body[0])
    "Assign(targets[Name(id'x')]value Call(args[Constant(value 16)]func Name(id'f')))"
    """
    out: list[str] = []
    todo: list[object] = [tree]
    while todo:  # not by recursion: a sum of a thousand terms is a thousand levels deep
        item = todo.pop()
        if isinstance(item, _Text):
            out.append(item)
        elif isinstance(item, ast.AST):
            todo.extend(reversed(list(_node(item))))
        elif isinstance(item, list):
            todo.extend(reversed([_Text("["), *_apart(item), _Text("]")]))
        else:
            out.append(f"'{item}'" if _is_word(item) else f" {_atom(item)}")
    return "".join(out)


class _Text(str):
    """What is already written."""

    __slots__ = ()


def _is_word(item: object) -> bool:
    return type(item) is str and item.isascii() and item.isidentifier()


def _apart(items: list[object]) -> Iterator[object]:
    for i, item in enumerate(items):
        if i:
            yield _Text(",")
        yield item


def _node(node: ast.AST) -> Iterator[object]:
    kind = type(node).__name__
    left_out = _LEFT_OUT | _LEFT_OUT_OF.get(kind, frozenset())
    yield _Text(f"{kind}(")
    for field in sorted(node._fields):
        value = getattr(node, field, None)
        # What is absent in one version of Python is None or empty in the next.
        absent = value is None and not (kind == "Constant" and field == "value")
        if absent or value == [] or field in left_out:
            continue
        yield _Text(f"{field} " if isinstance(value, ast.AST) else field)
        yield value
    yield _Text(")")


def _atom(value: object) -> str:
    """Write a constant; `ascii`, because what `repr` escapes changes with the tables of Unicode."""
    if type(value) is int and value.bit_length() > 10_000:
        return hex(value)  # decimal digits are refused beyond 4,300
    return ascii(value)


class _Plain(ast.NodeTransformer):
    """Leaves out what does not count."""

    def __init__(self) -> None:
        self._in_class = False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        made = super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            body = getattr(made, field, None)
            if isinstance(body, list):
                setattr(made, field, [item for item in body if not _does_nothing(item)])
        return made

    def _function(self, node: _Body) -> ast.AST:
        outside, self._in_class = self._in_class, False
        try:
            node.returns = None
            return self.generic_visit(node)
        finally:
            self._in_class = outside

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outside, self._in_class = self._in_class, True
        try:
            return self.generic_visit(node)
        finally:
            self._in_class = outside

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        node.annotation = ast.Constant(value=None)
        if self._in_class:
            return self.generic_visit(node)  # it makes a field of a data class
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign(targets=[node.target], value=node.value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        node.values = list(_joined(node.values))
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.format_spec, ast.JoinedStr) and not node.format_spec.values:
            node.format_spec = None
        return node


def _does_nothing(node: object) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass)


def _joined(values: Iterable[ast.expr]) -> Iterator[ast.expr]:
    """Join neighbouring texts: where a literal is cut in pieces differs between versions."""
    text = ""
    for value in values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        if text:
            yield ast.Constant(value=text)
        text = ""
        yield value
    if text:
        yield ast.Constant(value=text)


def starts(node: ast.stmt | ast.expr) -> int:
    """Tell at which line a function or class begins, its decorators included."""
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    return min(mark.lineno for mark in (node, *marks))
