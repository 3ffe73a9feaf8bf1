"""The plan by example, from an empty store to a full one; the laws are in tests/laws."""

from __future__ import annotations

import pytest

from pylightnix.core.plan import (
    Chosen,
    Plan,
    advance,
    blocked,
    failed,
    finished,
    given_back,
    mkplan,
    ready,
    settled,
    started,
)
from pylightnix.core.refs import DRef
from strategies import Dag, node, results

A, B, C, D = (node(number) for number in range(4))
DIAMOND: Dag = {A: (), B: (A,), C: (A,), D: (B, C)}


def built(dref: DRef) -> Chosen:
    return results(dref, (0,))


def nothing(dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
    return None


def everything(dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
    return built(dref)


def build(plan: Plan, dref: DRef) -> Plan:
    return settled(started(plan, dref), dref, built(dref))


def test_of_an_empty_store_everything_is_built_from_below() -> None:
    plan = advance(mkplan(DIAMOND), nothing)
    assert ready(plan) == (A,)
    plan = advance(build(plan, A), nothing)
    assert ready(plan) == (B, C)
    plan = advance(build(plan, C), nothing)
    assert ready(plan) == (B,)
    plan = advance(build(plan, B), nothing)
    assert ready(plan) == (D,)
    assert not finished(plan)
    plan = build(plan, D)
    assert finished(plan)
    assert dict(plan.done) == {dref: built(dref) for dref in DIAMOND}


def test_of_a_full_store_nothing_is_built() -> None:
    plan = advance(mkplan(DIAMOND), everything)
    assert finished(plan)
    assert ready(plan) == ()


def test_nothing_to_do_is_done() -> None:
    assert finished(advance(mkplan({}), nothing))


def test_what_is_being_built_is_neither_ready_nor_done() -> None:
    plan = started(advance(mkplan(DIAMOND), nothing), A)
    assert set(plan.running) == {A}
    assert ready(plan) == ()
    assert not finished(plan)
    assert advance(plan, everything) is plan


def test_a_dependency_may_be_chosen_in_the_plural_or_not_at_all() -> None:
    seen: dict[DRef, dict[DRef, Chosen]] = {}

    def choose(dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
        seen[dref] = context
        return {A: results(A, (2, 1)), B: ()}.get(dref, built(dref))

    assert finished(advance(mkplan(DIAMOND), choose))
    assert seen == {
        A: {},
        B: {A: results(A, (2, 1))},
        C: {A: results(A, (2, 1))},
        D: {B: (), C: built(C)},
    }


def test_ready_ones_come_in_the_order_of_the_closure() -> None:
    fan: Dag = {node(number): () for number in (5, 3, 9, 1)}
    assert ready(advance(mkplan(fan), nothing)) == tuple(fan)


def test_a_step_out_of_turn_is_our_bug() -> None:
    plan = advance(mkplan(DIAMOND), nothing)
    with pytest.raises(KeyError):
        started(plan, B)
    with pytest.raises(KeyError):
        settled(plan, A, ())


def test_a_chain_of_thousands_needs_no_deep_stack() -> None:
    chain: Dag = {node(0): ()}
    chain |= {node(number): (node(number - 1),) for number in range(1, 5_000)}
    assert finished(advance(mkplan(chain), everything))


def test_what_needs_a_failure_waits_for_ever() -> None:
    plan = build(advance(mkplan(DIAMOND), nothing), A)
    plan = advance(plan, nothing)
    plan = failed(started(plan, B), B)
    assert (set(plan.failed), ready(plan), set(blocked(plan))) == ({B}, (C,), {D})
    plan = advance(build(plan, C), nothing)
    assert (plan.fresh, ready(plan), plan.running) == ((), (), set())
    assert not finished(plan)


def test_what_is_given_back_can_be_started_again() -> None:
    plan = started(advance(mkplan(DIAMOND), nothing), A)
    again = given_back(plan, A)
    assert (ready(again), again.running) == ((A,), set())
    assert started(again, A) == plan


def test_hundreds_at_once_are_handed_out_and_settled_as_few_are() -> None:
    fan: Dag = {node(number): () for number in range(600)}
    plan = advance(mkplan(fan), nothing)
    for dref in fan:
        plan = started(plan, dref)
    assert len(plan.running) == 600
    assert not plan.missing
    for dref in fan:
        plan = settled(plan, dref, built(dref))
    assert finished(plan)


def test_hundreds_that_wait_for_several_are_counted_as_few_are() -> None:
    leaves, users = [node(n) for n in range(100)], [node(100 + n) for n in range(100)]
    dag: Dag = dict.fromkeys(leaves, ())
    dag |= {user: (leaves[n - 1], leaves[n]) for n, user in enumerate(users)}
    dag |= {node(200 + n): (leaf,) for n, leaf in enumerate(leaves)}
    plan = advance(mkplan(dag), nothing)
    done: set[DRef] = set()
    for leaf in leaves[::2] + leaves[1::2]:  # at first all wait for half of what they need
        plan = advance(build(plan, leaf), nothing)
        done.add(leaf)
        assert {user for user in ready(plan) if user in users} == {
            user for user in users if done.issuperset(dag[user])
        }
    assert not plan.left
