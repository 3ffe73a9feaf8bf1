"""The in-place functions: one registry for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pylightnix import (
    DRef,
    InstantiateError,
    InvalidRef,
    NestedInstantiate,
    NotADerivation,
    Registry,
    Store,
    instantiate_inplace,
    match_only,
    mkconfig,
    mkdrv,
    realize_inplace,
    store_context,
    store_drefs,
    use_store,
)
from pylightnix.api import inplace
from stages_for_tests import constant, derivation, lines_of, noisy, text_of

pytestmark = pytest.mark.usefixtures("current")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """An empty global registry."""
    registry = Registry()
    monkeypatch.setattr(inplace, "_global", registry)
    yield registry


def test_later_stages_depend_on_earlier_ones(store: Store) -> None:
    base = instantiate_inplace(constant, "base", text="deep")
    top = instantiate_inplace(constant, "top", base)
    assert sorted(store_drefs()) == sorted([base, top])
    rref = realize_inplace(top)
    assert set(store_context(rref)) == {base}
    assert text_of(store, realize_inplace(base)) == "deep"


def test_only_what_is_asked_for_is_built(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    a = instantiate_inplace(noisy, "a", journal=journal)
    instantiate_inplace(noisy, "b", journal=journal)
    first = realize_inplace(a)
    assert realize_inplace(a) == first
    assert realize_inplace(a, force_rebuild=True) != first
    assert realize_inplace(a, force_rebuild=[a]) != first
    assert lines_of(journal) == ["a"] * 3


def test_the_derivation_makes_itself_in_place() -> None:
    dref = instantiate_inplace(mkdrv, mkconfig({"name": "a"}), match_only(), lambda *args: [])
    assert dref[38:] == "a"


@pytest.mark.parametrize("returned", [None, "dref:x", []])
def test_a_stage_must_return_one_derivation(returned: object) -> None:
    with pytest.raises(NotADerivation):
        instantiate_inplace(lambda: returned)


def test_what_was_not_made_in_place_cannot_be_realized_in_place() -> None:
    with pytest.raises(InstantiateError, match="is not in this registry"):
        realize_inplace(derivation()[0])
    with pytest.raises(InvalidRef):
        realize_inplace("garbage")  # type: ignore[arg-type]


def test_stages_in_place_are_not_nested() -> None:
    with pytest.raises(NestedInstantiate):
        instantiate_inplace(lambda: instantiate_inplace(constant, "a"))


def test_the_store_may_change_in_between(store: Store, tmp_path: Path) -> None:
    base = instantiate_inplace(constant, "base")
    other = Store.open(tmp_path / "other", create=True, durability="none")
    with use_store(other):
        top = instantiate_inplace(constant, "top", base)
        rref = realize_inplace(top)
        assert sorted(store_drefs()) == sorted([base, top])
    assert store_drefs() == [base]
    assert DRef(f"dref:{rref[38:]}") == top
