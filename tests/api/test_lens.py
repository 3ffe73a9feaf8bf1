"""Lenses: walking configs and dependencies with dots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    AmbiguousResult,
    Build,
    Closure,
    DRef,
    LensError,
    RRef,
    Store,
    autostage,
    config_dict,
    given,
    instantiate,
    match_all,
    mkconfig,
    mklens,
    realize,
    realizeU,
    redefine,
    rref2dref,
    selfref,
)


@autostage(out=[selfref, "sub", "data.txt"], version="1")
def data(out: str, opts: Any = {"lr": 0.5, "layers": [1, {"n": 2}], "val": 7}) -> None:  # noqa: B006
    Path(out).parent.mkdir()
    Path(out).write_text("some text")


@autostage(version="1")
def model(source: Any = data, both: Any = [data, data], *, build: Build = given) -> None:  # noqa: B006
    lens = mklens(build)
    assert lens.source.out.contents == "some text"
    assert lens.source.rref == source.rref
    assert lens.syspath.is_dir()


@autostage(name="top", version="1")
def top(model: Any = model, file: Any = None) -> None: ...


def whole() -> DRef:
    return top(file=[data(), "sub", "data.txt"])


@pytest.fixture
def closure(current: Store) -> Closure:
    return instantiate(whole)


@pytest.fixture
def rref(closure: Closure) -> RRef:
    return realize(closure)


def test_dots_lead_through_configs_and_dependencies(closure: Closure, rref: RRef) -> None:
    for lens in (mklens(closure), mklens(rref), mklens(str(rref)), mklens(rref2dref(rref))):
        assert lens.model.source.opts.lr.val == 0.5
        assert lens.model.source.opts.layers[1].n.val == 2
        assert lens["model"].both[-1].dref == lens.model.source.dref
        assert [each.dref[38:] for each in lens.model.both] == ["data", "data"]
        assert lens.model.name.val == "model"


def test_a_config_and_a_dictionary_will_do(closure: Closure) -> None:
    config = closure.derivations[0].config
    assert mklens(config).opts.lr.val == 0.5
    assert mklens(config_dict(config)).opts["val"].val == 7
    assert mklens({"a": {"b": 1}}).a.b.val == 1
    assert mklens(mkconfig({"a": 1})).val == {"a": 1}


def test_values_and_what_is_not_there(closure: Closure) -> None:
    lens = mklens(closure).model.source.opts
    assert lens.get("val").val == 7
    assert lens.get("nothing").optval is None
    assert lens.lr.optval == 0.5
    with pytest.raises(LensError, match="has no value"):
        _ = lens.get("nothing").val
    assert hasattr(lens, "lr")
    assert not hasattr(lens, "rate")
    with pytest.raises(LensError, match=r"opts has no field 'rate'; there is: layers, lr, val"):
        _ = lens.rate
    with pytest.raises(AttributeError):
        _ = lens.lr.further


@pytest.mark.parametrize("key", [2, -3])
def test_items_that_are_not_there_are_an_error(closure: Closure, key: int) -> None:
    with pytest.raises(LensError, match=f"item {key}"):
        mklens(closure).model.both[key]
    with pytest.raises(LensError, match="items"):
        list(mklens(closure).model.name)


def test_references_paths_and_files(closure: Closure, rref: RRef) -> None:
    lens = mklens(rref)
    data_dref = lens.model.source.dref
    assert lens.file.refpath == [data_dref, "sub", "data.txt"]
    assert lens.file.dref == data_dref
    assert lens.model.source.out.refpath == [data_dref, "sub", "data.txt"]
    assert lens.model.source.refpath == [data_dref]
    assert lens.file.syspath == lens.model.source.out.syspath
    assert lens.file.contents == "some text"
    assert lens.file.bytes == b"some text"
    assert lens.rref == rref
    assert lens.val == rref
    assert lens.dref == rref2dref(rref)
    assert lens.model.rref.endswith("-model")
    with pytest.raises(LensError, match="path inside a reference"):
        _ = lens.model.name.dref
    with pytest.raises(LensError, match="file"):
        _ = lens.model.contents


def test_a_closure_gives_the_part_that_is_needed(closure: Closure) -> None:
    part = mklens(closure).model.closure
    assert [drv.dref[38:] for drv in part.derivations] == ["data", "model"]
    assert realize(part).endswith("-model")
    with pytest.raises(LensError, match="make the lens of one"):
        _ = mklens(part.targets[0]).closure


def test_fields_are_listed_for_completion(closure: Closure) -> None:
    assert {"model", "file", "val", "syspath"} <= set(dir(mklens(closure)))
    assert "lr" in dir(mklens(closure).model.source.opts)
    assert "top" in repr(mklens(closure))


def test_what_a_realization_used_is_what_counts(current: Store) -> None:
    """Not what there is now: another realization of a dependency has come meanwhile."""

    @autostage(nouts=2, matcher=match_all(), version="1")
    def noisy(*, rindex: int = 0, build: Build = given) -> None:
        (build.outpaths[rindex] / "x").write_text(str(rindex))

    with pytest.raises(AmbiguousResult):
        _ = mklens(realizeU(instantiate(noisy))[0].dref).rref
    upper: Any = autostage(name="upper", version="1", used=noisy)(lambda used: None)
    with pytest.raises(AmbiguousResult):
        _ = mklens(realize(instantiate(upper))).used.rref
    one = redefine(noisy, new_matcher=lambda store, rrefs: rrefs[:1])
    user: Any = autostage(name="u", version="1", used=one)(lambda used: 0)
    lens = mklens(realizeU(instantiate(user)))
    assert lens.used.syspath.is_dir()


def test_what_is_nothing_to_look_into_is_an_error(current: Store) -> None:
    for thing in (3, "text", [1]):
        with pytest.raises(LensError, match="config to look into"):
            mklens(thing)
    several = instantiate(lambda: [data(), model()])
    with pytest.raises(LensError, match="one target"):
        mklens(several)
