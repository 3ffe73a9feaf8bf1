"""What a matcher is offered: with the index and without it, the same."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import DRef, RRef, Store
from pylightnix.core.manifest import context_key
from pylightnix.store import reading, shelf
from pylightnix.store.index import Index
from pylightnix.store.layout import rref_path
from pylightnix.store.offers import in_context
from pylightnix.store.query import dref_of, rrefs
from pylightnix.store.removal import delete
from stages_for_tests import put
from strategies import node, results

Context = dict[DRef, tuple[RRef, ...]]


def contexts() -> st.SearchStrategy[Context]:
    chosen = st.sampled_from([(), (1,), (2,), (1, 2), (1, 1)])
    some = st.dictionaries(st.integers(0, 2), chosen, max_size=3)
    return some.map(lambda found: {node(i): results(node(i), few) for i, few in found.items()})


@given(contexts(), contexts())
def test_two_contexts_have_one_key_only_if_they_are_one(one: Context, other: Context) -> None:
    alike = {dref: sorted(chosen) for dref, chosen in one.items()} == {
        dref: sorted(chosen) for dref, chosen in other.items()
    }
    assert (context_key(one) == context_key(other)) == alike
    assert context_key(one).split() == [context_key(one)]  # it is a word in a row of the index


@pytest.fixture
def pair(store: Store, monkeypatch: pytest.MonkeyPatch) -> tuple[RRef, RRef, RRef]:
    """A realization, and two of what depends on it: in its context and in that of nothing."""
    monkeypatch.setattr(shelf, "RACY_NS", -(10**12))  # nothing is too young to be remembered
    base = put(store, {"a": "x"}, "base")
    top = put(store, {"b": "y"}, "top", context={dref_of(base): [base]})
    lone = put(store, {"b": "y"}, "top", context={dref_of(base): []})
    asked = indexed(store)
    rrefs(asked, dref_of(top))
    assert asked.index is not None
    asked.index.flush()
    return base, top, lone


def indexed(store: Store) -> Store:
    return Store(store.objects, store.var, "none", index=Index(f"{store.var}/index.sqlite"))


def test_only_what_has_the_context_is_offered(store: Store, pair: tuple[RRef, RRef, RRef]) -> None:
    base, top, lone = pair
    dref, dep = dref_of(top), dref_of(base)
    asked = indexed(store)
    for way in (store, asked, asked):
        assert in_context(way, dref, {dep: (base,)}) == [top]
        assert in_context(way, dref, {dep: ()}) == [lone]
        assert in_context(way, dref, {}) == []
        assert in_context(way, node(7), {}) is None


def test_what_a_caller_does_with_an_answer_changes_no_later_one(
    store: Store, pair: tuple[RRef, RRef, RRef]
) -> None:
    base, top, lone = pair
    asked, context = indexed(store), {dref_of(base): [base]}
    for _ in range(2):
        found = in_context(asked, dref_of(top), context)
        assert found == [top]
        found.clear()
    context[dref_of(base)].clear()
    assert in_context(asked, dref_of(top), context) == [lone]


def test_what_was_offered_a_moment_ago_and_is_gone_is_not_offered(
    store: Store, pair: tuple[RRef, RRef, RRef]
) -> None:
    base, top, _ = pair
    asked, context = indexed(store), {dref_of(base): [base]}
    assert in_context(asked, dref_of(top), context) == [top]
    time.sleep(0.02)  # the clock of file times ticks
    delete(store, top)
    assert not os.path.exists(rref_path(store, top))
    assert in_context(asked, dref_of(top), context) == []


def test_what_may_not_outlive_a_power_cut_is_looked_at_again_by_who_needs_that(
    store: Store, pair: tuple[RRef, RRef, RRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, top, _ = pair
    asked, context = indexed(store), {dref_of(base): [base]}
    assert in_context(asked, dref_of(top), context) == [top]
    read: list[DRef] = []
    real = reading.read_shelf

    def noting(store: Store, dref: DRef, *rest: Any) -> Any:
        read.append(dref)
        return real(store, dref, *rest)

    monkeypatch.setattr(shelf, "read_shelf", noting)
    in_context(asked, dref_of(top), context)
    assert not read
    careful = Store(asked.objects, asked.var, "batch", index=asked.index)
    assert in_context(careful, dref_of(top), context) == [top]
    assert read
