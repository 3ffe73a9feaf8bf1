"""Where objects are, how much room they take, and which one a derivation has."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from pylightnix import AmbiguousResult, NotInStore, RRef, Store
from pylightnix.store.layout import drv_path, rref_path
from pylightnix.store.objects import put_derivation
from pylightnix.store.query import dref_of
from pylightnix.store.survey import sizes
from pylightnix.store.usage import only_rref, path_of, tree_bytes
from stages_for_tests import Link, derivation, plant, put


def test_sizes_are_those_of_the_files(store: Store) -> None:
    one = put(store, {"a": "x" * 1000, "d/b": "y" * 50, "l": Link("a")})
    two = put(store, {"a": "z" * 10})
    [(dref, (total, parts))] = sizes(store).items()
    assert dref == dref_of(one)
    assert set(parts) == {one, two}
    for rref in (one, two):
        everything = Path(rref_path(store, rref)).rglob("*")
        files = [path for path in everything if path.is_file() and not path.is_symlink()]
        assert parts[rref] == sum(p.stat().st_size for p in files)
    config = Path(drv_path(store, dref)) / "config.json"
    assert total == sum(parts.values()) + config.stat().st_size


def test_links_are_not_followed_by_measuring(tmp_path: Path) -> None:
    plant(tmp_path / "big", {"a": "x" * 10_000})
    top = plant(tmp_path / "t", {"l": Link("../big"), "f": Link("../big/a"), "own": "12345"})
    assert tree_bytes(str(top)) < 1000


def test_measuring_what_vanishes_counts_nothing(tmp_path: Path) -> None:
    assert tree_bytes(str(tmp_path / "nothing")) == 0


def test_a_derivation_with_one_realization_means_it(store: Store) -> None:
    rref = put(store, {})
    assert only_rref(store, rref) == only_rref(store, dref_of(rref)) == rref


def test_a_derivation_with_none_or_several_is_an_error_that_lists_them(store: Store) -> None:
    dref, config = derivation()
    with pytest.raises(NotInStore, match="no such derivation"):
        only_rref(store, dref)
    put_derivation(store, dref, config)
    with pytest.raises(NotInStore, match="has no realization yet"):
        only_rref(store, dref)
    made = sorted(put(store, {"a": str(i)}) for i in range(3))
    with pytest.raises(AmbiguousResult, match="there are 3") as caught:
        only_rref(store, dref)
    assert caught.value.rrefs == tuple(made)
    assert all(rref in str(caught.value) for rref in made)


def test_paths_are_given_of_what_is_there(store: Store) -> None:
    rref = put(store, {})
    assert path_of(store, rref) == rref_path(store, rref)
    assert path_of(store, dref_of(rref)) == drv_path(store, dref_of(rref))
    with pytest.raises(NotInStore):
        path_of(store, RRef(f"rref:{'0' * 32}-{rref[38:]}"))
    with pytest.raises(NotInStore):
        path_of(store, derivation("other")[0])


def test_its_errors_survive_a_trip_between_processes() -> None:
    errors = [AmbiguousResult("x", ("a", "b")), AmbiguousResult("x", ())]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
    assert "chose none" in str(AmbiguousResult("dref:x", ()))
