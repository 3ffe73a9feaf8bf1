"""Graphs by example; the laws are in tests/laws."""

from __future__ import annotations

import pickle

import pytest

from pylightnix.core.graph import CyclicDependency, reachable, topological, users


def test_users_turn_the_arrows_round() -> None:
    assert users({"a": ["b", "c"], "b": ["c"]}) == {"a": [], "b": ["a"], "c": ["a", "b"]}


def test_what_nobody_needs_is_not_reached() -> None:
    assert reachable(["a"], {"a": ["b"], "b": ["a", "c"], "d": ["a"]}) == {"a", "b", "c"}
    assert reachable([], {"a": ["b"]}) == frozenset()
    assert reachable(["x"], {}) == {"x"}


def test_dependencies_come_first_though_only_mentioned() -> None:
    assert topological({"a": ["b", "c"], "b": ["c"]}) == ("c", "b", "a")
    assert topological({"a": ["b", "b"]}) == ("b", "a")
    assert topological({}) == ()


def test_a_long_chain_does_not_need_a_deep_stack() -> None:
    chain = {number: [number + 1] for number in range(20_000)}
    assert topological(chain) == tuple(range(20_000, -1, -1))
    assert len(reachable([0], chain)) == 20_001


def test_a_cycle_is_named_and_nothing_beside_it() -> None:
    with pytest.raises(CyclicDependency) as caught:
        topological({"user": ["a"], "a": ["leaf", "b"], "b": ["c"], "c": ["a"]})
    assert caught.value.cycle == ("a", "b", "c", "a")
    assert "a -> b -> c -> a" in str(caught.value)
    assert "delete them and instantiate again" in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).cycle == caught.value.cycle


def test_what_needs_itself_is_a_cycle() -> None:
    with pytest.raises(CyclicDependency) as caught:
        topological({1: [1]})
    assert caught.value.cycle == ("1", "1")
