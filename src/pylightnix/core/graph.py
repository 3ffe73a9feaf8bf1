"""Graphs of references, as plain mappings from a node to what it needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping

from .errors import InstantiateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    N = TypeVar("N", bound=Hashable)


class CyclicDependency(InstantiateError):
    """Derivations depend on each other in a circle.

    True hashes forbid it, so a config was tampered with.
    """

    def __init__(self, cycle: tuple[str, ...]) -> None:
        super().__init__(cycle)
        self.cycle = cycle

    def __str__(self) -> str:
        circle = " -> ".join(self.cycle)
        return (
            f"circular dependency: {circle}; "
            "their configs are damaged: delete them and instantiate again"
        )


def reachable(roots: Iterable[N], needs: Mapping[N, Iterable[N]]) -> frozenset[N]:
    """Give the roots and all that they need, near or far.

    A node without an entry in `needs` needs nothing.
    """
    seen: set[N] = set()
    todo = list(roots)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(needs.get(node, ()))
    return frozenset(seen)


def shortest(
    starts: Iterable[N], needs: Callable[[N], Iterable[N]], wanted: Callable[[N], bool]
) -> list[N]:
    """Give the shortest path from one of some nodes to a wanted one along what they need.

    Args:
        starts: where a path may begin.
        needs: tells what a node needs; asked only about nodes no further than the end.
        wanted: tells whether a node is the end.

    Returns:
        The path with both ends; empty if there is none. Of several as short as each other, the one
        that comes first in the order of `starts` and `needs`.
    """
    came_from: dict[N, N | None] = dict.fromkeys(starts)
    for node in (todo := list(came_from)):  # grows while it is walked
        if wanted(node):
            path, step = [node], came_from[node]
            while step is not None:
                path.append(step)
                step = came_from[step]
            return path[::-1]
        for below in needs(node):
            if below not in came_from:
                came_from[below] = node
                todo.append(below)
    return []


def users(needs: Mapping[N, Iterable[N]]) -> dict[N, list[N]]:
    """Turn the arrows round: node -> the nodes that need it directly, in the order of `needs`."""
    inverse: dict[N, list[N]] = {node: [] for node in needs}
    for node, deps in needs.items():
        for dep in deps:
            inverse.setdefault(dep, []).append(node)
    return inverse


def topological(needs: Mapping[N, Iterable[N]]) -> tuple[N, ...]:
    """Order the nodes so that each stands after all that it needs (Kahn 1962).

    Where that leaves a choice, the order of `needs` alone decides.

    Raises:
        CyclicDependency: there is no such order.
    """
    inverse = users(needs)
    missing = {node: len(set(needs.get(node, ()))) for node in inverse}
    ready = [node for node in inverse if not missing[node]]
    for node in ready:  # grows while it is walked
        for user in dict.fromkeys(inverse[node]):
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    if len(ready) != len(inverse):
        raise CyclicDependency(_cycle({node for node in inverse if missing[node]}, needs))
    return tuple(ready)


def _cycle(stuck: set[N], needs: Mapping[N, Iterable[N]]) -> tuple[str, ...]:
    """Walk among nodes that wait for each other until one comes back."""
    walk = [min(stuck, key=str)]
    while walk[-1] not in walk[:-1]:
        walk.append(next(node for node in needs[walk[-1]] if node in stuck))
    return tuple(str(node) for node in walk[walk.index(walk[-1]) :])
