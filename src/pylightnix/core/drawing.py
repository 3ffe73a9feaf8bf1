"""Draw who depends on whom: as an indented tree, for Graphviz, for Mermaid. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", bound=str)
MAX_INDENT = 40


def tree_lines(
    roots: Iterable[T],
    deps: Mapping[T, Sequence[T]],
    label: Callable[[T], str] = str,
    closed: Callable[[T], bool] | None = None,
) -> list[str]:
    """Draw a directed graph without cycles as an indented tree.

    What comes again is marked and not drawn again: otherwise a row of 40 diamonds would have 10^12
    lines. Chains may be longer than the interpreter's stack; below 40 levels the level is written
    down, since indenting 10,000 lines by their number would fill 100 MB.

    Args:
        roots: where to begin.
        deps: what each node depends on, in the order in which it is to be drawn.
        label: what to write for a node.
        closed: of which nodes not to draw what they depend on.

    >>> tree_lines(["a"], {"a": ["b", "c"], "b": ["c"], "c": []})
    ['a', '  b', '    c', '  c']
    >>> tree_lines(["a"], {"a": ["b", "c"], "b": [], "c": ["b"]})
    ['a', '  b', '  c', '    b']
    """
    lines: list[str] = []
    drawn: set[T] = set()
    todo = [(root, 0) for root in reversed(list(roots))]
    while todo:
        node, depth = todo.pop()
        below = () if closed is not None and closed(node) else deps.get(node, ())
        again = node in drawn and bool(below)
        lines.append(f"{_indent(depth)}{label(node)}{' (above)' if again else ''}")
        if not again:
            drawn.add(node)
            todo.extend((dep, depth + 1) for dep in reversed(below))
    return lines


def _indent(depth: int) -> str:
    return "  " * depth if depth <= MAX_INDENT else f"{'  ' * MAX_INDENT}[{depth}] "


def dot_lines(
    deps: Mapping[T, Sequence[T]], label: Callable[[T], Sequence[str]], colour: Callable[[T], str]
) -> list[str]:
    """Draw a graph in the language of Graphviz; arrows lead from what depends.

    Args:
        deps: every node -> what it depends on.
        label: the lines to write into a node.
        colour: what to fill it with, as `#rrggbb`.
    """
    numbers = {node: f"n{number}" for number, node in enumerate(deps)}
    nodes = (
        f'  {numbers[node]} [label="{_quoted(label(node))}", fillcolor="{colour(node)}"];'
        for node in deps
    )
    edges = (f"  {numbers[node]} -> {numbers[dep]};" for node in deps for dep in deps[node])
    head = ["digraph {", "  node [shape=box, style=filled];"]
    return [*head, *nodes, *edges, "}"]


def _quoted(lines: Iterable[str]) -> str:
    return "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)


def mermaid_lines(
    deps: Mapping[T, Sequence[T]],
    label: Callable[[T], Sequence[str]],
    kind: Callable[[T], str],
    colours: Mapping[str, str],
) -> list[str]:
    """Draw a graph in the language of Mermaid; arrows lead from what depends.

    Args:
        deps: every node -> what it depends on.
        label: the lines to write into a node.
        kind: which of the `colours` a node has.
        colours: the name of each kind -> `#rrggbb`.
    """
    numbers = {node: f"n{number}" for number, node in enumerate(deps)}
    nodes = (f'  {numbers[node]}["{_entities(label(node))}"]:::{kind(node)}' for node in deps)
    edges = (f"  {numbers[node]} --> {numbers[dep]}" for node in deps for dep in deps[node])
    classes = (f"  classDef {name} fill:{colour},color:#000" for name, colour in colours.items())
    return ["flowchart TD", *nodes, *edges, *classes]


def _entities(lines: Iterable[str]) -> str:
    safe = (line.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;") for line in lines)
    return "<br/>".join(safe)
