from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.drawing import tree_lines


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Nodes depend on later ones only, so there is no cycle."""
    n = draw(st.integers(1, 8))
    later = st.sets(st.integers(0, n - 1))
    return {str(i): sorted(str(j) for j in draw(later) if j > i) for i in range(n)}


def reached(graph: dict[str, list[str]]) -> set[str]:
    seen, todo = set(), ["0"]
    while todo:
        node = todo.pop()
        seen.add(node)
        todo += [dep for dep in graph[node] if dep not in seen]
    return seen


@given(graphs())
def test_every_edge_that_can_be_reached_is_drawn_once(graph: dict[str, list[str]]) -> None:
    lines = tree_lines(["0"], graph)
    assert len(lines) == 1 + sum(len(graph[node]) for node in reached(graph))


@given(graphs())
def test_every_node_stands_below_one_that_needs_it(graph: dict[str, list[str]]) -> None:
    path: list[str] = []
    for line in tree_lines(["0"], graph):
        depth = (len(line) - len(line.lstrip())) // 2
        node = line.split()[0]
        del path[depth:]
        assert node in graph[path[-1]] if path else node == "0"
        path.append(node)


def test_what_comes_again_is_marked_and_not_drawn_again() -> None:
    graph = {"a": ["b", "c"], "b": ["c"], "c": ["d"], "d": []}
    assert tree_lines(["a"], graph) == ["a", "  b", "    c", "      d", "  c (above)"]


def test_a_hundred_diamonds_are_drawn_at_once() -> None:
    graph = {str(i): [str(i + 1), str(i + 2)] for i in range(100)}
    assert len(tree_lines(["0"], graph)) < 300


def test_a_chain_longer_than_the_stack_is_drawn() -> None:
    graph = {str(i): [str(i + 1)] for i in range(5_000)}
    assert len(tree_lines(["0"], graph)) == 5_001
