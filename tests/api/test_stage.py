"""From a stage to a closure."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    Closure,
    DRef,
    InstantiateError,
    InvalidConfig,
    InvalidName,
    InvalidValue,
    NestedInstantiate,
    NoRegistry,
    NotADerivation,
    Registry,
    Store,
    StoreError,
    UnknownDependency,
    build_wrapper,
    config_dict,
    current_registry,
    instantiate,
    isdref,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    realize_many,
    store_config,
    store_drefs,
)
from stages_for_tests import below, constant, derivation, strangers

pytestmark = pytest.mark.usefixtures("current")
NOTHING = build_wrapper(lambda b: None)


def test_a_closure_says_result_targets_derivations_and_store(store: Store) -> None:
    def stage() -> dict[str, DRef]:
        base = constant("base")
        constant("unused")
        return {"top": constant("top", base), "again": base}

    closure = instantiate(stage)
    assert isinstance(closure, Closure)
    assert closure.store == store
    assert closure.targets == (closure.result["top"], closure.result["again"])
    assert [drv.config.name for drv in closure.derivations] == ["base", "top"]
    assert [drv.dref for drv in closure.derivations] == list(closure.needs)
    assert store_drefs() == sorted(closure.needs)


def test_instantiating_builds_nothing_and_writes_nothing_twice(store: Store) -> None:
    instantiate(constant, "a")
    before = {
        name: (Path(store.objects) / name).lstat().st_ctime_ns for name in below(store.objects)
    }
    instantiate(constant, "a")
    after = {
        name: (Path(store.objects) / name).lstat().st_ctime_ns for name in below(store.objects)
    }
    assert before == after
    assert [name.rpartition("/")[2] for name in sorted(before)][1:] == ["config.json"]


def test_arguments_are_passed_on() -> None:
    def stage(*args: object, **kwargs: object) -> DRef:
        return constant("a", args=list(args), kwargs=dict(kwargs))

    closure = instantiate(stage, 1, "x", y=2)
    fields = config_dict(closure.derivations[0].config)
    assert (fields["args"], fields["kwargs"]) == ([1, "x"], {"y": 2})


class Callable_:
    def __call__(self, name: str, r: Registry | None = None) -> DRef:
        assert r is not None
        return mkdrv(mkconfig({"name": name}), match_only(), NOTHING, r=r)


def with_r(name: str, r: Registry | None = None) -> DRef:
    assert r is not None
    return mkdrv(mkconfig({"name": name}), match_only(), NOTHING, r=r)


def with_r_only(name: str, *, r: Registry) -> DRef:
    return with_r(name, r)


@functools.wraps(with_r)
def wrapped(*args: Any, **kwargs: Any) -> DRef:
    return with_r(*args, **kwargs)


@pytest.mark.parametrize(
    "stage", [with_r, with_r_only, wrapped, Callable_(), functools.partial(with_r)]
)
def test_a_stage_is_called_with_its_registry_if_it_accepts_one(stage: Any) -> None:
    [drv] = instantiate(stage, "a").derivations
    assert drv.config.name == "a"


@pytest.mark.parametrize(
    "stage", [constant, functools.partial(constant), lambda name: constant(name)]
)
def test_a_stage_that_takes_no_registry_is_called_without(stage: Any) -> None:
    assert instantiate(stage, "a").targets


def test_a_stage_without_a_signature_is_called_without() -> None:
    with current_registry() as registry:
        dref = constant("a")
    table = {"x": dref}
    assert instantiate(table.get, "x", r=registry).targets == (dref,)


def test_mkconfig_of_a_stages_locals_drops_the_registry() -> None:
    def stage(lr: float = 0.1, r: Registry | None = None) -> DRef:
        return mkdrv(mkconfig(locals()), match_only(), NOTHING, r=r)

    [drv] = instantiate(stage).derivations
    assert config_dict(drv.config) == {"lr": 0.1}


def test_mkconfig_of_something_else_is_refused() -> None:
    for bad in (5, None, [("a", 1)], "text"):
        with pytest.raises(InvalidConfig, match="expected a dictionary"):
            mkconfig(bad)  # type: ignore[arg-type]


def test_the_store_can_be_passed(tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other", create=True, durability="none")
    closure = instantiate(constant, "a", store=other)
    assert closure.store == other
    rref = realize(closure)
    assert store_drefs() == []
    assert store_drefs(store=other) == [DRef(f"dref:{rref[38:]}")]


def test_stages_may_look_at_the_store_they_are_made_for(tmp_path: Path) -> None:
    from pylightnix import current_store

    other = Store.open(tmp_path / "other", create=True, durability="none")
    seen: list[object] = []

    def stage(r: Registry) -> DRef:
        seen.extend([current_store() == other, r.store == other])
        return constant("a")

    instantiate(stage, store=other)
    instantiate(stage, store=other, r=Registry())
    assert seen == [True] * 4


@pytest.mark.parametrize(
    "shape",
    [
        lambda a, b: a,
        lambda a, b: [a, b],
        lambda a, b: (a, b),
        lambda a, b: {"x": [a, {"y": (b,)}]},
        lambda a, b: [],
        lambda a, b: [a, a],
    ],
)
def test_derivations_made_before_can_be_given_in_any_container(shape: Any) -> None:
    with current_registry() as registry:
        a, b = constant("a"), constant("b")
        result = shape(a, b)
        closure = instantiate(result)
    assert closure.result == result
    assert set(closure.targets) <= {a, b}
    assert len(closure.targets) == len(set(closure.targets))
    assert instantiate(result, r=registry) == closure
    assert len(realize_many(closure)) == len(closure.targets)


def test_derivations_made_before_need_their_registry() -> None:
    with current_registry():
        dref = constant("a")
    with pytest.raises(NoRegistry):
        instantiate(dref)
    with pytest.raises(InstantiateError, match="is not in this registry"), current_registry():
        instantiate([dref])


@pytest.mark.parametrize("returned", [None, 5, "dref:x", {1, 2}, [None], {"a": "b"}])
def test_a_stage_must_return_derivations(returned: object) -> None:
    def stage() -> object:
        constant("a")
        return returned

    with pytest.raises(NotADerivation, match="Is a `return` missing"):
        instantiate(stage)
    assert store_drefs() == []


def test_a_registry_that_is_being_filled_is_not_filled_again() -> None:
    def stage(r: Registry) -> DRef:
        return instantiate(constant, "a", r=r).result  # type: ignore[no-any-return]

    with pytest.raises(NestedInstantiate, match="leave out `r=`"):
        instantiate(stage)


def test_a_registry_is_usable_after_an_error_in_a_stage() -> None:
    registry = Registry()

    def broken() -> DRef:
        raise ValueError("flux")

    with pytest.raises(ValueError, match="flux"):
        instantiate(broken, r=registry)
    assert instantiate(constant, "a", r=registry).targets


def test_a_stage_may_instantiate_and_realize_in_a_registry_of_its_own() -> None:
    def stage() -> DRef:
        rref = realize(instantiate(constant, "inner", text="deep"))
        return constant("outer", text=str(rref)[5:37])

    closure = instantiate(stage)
    assert [drv.config.name for drv in closure.derivations] == ["outer"]
    assert len(store_drefs()) == 2


def test_what_a_config_mentions_must_be_in_the_registry() -> None:
    stranger = derivation("stranger")[0]
    with pytest.raises(UnknownDependency, match=f"depends on {stranger}, unknown") as caught:
        instantiate(constant, "a", stranger)
    assert caught.value.missing == (stranger,)
    assert isdref(caught.value.dref)
    assert store_drefs() == []


def test_of_one_config_registered_twice_the_later_matcher_and_realizer_stand() -> None:
    made: list[str] = []

    def stage() -> DRef:
        config = mkconfig({"name": "a"})
        first = mkdrv(config, match_only(), build_wrapper(lambda b: made.append("first")))
        second = mkdrv(config, match_latest(), build_wrapper(lambda b: made.append("second")))
        assert first == second
        return second

    closure = instantiate(stage)
    assert closure.derivations[0].matcher == match_latest()
    realize(closure)
    assert made == ["second"]


def test_a_later_registration_still_stands_after_its_dependencies() -> None:
    def stage() -> DRef:
        base = constant("base")
        top = constant("top", base)
        assert constant("base") == base
        return top

    assert [drv.config.name for drv in instantiate(stage).derivations] == ["base", "top"]


@pytest.mark.parametrize(
    ("config", "matcher", "realizer"),
    [
        ({"name": "a"}, match_only(), NOTHING),
        (None, match_only(), NOTHING),
        (mkconfig({}), None, NOTHING),
        (mkconfig({}), "latest", NOTHING),
        (mkconfig({}), match_only(), None),
        (mkconfig({}), match_only(), ["a"]),
    ],
)
def test_a_derivation_is_made_of_a_config_a_matcher_and_a_realizer(
    config: Any, matcher: Any, realizer: Any
) -> None:
    with current_registry() as registry, pytest.raises(InvalidValue, match="is made of a config"):
        mkdrv(config, matcher, realizer)
    assert not registry.derivations


def test_a_bad_config_names_every_place_and_nothing_is_left(store: Store) -> None:
    with pytest.raises(InvalidConfig) as caught:
        instantiate(constant, "a", x=(1,), y={"z": [b"", {1}]})
    assert len(caught.value.issues) == 3
    with pytest.raises(InvalidName):
        instantiate(constant, "a name")
    assert [*store_drefs(), *strangers(store)] == []


def test_a_config_on_the_disk_that_is_damaged_is_mended(store: Store) -> None:
    closure = instantiate(constant, "a")
    path = Path(store.objects) / closure.targets[0][5:] / "config.json"
    path.chmod(0o644)
    path.write_text("{}")
    again = instantiate(constant, "a")
    assert store_config(again.targets[0]) == closure.derivations[0].config


def test_a_config_that_cannot_be_written_is_an_error_of_the_store(store: Store) -> None:
    from pylightnix import config_hash

    config = mkconfig({"name": "a"})
    Path(store.objects, f"{config_hash(config)}-a").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        instantiate(lambda: mkdrv(config, match_only(), NOTHING))
