"""Trees and graphs: every node and arrow once, however large they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.drawing import MAX_INDENT, dot_lines, mermaid_lines, tree_lines


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


def test_beyond_forty_levels_the_level_is_written_down() -> None:
    graph = {str(i): [str(i + 1)] for i in range(50)}
    lines = tree_lines(["0"], graph)
    assert lines[MAX_INDENT] == f"{'  ' * MAX_INDENT}{MAX_INDENT}"
    assert lines[-1] == f"{'  ' * MAX_INDENT}[50] 50"


def test_below_what_is_closed_nothing_is_drawn() -> None:
    graph = {"a": ["b", "c"], "b": ["d"], "c": ["b"], "d": []}
    closed = tree_lines(["a"], graph, closed=lambda node: node == "b")
    assert closed == ["a", "  b", "  c", "    b"]


def test_several_roots_stand_one_after_the_other() -> None:
    assert tree_lines(["a", "b"], {"a": [], "b": ["a"]}, str.upper) == ["A", "B", "  A"]


def test_what_is_special_in_a_label_is_escaped() -> None:
    graph: dict[str, list[str]] = {"a": []}
    dot = dot_lines(graph, lambda node: ['q"', "b\\"], lambda node: "#ffffff")
    assert dot[2] == '  n0 [label="q\\"\\nb\\\\", fillcolor="#ffffff"];'
    mermaid = mermaid_lines(graph, lambda node: ['q"', "<#"], lambda node: "x", {"x": "#ffffff"})
    assert mermaid[1] == '  n0["q#quot;<br/>#lt;#35;"]:::x'
