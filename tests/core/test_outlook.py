"""A plan that is shown: its parts, its sum, and its forms."""

from __future__ import annotations

import json

from pylightnix.core.outlook import Plan, PlanItem, Verdict, lasting, summary
from pylightnix.core.refs import DRef
from strategies import node, results

A, B, C, D = (node(number) for number in range(4))


def item(dref: DRef, verdict: Verdict, seconds: float | None = None) -> PlanItem:
    rrefs = results(dref, (0,)) if verdict == "hit" else ()
    return PlanItem(dref, verdict, rrefs, f"because of {verdict}", seconds)


PLAN = Plan(
    (item(A, "hit", 0.0), item(B, "build", 70.0), item(C, "unknown"), item(D, "fetch", 5.0)),
    {A: (), B: (A,), C: (A, B), D: (C,)},
    (D,),
)


def test_the_items_of_each_verdict() -> None:
    parts = (PLAN.hits, PLAN.builds, PLAN.unknown, PLAN.fetches)
    assert [[one.dref for one in part] for part in parts] == [[A], [B], [C], [D]]


def test_known_estimates_are_added_up() -> None:
    assert PLAN.seconds == 75.0
    assert Plan((item(A, "hit", 0.0),), {A: ()}, (A,)).seconds == 0.0
    assert Plan((item(A, "hit", 0.0), item(B, "build")), {A: (), B: (A,)}, (B,)).seconds is None
    assert Plan((), {}, ()).seconds == 0.0


def test_the_tree_ends_at_hits_and_names_reasons() -> None:
    assert str(PLAN).splitlines() == [
        f"fetch   n3 {D[5:13]}, about 5.00 s: because of fetch",
        f"  unknown n2 {C[5:13]}: because of unknown",
        f"    hit     n0 {A[5:13]}",
        f"    build   n1 {B[5:13]}, about 1 min 10 s: because of build",
        f"      hit     n0 {A[5:13]}",
        "1 to build, 1 to fetch, 1 unknown, 1 there; about 1 min 15 s and 1 that took nobody knows "
        "how long",
    ]


def test_of_what_is_there_the_summary_has_no_time() -> None:
    assert summary(Plan((item(A, "hit", 0.0),), {A: ()}, (A,))) == "0 to build, 1 there"


def test_the_machine_form_is_json() -> None:
    value = json.loads(json.dumps(PLAN.json()))
    assert set(value) == {"items", "needs", "seconds", "targets"}
    assert value["items"][0] == {
        "dref": A,
        "reason": "because of hit",
        "rrefs": list(results(A, (0,))),
        "seconds": 0.0,
        "verdict": "hit",
    }
    assert value["needs"][D] == [C]


def test_graphs_have_every_node_and_every_arrow() -> None:
    dot, mermaid = PLAN.dot().splitlines(), PLAN.mermaid().splitlines()
    assert sum("label=" in line for line in dot) == sum("]:::" in line for line in mermaid) == 4
    assert [line for line in dot if "->" in line] == [
        "  n1 -> n0;",
        "  n2 -> n0;",
        "  n2 -> n1;",
        "  n3 -> n2;",
    ]
    assert [line.replace("-->", "->") + ";" for line in mermaid if "-->" in line] == [
        line for line in dot if "->" in line
    ]
    assert (dot[0], dot[-1], mermaid[0]) == ("digraph {", "}", "flowchart TD")


def test_a_long_chain_is_drawn_in_little_room() -> None:
    chain = [node(number) for number in range(5_000)]
    needs = {dref: tuple(chain[i - 1 : i]) for i, dref in enumerate(chain)}
    plan = Plan(tuple(item(dref, "build") for dref in chain), needs, (chain[-1],))
    assert len(str(plan)) < 1_000_000


def test_durations_are_told_as_people_do() -> None:
    assert [lasting(s) for s in (0.0, 0.5, 59.6, 61.0, 3_600.0)] == [
        "0 s",
        "0.50 s",
        "1 min 0 s",
        "1 min 1 s",
        "1 h 0 min",
    ]
