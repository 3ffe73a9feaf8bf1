"""`plan`, `why` and `why_depends` as users call them."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    Ambiguous,
    InvalidRef,
    InvalidValue,
    NotInStore,
    Plan,
    PlanItem,
    Store,
    Substituter,
    UnknownTarget,
    Why,
    instantiate,
    mkdref,
    plan,
    realize,
    why,
    why_depends,
)
from pylightnix.api.stage import sketch
from stages_for_tests import below, chain, constant, foreign


def two() -> Any:
    return constant("top", constant("data"))


@pytest.mark.usefixtures("current")
def test_a_plan_is_made_of_frozen_values() -> None:
    found = plan(instantiate(two))
    assert isinstance(found, Plan)
    assert all(isinstance(item, PlanItem) for item in found.items)
    with pytest.raises(FrozenInstanceError):
        found.items = ()  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(found)) == found
    answer = why(instantiate(two))
    assert isinstance(answer, Why)
    assert pickle.loads(pickle.dumps(answer)) == answer


@pytest.mark.usefixtures("current")
@pytest.mark.parametrize("wrong", [None, two, "dref:x", mkdref("0" * 32, "x")])
def test_a_plan_is_made_of_closures_only(wrong: Any) -> None:
    with pytest.raises(InvalidValue, match="plan takes what `instantiate` returned"):
        plan(wrong)


@pytest.mark.usefixtures("current")
def test_what_is_forced_must_be_of_the_closure() -> None:
    closure = instantiate(two)
    with pytest.raises(UnknownTarget, match="force_rebuild"):
        plan(closure, [mkdref("0" * 32, "x")])
    with pytest.raises(InvalidRef):
        plan(closure, ["nonsense"])  # type: ignore[list-item]
    assert len(plan(closure, closure.targets).builds) == 2


def test_a_substituter_is_whatever_has_its_two_functions() -> None:
    class Nothing:
        def has(self, dref: object) -> tuple[()]:
            return ()

        def fetch(self, rref: object, into: Path) -> None: ...

    substituter: Substituter = Nothing()
    assert substituter.has(mkdref("0" * 32, "x")) == ()


def test_a_closure_brings_its_store(store: Store, tmp_path: Path) -> None:
    closure = instantiate(two, store=store)
    realize(closure)
    assert len(plan(closure).hits) == 2
    assert "would not be built" in why(closure).reason
    other = Store.open(tmp_path / "other", create=True, durability="none")
    assert "first derivation" in why(closure, other).reason
    foreign(store, other)
    assert "would not be built" in why(closure, other).reason


@pytest.mark.usefixtures("current")
def test_a_name_of_several_is_ambiguous() -> None:
    for i in range(2):
        instantiate(partial(constant, "thing", i=i))
    with pytest.raises(Ambiguous):
        why("thing")
    with pytest.raises(Ambiguous):
        why_depends("thing", "thing")
    with pytest.raises(NotInStore):
        why("nothing")


def test_a_store_may_be_named(store: Store) -> None:
    closure = instantiate(two, store=store)
    assert why("top", store).ref == closure.targets[0]
    assert len(why_depends("top", "data", store)) == 2


def test_what_is_only_sketched_is_not_written(store: Store) -> None:
    closure = sketch(two, store=store)
    assert below(store.objects) == []
    assert closure.targets == instantiate(two, store=store).targets
    assert [item.verdict for item in plan(closure).items] == ["build", "build"]


def test_a_sketch_can_be_explained(store: Store) -> None:
    realize(instantiate(partial(constant, "thing", lr=1), store=store))
    closure = sketch(partial(constant, "thing", lr=2), store=store)
    assert [tuple(change) for change in why(closure).changes] == [("config.lr", 1, 2)]


def test_a_chain_of_thousands_needs_no_deep_stack(store: Store) -> None:
    closure = sketch(lambda: chain(3_000), store=store)
    assert len(plan(closure).builds) == 3_000
    assert why(closure).against is None
