"""A person says a name or the beginning of a hash, and never gets something else than was meant."""

from __future__ import annotations

import pytest

from pylightnix import Ambiguous, DRef, InvalidRef, NotInStore, RRef, Store
from pylightnix.store.lookup import resolve
from pylightnix.store.objects import put_derivation
from pylightnix.store.query import drefs
from stages_for_tests import derivation, put


@pytest.fixture
def rref(store: Store) -> RRef:
    return put(store, {"a": "x"}, "hello")


def test_whole_references_are_taken_as_they_are(store: Store) -> None:
    dref, rref = f"dref:{'0' * 32}-x", f"rref:{'0' * 32}-{'1' * 32}-x"
    assert type(resolve(store, dref)) is DRef
    assert type(resolve(store, rref)) is RRef


def test_a_name_means_the_derivation(store: Store, rref: RRef) -> None:
    assert resolve(store, "hello") == f"dref:{rref[38:]}"


def test_several_of_one_name_are_listed(store: Store, rref: RRef) -> None:
    other = derivation("hello", other=True)
    put_derivation(store, *other)
    with pytest.raises(Ambiguous, match="may mean any of these") as caught:
        resolve(store, "hello")
    assert caught.value.candidates == tuple(drefs(store))


@pytest.mark.parametrize("form", ["{0}", "dref:{0}", "{0}-hello", "{0}-hel"])
def test_the_beginning_of_a_derivations_hash_means_it(form: str, store: Store, rref: RRef) -> None:
    hash_ = rref[38:70]
    assert resolve(store, form.format(hash_)) == f"dref:{rref[38:]}"
    if form in ("{0}", "dref:{0}"):
        assert resolve(store, form.format(hash_[:12])) == f"dref:{rref[38:]}"


@pytest.mark.parametrize("length", [12, 32, 40, 65])
@pytest.mark.parametrize("kind", ["", "rref:"])
def test_the_beginning_of_a_realizations_hash_means_it(
    kind: str, length: int, store: Store, rref: RRef
) -> None:
    assert resolve(store, kind + rref[5 : 5 + length]) == rref


def test_a_kind_that_is_said_is_not_another(store: Store, rref: RRef) -> None:
    with pytest.raises(NotInStore):
        resolve(store, "dref:" + rref[5:20])
    with pytest.raises(NotInStore):
        resolve(store, "rref:" + rref[38:60])
    with pytest.raises(NotInStore):
        resolve(store, "blob:" + rref[38:60])


def test_a_prefix_that_fits_several_is_an_error_that_lists_them(store: Store) -> None:
    made = [put(store, {"a": str(i)}, f"n{i}") for i in range(40)]
    firsts = [rref[5] for rref in made] + [rref[38] for rref in made]
    common = max(set(firsts), key=firsts.count)
    with pytest.raises(Ambiguous) as caught:
        resolve(store, common)
    assert len(caught.value.candidates) >= 2
    assert all(common in (ref[5], ref[5:6]) for ref in caught.value.candidates)


def test_a_whole_name_wins_over_a_prefix(store: Store) -> None:
    rref = put(store, {"a": "x"}, "hello")
    short = rref[38:41]
    put(store, {"a": "y"}, short)
    assert resolve(store, short) == f"dref:{derivation(short)[0][5:]}"


@pytest.mark.parametrize("text", ["nothing", "0" * 31 + "z", "HELLO", "dref:", "rref:", "xyz:"])
def test_what_fits_nothing_is_not_in_the_store(text: str, store: Store, rref: RRef) -> None:
    with pytest.raises(NotInStore, match="no derivation or realization"):
        resolve(store, text)


@pytest.mark.parametrize("text", ["", " hello", "hello\n", "../hello", "a/b", "a\0b", "/"])
def test_what_can_be_in_no_store_is_refused_before_one_is_looked_at(text: str) -> None:
    nowhere = Store("/nowhere/store-v1", "/nowhere/var")
    with pytest.raises(InvalidRef, match="no object can be called so"):
        resolve(nowhere, text)
