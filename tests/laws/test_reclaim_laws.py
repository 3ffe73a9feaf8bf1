"""Laws of collecting: what lives stays whole, what is dead goes, and a policy only spares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import composite

from pylightnix.core import reclaim
from pylightnix.core.graph import reachable
from pylightnix.core.reclaim import Policy, Ref, Stock, Victim
from pylightnix.core.refs import RRef, isrref, rref2dref
from pylightnix.core.value import changed
from strategies import dags, node, results

NOW_S = 1_000_000.0
RUTHLESS = Policy(grace_s=0.0)


@dataclass(frozen=True)
class Item:
    """One object, for who reads this; the collector wants columns."""

    size_bytes: int
    arrived_s: float
    stop: str = ""
    needs: tuple[Ref, ...] = ()
    whole: bool = True
    score: float | None = None


Items: TypeAlias = Mapping[Ref, Item]


def dead(items: Items, roots: Collection[Ref], policy: Policy, now_s: float) -> tuple[Victim, ...]:
    stock = Stock(
        {ref: found.needs for ref, found in items.items()},
        {ref: found.size_bytes for ref, found in items.items()},
        {ref: found.arrived_s for ref, found in items.items()},
        {ref: found.stop for ref, found in items.items() if found.stop},
        {ref for ref, found in items.items() if not found.whole},
        {ref: found.score for ref, found in items.items() if found.score is not None},
    )
    return reclaim.dead(stock, roots, policy, now_s)


@composite
def stores(draw: st.DrawFn) -> dict[Ref, Item]:
    """Listings of stores, in which something may be missing that something else needs."""
    items: dict[Ref, Item] = {}
    for dref, deps in draw(dags()).items():
        items[dref] = item(draw, (*deps,))
        for rref in results(dref, tuple(range(draw(st.integers(0, 3))))):
            inputs = [
                draw(st.sampled_from(sorted(found)))
                for dep in deps
                if (found := [ref for ref in items if isrref(ref) and rref2dref(ref) == dep])
            ]
            items[rref] = item(draw, (dref, *inputs))
    for ref in draw(st.lists(st.sampled_from(sorted(items)), max_size=2)):
        items.pop(ref, None)
    return items


def item(draw: st.DrawFn, needs: tuple[Ref, ...]) -> Item:
    return Item(
        size_bytes=draw(st.integers(0, 9)),
        arrived_s=NOW_S - draw(st.integers(-1, 9)),
        stop=draw(st.sampled_from(["", "2001", "2002", "2003"])),
        needs=needs,
        whole=draw(st.sampled_from([True, True, True, False])),
        score=draw(st.sampled_from([None, 0.0, 1.0, 2.0])),
    )


def policies() -> st.SearchStrategy[Policy]:
    few = st.none() | st.integers(0, 3)
    return st.builds(
        Policy,
        grace_s=st.integers(0, 5).map(float),
        older_than_s=st.none() | st.integers(0, 9).map(float),
        keep_last=few,
        keep_best=few,
        max_bytes=st.none() | st.integers(0, 60),
    )


@composite
def collections(draw: st.DrawFn) -> tuple[Items, set[Ref], Policy]:
    items = draw(stores())
    known = st.sampled_from([*sorted(items), node(999)])
    return items, draw(st.sets(known, max_size=3)), draw(policies())


Case: TypeAlias = tuple[Items, set[Ref], Policy]


def refs_of(victims: Collection[Victim]) -> list[Ref]:
    return [victim.ref for victim in victims]


def rooted(items: Items, roots: set[Ref]) -> frozenset[Ref]:
    """What the roots keep: a derivation keeps its realizations, and everything what it needs."""
    kept = {ref for ref in items if ref in roots or (isrref(ref) and rref2dref(ref) in roots)}
    needs = {ref: found.needs for ref, found in items.items()}
    return reachable(kept, needs) & frozenset(items)


@given(collections())
def test_whatever_stays_has_kept_what_it_needs(case: Case) -> None:
    items, roots, policy = case
    stays = set(items) - set(refs_of(dead(items, roots, policy, NOW_S)))
    for ref in stays:
        assert not {need for need in items[ref].needs if need in items} - stays


@given(collections())
def test_at_no_moment_of_the_collection_does_something_need_what_is_gone(case: Case) -> None:
    items, roots, policy = case
    order = refs_of(dead(items, roots, policy, NOW_S))
    assert len(set(order)) == len(order)
    for number, ref in enumerate(order):
        assert not set(items[ref].needs) & set(order[:number])


@given(collections())
def test_what_a_root_reaches_never_goes(case: Case) -> None:
    items, roots, policy = case
    assert not rooted(items, roots) & set(refs_of(dead(items, roots, policy, NOW_S)))


@given(stores(), st.data())
def test_without_mercy_all_goes_that_no_root_reaches(items: Items, data: st.DataObject) -> None:
    roots = data.draw(st.sets(st.sampled_from(sorted(items)), max_size=3)) if items else set()
    gone = refs_of(dead(items, roots, RUTHLESS, NOW_S + 10))
    assert set(gone) == set(items) - rooted(items, roots)


@given(collections())
def test_a_policy_only_spares(case: Case) -> None:
    items, roots, policy = case
    gone = set(refs_of(dead(items, roots, policy, NOW_S + 10)))
    assert gone <= set(refs_of(dead(items, roots, RUTHLESS, NOW_S + 10)))
    assert gone <= set(refs_of(dead(items, roots, changed(policy, max_bytes=None), NOW_S + 10)))


@given(collections(), st.data())
def test_one_root_more_lets_nothing_more_go(case: Case, data: st.DataObject) -> None:
    items, roots, policy = case
    more = {*roots, *data.draw(st.sets(st.sampled_from([*sorted(items), node(998)]), max_size=1))}
    policy = changed(policy, max_bytes=None)
    assert set(refs_of(dead(items, more, policy, NOW_S))) <= set(
        refs_of(dead(items, roots, policy, NOW_S))
    )


@given(collections())
def test_what_just_came_is_spared(case: Case) -> None:
    items, roots, policy = case
    young_s = max(policy.grace_s, policy.older_than_s or 0.0)
    for ref in refs_of(dead(items, roots, policy, NOW_S)):
        assert NOW_S - items[ref].arrived_s >= young_s


@given(collections())
def test_of_every_derivation_the_last_and_the_best_are_spared(case: Case) -> None:
    items, roots, policy = case
    gone = set(refs_of(dead(items, roots, policy, NOW_S)))
    for dref in {rref2dref(ref) for ref in items if isrref(ref)}:
        whole = sorted(
            ref for ref in items if isrref(ref) and rref2dref(ref) == dref and items[ref].whole
        )
        last = sorted(whole, key=lambda ref: items[ref].stop, reverse=True)
        assert not gone & set(last[: policy.keep_last or 0])
        scores = [(score, ref) for ref in whole if (score := items[ref].score) is not None]
        best = [ref for _, ref in sorted(scores, key=lambda pair: pair[0], reverse=True)]
        assert not gone & set(best[: policy.keep_best or 0])


@given(collections(), st.integers(0, 60))
def test_no_more_goes_than_makes_the_rest_fit(case: Case, max_bytes: int) -> None:
    items, roots, policy = case
    unbounded = dead(items, roots, changed(policy, max_bytes=None), NOW_S)
    gone = dead(items, roots, changed(policy, max_bytes=max_bytes), NOW_S)
    assert refs_of(gone) == refs_of(unbounded)[: len(gone)]
    rest = sum(found.size_bytes for found in items.values())
    for victim in gone:
        assert rest > max_bytes
        rest -= victim.size_bytes
    assert rest <= max_bytes or len(gone) == len(unbounded)


@given(collections())
def test_every_victim_tells_its_size_and_why(case: Case) -> None:
    items, roots, policy = case
    for victim in dead(items, roots, policy, NOW_S):
        assert victim.bytes == victim.size_bytes == items[victim.ref].size_bytes
        assert victim.reason


# --- the words, by example

D, R = node(1), results(node(1), (1,))[0]
ALONE: Items = {R: Item(5, 0.0, needs=(D,)), D: Item(1, 0.0)}


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(), ["no root, link or process needs it"]),
        (Policy(older_than_s=60), ["more than 60 s ago"]),
        (Policy(keep_last=0), ["not among the last 0"]),
        (Policy(keep_best=1), ["not among the best 1"]),
        (Policy(max_bytes=2), ["over 2 bytes"]),
        (Policy(older_than_s=60, keep_last=0, max_bytes=2), ["60 s", "last 0", "over 2 bytes"]),
    ],
    ids=str,
)
def test_the_reason_names_every_rule_that_did_not_spare_it(
    policy: Policy, words: list[str]
) -> None:
    first = dead(ALONE, (), policy, NOW_S)[0]
    assert first.ref == R
    assert all(word in first.reason for word in words)


def test_remains_go_as_remains() -> None:
    items: Items = {R: Item(5, 0.0, whole=False), D: Item(1, 0.0)}
    reasons = {victim.ref: victim.reason for victim in dead(items, (), Policy(keep_last=9), NOW_S)}
    assert "remains of an interrupted copy" in reasons[R]
    assert isinstance(R, RRef)
