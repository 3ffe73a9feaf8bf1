"""Functions as stages: what arrives, what is a mistake, and that it works in other processes."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest

from pylightnix import (
    Build,
    BuildFailed,
    DRef,
    InstantiateError,
    InvalidConfig,
    InvalidValue,
    NoField,
    NoRegistry,
    Path,
    Registry,
    Result,
    RRef,
    Stage,
    autodrv,
    autostage,
    build_wrapper,
    config_dict,
    current_registry,
    current_store,
    given,
    instantiate,
    instantiate_inplace,
    match_all,
    match_best,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    mkfile,
    realize,
    realize_inplace,
    realize_many,
    realizeU,
    redefine,
    result_of,
    selfpath,
    selfref,
)

pytestmark = pytest.mark.usefixtures("current")


@autostage(out=[selfref, "data.json"])
def dataset(out: str, size: int = 3, opts: Any = given) -> None:
    """Make some data."""
    Path(out).write_text(json.dumps([size, opts]))


def nothing(b: Build) -> None:
    """Build an empty folder."""


small = partial(dataset, opts={"a": [1, {"b": 2}], "none": None})


@autostage(out=[selfref, "r.txt"], nouts=3, matcher=match_best("score.txt"))
def train(
    out: str,
    score: str = selfpath("score.txt"),
    data: Any = small,
    lr: float = 0.1,
    *,
    rindex: int = 0,
    build: Build = given,
) -> None:
    Path(out).write_text(f"{data.size} {lr} {build.rindex}")
    Path(score).write_text(str(rindex))


def fields(stage: Any, **kwargs: Any) -> dict[str, Any]:
    return config_dict(instantiate(stage, **kwargs).derivations[-1].config)


def seen(**kwargs: Any) -> dict[str, Any]:
    """What arrives at a function whose stage is given these values."""
    told: dict[str, Any] = {}

    def call(**arrived: Any) -> None:
        told.update(arrived)

    realize(instantiate(autostage(name="look", version="1", **kwargs)(call)))
    return told


# --- what is in the config, and what arrives


def test_parameters_and_their_defaults_are_the_config() -> None:
    found = fields(train, lr=0.2)
    assert list(found.pop("__source__")) == ["train"]
    assert found.pop("data").endswith("-dataset")
    assert found == {
        "name": "train",
        "out": ["__self__", "r.txt"],
        "score": ["__self__", "score.txt"],
        "lr": 0.2,
    }


def test_values_may_be_given_by_place() -> None:
    assert fields(dataset, size=5, opts=1)["size"] == 5
    loose: Any = dataset
    closure = instantiate(loose, ["__self__", "x"], 7, None)
    assert config_dict(closure.derivations[0].config)["size"] == 7


def test_the_function_is_called_for_each_output_and_told_which() -> None:
    best = realizeU(instantiate(train))
    assert Path(best.score).read_text() == "2"
    assert Path(best.out).read_text() == "3 0.1 0"
    assert len(realize_many(instantiate(redefine(train, new_matcher=match_all())))) == 3


def test_a_second_series_of_builds_goes_on_counting() -> None:
    six = redefine(train, new_matcher=match_some(6))
    found = {Path(one.score).read_text() for one in realizeU(instantiate(six))}
    assert found == {"0", "1", "2", "3", "4", "5"}


def test_plain_values_arrive_as_they_are() -> None:
    value = {"a": [1, {"b": None}], "c": {"d": 1.5}}
    assert seen(value=value)["value"] == value


def test_a_path_of_its_own_arrives_as_absolute_text() -> None:
    def write(where: Any = given) -> None:
        (path,) = where["deep"]
        assert type(path) is str
        assert Path(path).is_absolute()
        Path(path).write_text("x")

    stage = autostage(version="1", where={"deep": [[selfref, "f"]]})(write)
    assert (Result(current_store(), realize(instantiate(stage))).path / "f").read_text() == "x"


def test_a_dependency_arrives_as_an_object() -> None:
    data = seen(data=small)["data"]
    assert type(data).__name__ == "Result"
    assert (data.name, data.size, data.opts["a"][1]) == ("dataset", 3, {"b": 2})
    assert json.loads(Path(data.out).read_text())[0] == 3
    assert data.path == Path(data.out).parent
    assert type(data.rref) is RRef
    assert data.dref.endswith("-dataset")
    assert not hasattr(data, "__source__")


def test_dependencies_arrive_wherever_they_are() -> None:
    two = partial(dataset, size=2, opts=None)
    told = seen(several=[small, two], named={"x": two}, one=[two], path=[two, "data.json"])
    assert [each.size for each in told["several"]] == [3, 2]
    assert told["named"]["x"].size == 2
    assert [each.size for each in told["one"]] == [2]
    with current_registry():
        dref = two()
    assert isinstance(dref, DRef)


def test_a_path_in_a_dependency_arrives_as_text() -> None:
    @autostage(version="1")
    def whole(file: str) -> None:
        assert json.loads(Path(file).read_text()) == [2, None]

    def stage() -> DRef:
        return whole(file=[dataset(size=2, opts=None), "data.json"])  # type: ignore[arg-type]

    realize(instantiate(stage))


def test_several_realizations_arrive_as_a_list_and_one_does_if_asked_for() -> None:
    three = redefine(train, new_matcher=match_all())
    assert len(seen(runs=three)["runs"]) == 3
    (only,) = seen(data=small, always_multiref=True)["data"]
    assert only.size == 3


def test_dependencies_of_dependencies_are_reached_through_them() -> None:
    assert seen(best=train)["best"].data.opts["none"] is None


def test_other_stages_and_their_drefs_are_dependencies_too() -> None:
    def file(r: Registry) -> DRef:
        return mkfile("hello", "Hello", r=r)

    def stage() -> DRef:
        return autostage(version="1")(lambda a, b: None)(a=file, b=mkfile("x", "y"))

    with pytest.raises(InvalidValue, match="<lambda>"):
        instantiate(stage)
    assert seen(a=file)["a"].name == "hello"


def test_a_stage_that_is_used_twice_at_each_of_many_levels_is_made_once() -> None:
    stage: Any = autostage(name="bottom", version="1")(lambda: None)
    for i in range(40):
        stage = autostage(name=f"level{i}", version="1")(lambda a=stage, b=stage: None)
    assert len(instantiate(stage).derivations) == 41


def test_names() -> None:
    assert fields(autostage(name="other")(dataset.function), out=1, opts=1)["name"] == "other"

    @autostage
    def named(name: str = "mine") -> None:
        assert name

    assert fields(named)["name"] == "mine"
    assert fields(named, name="yours")["name"] == "yours"
    realize(instantiate(named))


def test_any_keyword_is_taken_by_a_function_that_takes_any() -> None:
    assert seen(a=1, b="x") == {"a": 1, "b": "x"}


def test_a_parameter_may_be_called_r() -> None:
    @autostage
    def circle(r: float = 1.0) -> None: ...

    assert fields(circle)["r"] == 1.0
    assert fields(circle, r=2.0)["r"] == 2.0
    with current_registry() as registry:
        loose: Any = circle
        assert loose(r=registry) in registry.derivations


# --- mistakes


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"lrr": 1}, r"dataset has no parameter 'lrr'; it has: out, size, opts"),
        ({}, r"dataset needs a value for 'opts'"),
        ({"build": 1}, r"'build' is made by pylightnix"),
        ({"__source__": {}}, r"'__source__' is made by pylightnix"),
    ],
)
def test_a_wrong_or_missing_keyword_is_named(kwargs: dict[str, Any], message: str) -> None:
    loose: Any = dataset
    with pytest.raises(TypeError, match=message):
        instantiate(loose, **kwargs)


def test_a_wrong_keyword_in_the_decorator_is_named() -> None:
    with pytest.raises(TypeError, match="has no parameter 'ouz'"):
        autostage(ouz=[selfref, "x"])(lambda out: None)
    with pytest.raises(InvalidValue, match="at least 1 output"):
        autostage(nouts=0)


def test_too_many_values_and_values_given_twice_are_named() -> None:
    loose: Any = dataset
    with pytest.raises(TypeError, match="takes 3 values"):
        instantiate(loose, 1, 2, 3, 4)
    with pytest.raises(TypeError, match="'out' is given twice"):
        instantiate(loose, 1, out=2)


def test_a_value_that_cannot_be_in_a_config_is_named() -> None:
    with pytest.raises(InvalidConfig, match=r"config\.opts\.a\[1\]: set is not allowed"):
        instantiate(dataset, opts={"a": [1, {2}]})


def test_a_function_that_is_no_stage_is_named() -> None:
    with pytest.raises(InstantiateError, match=r"train: data is a function.* returned int 3"):
        instantiate(train, data=lambda: 3)


def test_a_missing_field_says_what_there_is() -> None:
    data = seen(data=small)["data"]
    with pytest.raises(NoField, match=r"no field 'sise'; it has .*size"):
        _ = data.sise
    assert not hasattr(data, "sise")
    assert {"size", "opts", "rref", "path"} <= set(dir(data))
    assert data == Result(current_store(), data.rref)
    assert {data: 1}[data] == 1
    assert "dataset" in repr(data)


def test_a_builder_that_raises_is_a_failed_build() -> None:
    @autostage
    def bad() -> None:
        raise ZeroDivisionError("oh")

    with pytest.raises(BuildFailed, match="ZeroDivisionError: oh"):
        realize(instantiate(bad))


# --- other ways to make and use stages


def test_autodrv_leaves_a_derivation_at_once() -> None:
    def stage() -> DRef:
        @autodrv(out=[selfref, "x"])  # type: ignore[untyped-decorator]
        def node(out: str) -> None:
            Path(out).write_text("made")

        @autodrv
        def other(a: Any = node) -> None: ...

        made: DRef = other
        return made

    closure = instantiate(stage)
    assert [drv.dref[38:] for drv in closure.derivations] == ["node", "other"]
    assert Path(realizeU(closure).a.out).read_text() == "made"
    with pytest.raises(NoRegistry):
        autodrv(lambda: None, name="x")


def test_results_have_the_shape_of_what_the_stage_returned() -> None:
    class Data(Result):
        size: int

        def doubled(self) -> int:
            return 2 * self.size

    def both() -> dict[str, list[DRef]]:
        return {"a": [dataset(size=1, opts=1), dataset(size=2, opts=1)]}

    found = realizeU(instantiate(both), kind=Data)
    assert [each.doubled() for each in found["a"]] == [2, 4]


def test_a_dependency_arrives_in_the_class_that_was_asked_for() -> None:
    class Data(Result):
        size: int

    @autostage
    def use(data: Data = result_of(small, Data)) -> None:
        assert type(data) is Data

    realize(instantiate(use))


def test_it_works_in_place() -> None:
    rref = realize_inplace(instantiate_inplace(train))
    assert instantiate_inplace(train, lr=0.5) != instantiate_inplace(train)
    assert rref.endswith("-train")


def test_stages_of_both_kinds_use_each_other() -> None:
    def plain(r: Registry) -> DRef:
        config = mkconfig({"name": "plain", "data": small()})
        return mkdrv(config, match_only(), build_wrapper(nothing), r)

    @autostage
    def top(below: Any = plain) -> None:
        assert below.data.size == 3

    realize(instantiate(top))


def test_a_stage_says_what_it_is() -> None:
    assert isinstance(train, Stage)
    assert repr(dataset) == "<stage dataset>"
    assert dataset.__doc__ == "Make some data."


# --- in other processes, and quickly


def test_workers_get_stages_by_their_names() -> None:
    closure = instantiate(train)
    assert Path(realizeU(closure, jobs=2).score).read_text() == "2"


def test_workers_get_what_has_no_name_by_value() -> None:
    made = [
        autostage(name=f"n{i}", out=[selfref, "x"])(lambda out, i=i: Path(out).write_text(str(i)))
        for i in range(3)
    ]
    closure = instantiate(lambda: [stage() for stage in made])
    found = realizeU(closure, jobs=2)
    assert [Path(each.out).read_text() for each in found] == ["0", "1", "2"]


def test_a_stage_with_nothing_to_do_costs_little_more_than_a_plain_one() -> None:
    def plain(r: Registry, lr: float = 0.1) -> DRef:
        config = mkconfig({"name": "plain", "lr": lr, "out": [selfref, "x"]})
        return mkdrv(config, match_only(), build_wrapper(nothing), r)

    auto = autostage(out=[selfref, "x"])(lambda out, lr=0.1: None)
    auto.name = "auto"

    def best_s(stage: Any) -> float:
        instantiate(stage)
        times = []
        for _ in range(100):
            start_s = time.perf_counter()
            instantiate(stage)
            times.append(time.perf_counter() - start_s)
        return min(times)

    assert best_s(auto) - best_s(plain) < 100e-6
