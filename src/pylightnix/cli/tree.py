"""Draw who depends on whom. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", bound=str)


def tree_lines(root: T, deps: Mapping[T, Sequence[T]]) -> list[str]:
    """Draw a directed graph without cycles as an indented tree.

    What comes again is marked and not drawn again: otherwise a row of 40 diamonds would have 10^12
    lines. Chains may be longer than the interpreter's stack.

    Args:
        root: where to begin.
        deps: what each node depends on, in the order in which it is to be drawn.

    >>> tree_lines("a", {"a": ["b", "c"], "b": ["c"], "c": []})
    ['a', '  b', '    c', '  c']
    >>> tree_lines("a", {"a": ["b", "c"], "b": [], "c": ["b"]})
    ['a', '  b', '  c', '    b']
    """
    lines: list[str] = []
    drawn: set[T] = set()
    todo = [(root, 0)]
    while todo:
        node, depth = todo.pop()
        below = deps.get(node, ())
        again = node in drawn and bool(below)
        lines.append("  " * depth + node + (" (above)" if again else ""))
        if not again:
            drawn.add(node)
            todo.extend((dep, depth + 1) for dep in reversed(below))
    return lines
