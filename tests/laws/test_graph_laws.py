"""Laws of graphs, against the plainest way to compute the same."""

from __future__ import annotations

from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.graph import CyclicDependency, reachable, topological, users
from strategies import Dag, dags, graphs

Graph: TypeAlias = dict[int, list[int]]


def nodes_of(graph: Graph) -> set[int]:
    return {*graph, *(dep for deps in graph.values() for dep in deps)}


def closure(graph: Graph) -> set[tuple[int, int]]:
    """Every pair of a node and one that it needs, near or far (Warshall 1962)."""
    pairs = {(node, dep) for node, deps in graph.items() for dep in deps}
    for via in nodes_of(graph):
        pairs |= {(a, b) for a, x in pairs if x == via for y, b in pairs if y == via}
    return pairs


@given(graphs(), st.sets(st.integers(0, 7)))
def test_reachable_is_the_transitive_closure(graph: Graph, roots: set[int]) -> None:
    pairs = closure(graph)
    assert reachable(roots, graph) == roots | {b for a, b in pairs if a in roots}


@given(graphs(), st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_what_several_reach_is_what_each_reaches(
    graph: Graph, one: set[int], two: set[int]
) -> None:
    assert reachable(one | two, graph) == reachable(one, graph) | reachable(two, graph)
    assert reachable(reachable(one, graph), graph) == reachable(one, graph)


@given(graphs())
def test_users_have_every_arrow_turned_round_and_no_other(graph: Graph) -> None:
    arrows = sorted((dep, node) for node, deps in graph.items() for dep in deps)
    turned = users(graph)
    assert sorted((dep, node) for dep, nodes in turned.items() for node in nodes) == arrows
    assert set(turned) == nodes_of(graph)


@given(graphs())
def test_an_order_is_found_or_a_cycle_is_shown(graph: Graph) -> None:
    cyclic = any(a == b for a, b in closure(graph))
    try:
        order = topological(graph)
    except CyclicDependency as error:
        assert cyclic
        first, *rest = [int(node) for node in error.cycle]
        assert rest[-1] == first
        assert len(set(rest)) == len(rest)
        for node, dep in zip([first, *rest], rest, strict=False):
            assert dep in graph[node]
    else:
        assert not cyclic
        assert sorted(order) == sorted(nodes_of(graph))
        place = {node: number for number, node in enumerate(order)}
        assert all(place[dep] < place[node] for node, deps in graph.items() for dep in deps)


@given(dags())
def test_a_graph_without_cycles_has_an_order(dag: Dag) -> None:
    order = topological(dag)
    assert set(order) == set(dag)
    assert all(set(deps) <= set(order[: order.index(dref)]) for dref, deps in dag.items())
