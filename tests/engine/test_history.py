"""Why something was, or would be, built: what differs, and where that began."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from pylightnix import (
    ABSENT,
    Change,
    Closure,
    DRef,
    NotInStore,
    RRef,
    Store,
    Why,
    instantiate,
    match_some,
    mkdref,
    realize,
    realize_many,
    rmref,
    store_rrefs,
    why,
    why_depends,
)
from pylightnix.store.fsys import delete_tree
from pylightnix.store.layout import drv_path
from stages_for_tests import constant, noisy

pytestmark = pytest.mark.usefixtures("current")


def pipeline(*, raw: int = 1, lr: float = 0.1, layers: tuple[int, ...] = (1, 2)) -> DRef:
    """`data` -> `model` -> `report`, with one more dependency that never changes."""
    data = noisy("data", raw=raw)
    model = constant("model", data, constant("fixed"), lr=lr, layers=list(layers))
    return constant("report", model)


def made(**fields: object) -> Closure:
    return instantiate(partial(pipeline, **fields))  # type: ignore[arg-type]


def named(closure: Closure, name: str) -> DRef:
    (dref,) = (drv.dref for drv in closure.derivations if drv.dref[38:] == name)
    return dref


def target(closure: Closure) -> DRef:
    (dref,) = closure.targets
    return dref


def changes(found: Why) -> list[tuple[str, object, object]]:
    return list(map(triple, found.changes))


def triple(change: Change) -> tuple[str, object, object]:
    return change.path, change.old, change.new


def causes(found: Why) -> list[tuple[str, list[tuple[str, object, object]]]]:
    return [(str(c.dref[38:]), list(map(triple, c.changes))) for c in found.causes]


def asked(kind: str, **fields: object) -> Why:
    """Ask about the closure, or about the derivation that is its target."""
    closure = made(**fields)
    return why(closure) if kind == "closure" else why(target(closure))


KINDS = pytest.mark.parametrize("kind", ["closure", "derivation"])


@KINDS
def test_a_derivation_that_is_the_first_of_its_name_is_its_own_cause(kind: str) -> None:
    found = asked(kind)
    assert (found.against, found.changes) == (None, ())
    assert causes(found) == [("report", [])]
    assert "first derivation of its name" in found.reason


@KINDS
def test_what_follows_is_told_from_what_began_it(kind: str) -> None:
    old = made()
    realize(old)
    new = made(lr=0.2, layers=(1, 3, 4))
    found = asked(kind, lr=0.2, layers=(1, 3, 4))
    assert (found.ref, found.against) == (target(new), target(old))
    assert changes(found) == [("config.deps[0]", named(old, "model"), named(new, "model"))]
    own: list[tuple[str, object, object]] = [
        ("config.layers[1]", 2, 3),
        ("config.layers[2]", ABSENT, 4),
        ("config.lr", 0.1, 0.2),
    ]
    assert causes(found) == [("model", own)]
    assert found.causes[0].against == named(old, "model")
    assert "depends on" in found.reason


def test_of_several_that_began_it_all_are_named() -> None:
    realize(made())
    found = why(made(lr=0.2, raw=2))
    assert causes(found) == [
        ("model", [("config.lr", 0.1, 0.2)]),
        ("data", [("config.raw", 1, 2)]),
    ]


def test_a_change_of_its_own_is_a_cause_too() -> None:
    realize(instantiate(lambda: constant("top", noisy("data", raw=1), title="a")))
    found = why(instantiate(lambda: constant("top", noisy("data", raw=2), title="b")))
    assert causes(found) == [
        ("top", [("config.title", "a", "b")]),
        ("data", [("config.raw", 1, 2)]),
    ]
    assert len(found.changes) == 2
    assert found.reason == "its config was changed"


def test_a_dependency_of_another_name_is_a_change_of_its_own() -> None:
    old, new = noisy_pair("old"), noisy_pair("new")
    realize(old)
    found = why(new)
    assert causes(found) == [("top", [("config.deps[0]", named(old, "old"), named(new, "new"))])]


def noisy_pair(name: str) -> Closure:
    return instantiate(lambda: constant("top", noisy(name)))


def thing(**fields: object) -> Closure:
    return instantiate(partial(noisy, "thing", **fields))  # type: ignore[arg-type]


def test_the_nearest_is_taken_and_of_several_the_latest_built() -> None:
    for fields in ({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 3}):
        realize(thing(**fields))
    assert changes(why(thing(a=1, b=4))) == [("config.b", 3, 4)]
    realize(thing(a=1, b=1), force_rebuild=True)
    assert changes(why(thing(a=1, b=4))) == [("config.b", 1, 4)]
    assert changes(why(thing(a=2, b=5))) == [("config.b", 2, 5)]


def test_only_earlier_ones_count() -> None:
    first = thing(a=1)
    realize(first)
    realize(thing(a=2))
    assert why(target(first)).against is None
    assert why(target(thing(a=2))).against == target(first)


def test_what_was_never_built_counts_only_where_nothing_was() -> None:
    unbuilt, new = thing(a=1), thing(a=2)
    assert why(target(new)).against == target(unbuilt)
    assert why(target(unbuilt)).against is None
    built = thing(a=7, b=7)
    realize(built)
    assert why(target(new)).against == target(built)


def test_siblings_of_one_closure_are_no_earlier_versions() -> None:
    def several(lr: float) -> DRef:
        return constant("top", *(noisy("part", i=i, lr=lr) for i in range(3)))

    realize(instantiate(several, 0.1))
    found = why(instantiate(several, 0.2))
    assert [cause.changes for cause in found.causes] == [(("config.lr", 0.1, 0.2),)] * 3


def test_a_config_that_was_deleted_ends_the_search(store: Store) -> None:
    old = made()
    realize(old)
    new = made(lr=0.2)
    for name in ("report", "model"):
        assert why(new).causes
        if name == "model":
            delete_tree(drv_path(store, named(old, name)))
    assert [(c.dref, c.against, c.changes) for c in why(new).causes] == [
        (named(new, "model"), named(old, "model"), ())
    ]


# Realizations


def other_data(closure: Closure) -> tuple[RRef, RRef]:
    """Realize twice, the second time with `data` built again."""
    return realize(closure), realize(closure, [named(closure, "data")])


def test_a_first_realization_is_told_of_as_its_derivation() -> None:
    old, new = made(), made(lr=0.2)
    realize(old)
    found = why(realize(new))
    assert found.against == target(old)
    assert causes(found) == [("model", [("config.lr", 0.1, 0.2)])]
    assert "first realization" in found.reason


def test_another_context_is_followed_down_to_where_it_began() -> None:
    closure = made()
    one, two = other_data(closure)
    found = why(two)
    assert found.against == one
    (path, old, new) = changes(found)[0]
    assert path == f"context[{named(closure, 'model')}]"
    models = store_rrefs(named(closure, "model"))
    assert isinstance(old, tuple)
    assert isinstance(new, tuple)
    assert sorted([*old, *new]) == models
    ((name, began),) = causes(found)
    assert name == "data"
    assert began[0][0] == f"context[{named(closure, 'data')}]"
    assert found.causes[0].against in store_rrefs(named(closure, "data"))


def test_the_first_stays_the_first() -> None:
    one, _ = other_data(made())
    assert why(one).against is None


def test_another_result_of_the_same_is_told_as_that() -> None:
    closure = thing()
    one, two = realize(closure), realize(closure, force_rebuild=True)
    found = why(two)
    assert (found.against, found.changes) == (one, ())
    assert "again" in found.reason
    assert [(cause.dref, cause.against) for cause in found.causes] == [(target(closure), one)]


def test_one_of_several_that_were_wanted_is_told_as_that() -> None:
    closure = instantiate(lambda: noisy("thing", matcher=match_some(3)))
    found = [why(rref) for rref in realize_many(closure)]
    assert sorted("again" in one.reason for one in found) == [False, True, True]


def test_a_realization_that_is_not_there_is_an_error() -> None:
    rref = realize(thing())
    rmref(rref)
    with pytest.raises(NotInStore):
        why(rref)
    with pytest.raises(NotInStore):
        why(mkdref("0" * 32, "x"))


# Closures


def test_what_is_there_would_not_be_built() -> None:
    closure = made()
    realize(closure)
    found = why(closure)
    assert "would not be built" in found.reason
    assert (found.changes, found.causes) == ((), ())


def test_a_closure_whose_dependency_was_built_again_is_told_of_contexts() -> None:
    closure = made()
    _, two = other_data(closure)
    rmref(two)
    found = why(closure)
    assert found.against in store_rrefs(target(closure))
    assert [name for name, _ in causes(found)] == ["data"]


def test_where_it_depends_on_a_dependency_that_is_the_cause() -> None:
    closure = made()
    realize(closure)
    realize(instantiate(lambda: noisy("data", raw=1)), force_rebuild=True)
    found = why(closure)
    assert "may have to be built" in found.reason
    assert [name for name, _ in causes(found)] == ["data"]


def test_a_matcher_that_wants_more_is_its_own_cause() -> None:
    realize(thing())
    found = why(instantiate(lambda: noisy("thing", matcher=match_some(2))))
    assert "matcher" in found.reason
    assert causes(found) == [("thing", [])]


def test_of_several_targets_each_is_told_and_causes_are_told_once() -> None:
    def both(raw: int) -> list[DRef]:
        data = noisy("data", raw=raw)
        return [constant("a", data), constant("b", data), constant("c")]

    realize_many(instantiate(both, 1))
    found = why(instantiate(both, 2))
    assert [part.ref[38:] for part in found.parts] == ["a", "b", "c"]
    assert causes(found) == [("data", [("config.raw", 1, 2)])]
    assert found.reason == "2 of 3 targets would be built"
    assert len(str(found).splitlines()) > 6


# Through what


def test_the_path_leads_from_what_depends_to_what_it_depends_on() -> None:
    closure = made()
    path = why_depends(target(closure), named(closure, "data"))
    assert [ref[38:] for ref in path] == ["report", "model", "data"]
    assert why_depends(named(closure, "data"), target(closure)) == []
    assert why_depends(target(closure), target(closure)) == [target(closure)]


def test_the_shortest_path_is_taken() -> None:
    data = partial(noisy, "data")

    def stage() -> DRef:
        return constant("top", constant("long", constant("longer", data())), data())

    closure = instantiate(stage)
    assert [ref[38:] for ref in why_depends(target(closure), named(closure, "data"))] == [
        "top",
        "data",
    ]


def test_of_realizations_the_path_is_one_of_realizations() -> None:
    closure = made()
    one, two = other_data(closure)
    data = store_rrefs(named(closure, "data"))
    ends = [[rref for rref in data if why_depends(top, rref)] for top in (one, two)]
    assert sorted(rref for end in ends for rref in end) == data
    path = why_depends(one, ends[0][0])
    assert (path[0], path[-1], len(path)) == (one, ends[0][0], 3)
    assert why_depends(one, named(closure, "data")) == path
    assert why_depends(target(closure), ends[0][0]) == path
    assert why_depends(data[0], one) == []


@pytest.mark.parametrize("ask", [lambda ref: why_depends(ref, ref), why])
def test_what_is_not_there_is_an_error(ask: Callable[[DRef], object]) -> None:
    with pytest.raises(NotInStore):
        ask(mkdref("0" * 32, "x"))


def test_a_name_will_do() -> None:
    closure = made()
    realize(closure)
    assert why("report").ref == target(closure)
    assert [ref[38:] for ref in why_depends("model", "data")] == ["model", "data"]
