"""What differs, by example; the laws are in tests/laws."""

from __future__ import annotations

import pickle

import pytest

from pylightnix.core.explain import (
    ABSENT,
    Cause,
    Change,
    Why,
    change_line,
    config_changes,
    context_changes,
    follows,
    merged,
    nearest,
)
from strategies import node, results

A, B = node(1), node(2)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"lr": 0.1}, {"lr": 0.2}, [("config.lr", 0.1, 0.2)]),
        ({"layers": [1, 2, 3]}, {"layers": [1, 2, 4]}, [("config.layers[2]", 3, 4)]),
        ({"layers": [1]}, {"layers": [1, 2]}, [("config.layers[1]", ABSENT, 2)]),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}, [("config.a.b[0].c", 1, 2)]),
        ({"a": None}, {}, [("config.a", None, ABSENT)]),
        ({"a.b": 1, "": 2}, {}, [('config[""]', 2, ABSENT), ('config["a.b"]', 1, ABSENT)]),
        ({"x": 1}, {"x": 1.0}, [("config.x", 1, 1.0)]),
        ({"x": 1}, {"x": True}, [("config.x", 1, True)]),
        ({"x": [1]}, {"x": {"0": 1}}, [("config.x", [1], {"0": 1})]),
        ({"x": 0.0}, {"x": -0.0}, [("config.x", 0.0, -0.0)]),
    ],
)
def test_changes_name_the_place(
    old: object, new: object, changes: list[tuple[str, object, object]]
) -> None:
    assert list(config_changes(old, new)) == changes


def test_a_dependency_of_the_same_name_follows_and_any_other_does_not() -> None:
    was, now = f"dref:{'1' * 32}-data", f"dref:{'2' * 32}-data"
    assert follows(Change("config.x", was, now)) == (now, was)
    assert follows(Change("config.x", was, f"dref:{'2' * 32}-other")) is None
    assert follows(Change("config.x", was, ABSENT)) is None
    assert follows(Change("config.x", "data", now)) is None


def test_of_several_as_near_the_latest_built_is_taken() -> None:
    earlier = {A: {"x": 1}, B: {"x": 2}}
    assert nearest({"x": 3}, earlier, {A: "2024", B: "2023"}, config_changes) == A
    assert nearest({"x": 3}, earlier, {A: "2022", B: "2023"}, config_changes) == B
    assert nearest({"x": 2}, earlier, {A: "2024", B: "2023"}, config_changes) == B
    assert nearest({"x": 2}, {}, {}, config_changes) is None


def test_a_context_changes_dependency_by_dependency() -> None:
    old = {A: results(A, (1,)), B: results(B, (1,))}
    new = {A: results(A, (1,)), B: results(B, (1, 2))}
    assert context_changes(old, new) == ((f"context[{B}]", old[B], new[B]),)
    assert context_changes(new, new) == ()


def test_causes_of_several_are_named_once() -> None:
    one, two = Cause(A, None, ()), Cause(B, A, (Change("config.x", 1, 1.0),))
    other = Cause(B, A, (Change("config.x", 1, 1),))
    assert merged([[one, two], [two, other]]) == (one, two, other)


def test_what_is_absent_stays_the_one_absent_thing() -> None:
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT
    assert repr(ABSENT) == "ABSENT"


def test_the_machine_form_leaves_out_what_is_absent() -> None:
    changes = (Change("config.a", ABSENT, None), Change("config.b", 1, ABSENT))
    why = Why(B, "so", A, changes, (Cause(A, None, ()),))
    assert why.json() == {
        "against": A,
        "causes": [{"against": None, "changes": [], "dref": A}],
        "changes": [{"path": "config.a", "new": None}, {"path": "config.b", "old": 1}],
        "parts": [],
        "reason": "so",
        "ref": B,
    }


def test_as_text_it_tells_everything_once() -> None:
    change = Change("config.lr", 0.1, 0.2)
    assert str(Why(B, "so", A, (change,), (Cause(B, A, (change,)),))).splitlines() == [
        f"{B}: so",
        f"compared with {A}",
        "  config.lr: 0.1 -> 0.2",
    ]
    assert str(Why(B, "so", None, (), (Cause(A, B, (change,)), Cause(B, None, ())))).splitlines()[
        1:
    ] == [f"because of {A}, against {B}", "  config.lr: 0.1 -> 0.2"]


def test_a_long_value_is_cut() -> None:
    assert len(change_line(Change("config.x", "a" * 10_000, 1))) < 300
