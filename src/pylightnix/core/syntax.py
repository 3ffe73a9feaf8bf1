"""What a piece of source code says, whatever it looks like: a syntax tree becomes a digest.

The form is our own. `ast.dump` writes the same code in another way from one Python to the next, and
an upgrade must not build everything again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from hashlib import sha256

DOMAIN = b"pylightnix-syntax-v1\0"
# `kind` is the u of u"text"; `str` the text of what stands in braces, comments and all.
_LEFT_OUT = frozenset(("ctx", "type_comment", "kind", "annotation", "returns", "type_params"))
_LEFT_OUT_OF = {"Interpolation": frozenset(("str",))}
_BODIES = ("body", "orelse", "finalbody")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def parsed(text: str) -> ast.Module:
    """Parse source code and leave out what does not count.

    Docstrings and other statements that do nothing, annotations, and where something stands do not
    count. Names do, of local variables too: `locals()` and f"{x=}" can see them.

    Raises:
        SyntaxError, ValueError: it is not source code.
    """
    tree = ast.parse(text)
    _simplify(tree)
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


def _simplify(tree: ast.Module) -> None:
    """Leave out what does not count."""
    todo: list[tuple[ast.AST, bool]] = [(tree, False)]
    while todo:
        node, in_class = todo.pop()
        if isinstance(node, _SCOPES):
            in_class = isinstance(node, ast.ClassDef)
        for field in _BODIES:
            body = getattr(node, field, None)
            if isinstance(body, list):
                setattr(
                    node,
                    field,
                    [_simple(item, in_class) for item in body if _counts(item, in_class)],
                )
        if isinstance(node, ast.JoinedStr):
            node.values = list(_joined(node.values))
        elif isinstance(node, ast.FormattedValue) and _is_empty(node.format_spec):
            node.format_spec = None
        todo.extend((child, in_class) for child in ast.iter_child_nodes(node))


def _counts(node: ast.AST, in_class: bool) -> bool:
    if isinstance(node, ast.AnnAssign):
        return in_class or node.value is not None
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    return not isinstance(node, ast.Pass)


def _simple(node: ast.AST, in_class: bool) -> ast.AST:
    """Leave out an annotation; in a class its being there makes a field of a data class."""
    if not isinstance(node, ast.AnnAssign):
        return node
    if in_class or node.value is None:
        node.annotation = ast.Constant(value=None)
        return node
    return ast.Assign(targets=[node.target], value=node.value)


def _is_empty(spec: ast.expr | None) -> bool:
    return isinstance(spec, ast.JoinedStr) and not list(_joined(spec.values))


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
