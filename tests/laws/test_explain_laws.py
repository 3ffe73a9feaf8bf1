"""Laws of differences, causes and shortest paths."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.codec import canonical_json
from pylightnix.core.explain import (
    ABSENT,
    Cause,
    Difference,
    config_changes,
    differences,
    nearest,
    place,
    trace,
)
from pylightnix.core.graph import reachable, shortest
from pylightnix.core.refs import DRef
from strategies import configs, graphs, jsons, shuffled, texts


def applied(old: object, changes: Sequence[Difference]) -> object:
    """Carry changes out: what comes in order, what goes from the end, so that places stay true."""
    value: Any = copy.deepcopy(old)
    gone = [change for change in reversed(changes) if change.new is ABSENT]
    for steps, _, new in [*(change for change in changes if change.new is not ABSENT), *gone]:
        if not steps:
            value = new
            continue
        at = value
        for step in steps[:-1]:
            at = at[step]
        if new is ABSENT:
            del at[steps[-1]]
        elif isinstance(at, list) and steps[-1] == len(at):
            at.append(new)
        else:
            at[steps[-1]] = new
    return value


@st.composite
def relatives(draw: st.DrawFn) -> tuple[object, object]:
    """Two values that have something in common, more often than chance would have it."""
    old = draw(jsons())
    return old, draw(st.just(old) | jsons() | st.builds(lambda new: _mixed(old, new), jsons()))


def _mixed(old: object, new: object) -> object:
    if isinstance(old, dict):
        return {**old, "new": new, **dict.fromkeys(list(old)[:1], new)}
    return [*old[:1], new, *old[1:]] if isinstance(old, list) else [old, new]


@st.composite
def same(draw: st.DrawFn) -> tuple[object, object]:
    """A value twice, the second time with its keys in another order."""
    value = draw(jsons())
    return value, shuffled(draw, value)


@given(same())
def test_what_is_equal_has_no_differences(pair: tuple[object, object]) -> None:
    assert differences(*pair) == ()


@given(relatives())
def test_what_is_no_equal_config_has_differences(pair: tuple[object, object]) -> None:
    old, new = pair
    assert bool(differences(old, new)) == (canonical_json(old) != canonical_json(new))


@given(relatives())
def test_the_changes_make_the_new_out_of_the_old(pair: tuple[object, object]) -> None:
    old, new = pair
    assert canonical_json(applied(old, differences(old, new))) == canonical_json(new)


@given(relatives())
def test_there_are_as_many_changes_back_as_forth(pair: tuple[object, object]) -> None:
    forth, back = differences(*pair), differences(*reversed(pair))
    assert [(steps, new, old) for steps, old, new in back] == [tuple(change) for change in forth]


@given(relatives())
def test_no_change_is_inside_another(pair: tuple[object, object]) -> None:
    steps = [change.steps for change in differences(*pair)]
    assert not [(a, b) for a in steps for b in steps if a != b and b[: len(a)] == a]


@given(st.lists(texts() | st.integers(0, 12)), st.lists(texts() | st.integers(0, 12)))
def test_different_places_never_look_the_same(one: list[str | int], two: list[str | int]) -> None:
    assert (place(one) == place(two)) == (one == two)
    assert "\n" not in place(one)


@given(configs(), st.lists(configs(), max_size=4))
def test_the_nearest_has_no_more_differences_than_any_other(
    new: dict[str, object], others: list[dict[str, object]]
) -> None:
    earlier = {DRef(f"dref:{i:032x}-x"): other for i, other in enumerate(others)}
    found = nearest(new, earlier, dict.fromkeys(earlier, ""), config_changes)
    assert (found is None) == (not others)
    if found is not None:
        least = len(config_changes(earlier[found], new))
        assert all(least <= len(config_changes(other, new)) for other in others)


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=10), st.sets(st.integers(0, 9)))
def test_causes_are_what_can_be_reached_and_began_by_itself(
    below: list[set[int]], own: set[int]
) -> None:
    nodes = [DRef(f"dref:{i:032x}-x") for i in range(len(below))]
    graph: dict[DRef, list[DRef]] = {
        nodes[i]: [nodes[j] for j in sorted(js) if j < i] for i, js in enumerate(below)
    }
    began = {nodes[i] for i in own if i < len(nodes)}

    def explain(
        new: DRef, old: DRef | None
    ) -> tuple[tuple[Cause, ...], list[tuple[DRef, DRef | None]]]:
        causes = (Cause(new, old, ()),) if new in began else ()
        return causes, [(dref, dref) for dref in graph[new]]

    found = [cause.dref for cause in trace(nodes[-1], nodes[-1], explain)]
    below_it = reachable([nodes[-1]], graph)
    assert sorted(found) == sorted(began & below_it)


@given(graphs(), st.integers(0, 7), st.integers(0, 7))
def test_a_shortest_path_is_one_and_none_is_shorter(
    graph: dict[int, list[int]], a: int, b: int
) -> None:
    path = shortest([a], lambda node: graph.get(node, []), lambda node: node == b)
    assert bool(path) == (b in reachable([a], graph))
    if path:
        assert (path[0], path[-1]) == (a, b)
        assert all(two in graph[one] for one, two in pairwise(path))
        near = {a}
        for _ in path[1:]:
            assert b not in near or len(path) == 1
            near |= {node for one in near for node in graph.get(one, [])}
        assert b in near
