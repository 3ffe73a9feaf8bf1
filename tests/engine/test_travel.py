"""How code gets to a worker, and how an error gets back."""

from __future__ import annotations

import json
import pickle
import sys
import threading
from collections.abc import Iterator
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import cloudpickle
import pytest

import stages_for_workers as stages
from pylightnix import (
    CannotTravel,
    DRef,
    OtherCode,
    RealizeError,
    Registry,
    Store,
    current_registry,
    instantiate,
    realize,
    rref2path,
)
from pylightnix.engine.closure import Closure
from pylightnix.engine.events import Event
from pylightnix.engine.orders import Order, carry_out_packed, packed_order, read_answer
from pylightnix.engine.travel import (
    Packer,
    importable,
    packed_error,
    reference,
    resolve,
    unpacked_error,
)
from pylightnix.engine.workshop import call
from stages_for_tests import python


def local() -> DRef:
    return stages.node("local")


STAGE_OF_A_FILE = """
from pylightnix import *
def helper(): return "helped"
def act(b): (build_outpath(b) / "text").write_text(helper())
def stage(): return mkdrv(mkconfig({"name": "filed"}), match_only(), build_wrapper(act))
"""


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[ModuleType]:
    """A module that was loaded from a file, so that no import finds it by its name."""
    path = tmp_path / "filed.py"
    path.write_text(STAGE_OF_A_FILE)
    spec = spec_from_file_location("target_of_a_file", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules["target_of_a_file"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["target_of_a_file"]


def order(closure: Closure, packer: Packer) -> bytes:
    drv = closure.derivations[0]
    plain = Order(
        closure.store, drv.dref, None, packer.recipe, {}, False, {}, None, call, False, "us"
    )
    return packed_order(packer, plain, drv)


# References


def test_what_can_be_imported_again_has_a_reference() -> None:
    for thing in (stages.diamond, json.dumps, Path.cwd, instantiate):
        where = reference(thing)
        if where is not None:
            assert resolve(where) == thing
    assert reference(stages.diamond) == "stages_for_workers:diamond"


def test_what_cannot_be_imported_again_has_none(
    filed: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nested() -> None: ...

    for thing in (nested, lambda: None, partial(stages.diamond), stages.Unimportable(1, 2), 7):
        assert reference(thing) is None
    assert reference(filed.stage) is None
    monkeypatch.setattr(nested, "__module__", "__main__")
    assert reference(nested) is None
    before = stages.diamond
    monkeypatch.setattr(stages, "diamond", lambda: None)
    assert reference(before) is None


def test_modules_without_a_file_are_importable_if_python_has_them() -> None:
    assert importable("sys")
    assert importable("json")
    assert not importable("no_such_module")


# Recipes


def test_a_closure_knows_how_it_was_made(current: Store) -> None:
    making = instantiate(stages.fan, 2, journal=None).making
    assert making is not None
    assert (making.stage, making.args, making.kwargs) == (stages.fan, (2,), {"journal": None})
    made = making.remake(making.stage, making.args, making.kwargs, current)
    assert len(made) == 3


def test_a_closure_of_somebodys_registry_does_not(current: Store) -> None:
    registry = Registry()
    assert instantiate(stages.diamond, r=registry).making is None
    with current_registry(registry):
        assert instantiate(stages.diamond()).making is None


def test_closures_of_the_same_derivations_are_equal(current: Store) -> None:
    closure = instantiate(stages.fan, 2)
    assert (closure == closure, closure == 7) == (True, False)
    assert len({closure, closure}) == 1


def test_only_a_stage_that_can_be_imported_with_plain_arguments_has_a_recipe(
    current: Store,
) -> None:
    assert Packer(instantiate(stages.fan, 2).making).stage == "stages_for_workers:fan"
    assert Packer(instantiate(lambda: stages.fan(2)).making).recipe == b""
    act = threading.Lock().locked
    assert Packer(instantiate(stages.solitary, act).making).recipe == b""
    assert Packer(None).recipe == b""


def test_a_worker_makes_the_derivations_once_for_all_orders(
    current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    closure = instantiate(stages.fan, 3)
    calls = []
    real = stages.fan

    def counted(width: int, journal: Path | None = None) -> DRef:
        calls.append(width)
        return real(width, journal)

    packer = Packer(closure.making)
    packed = order(closure, packer)
    monkeypatch.setattr(stages, "fan", counted)
    dref = closure.derivations[0].dref
    first = read_answer(carry_out_packed(dref, packed))
    second = read_answer(carry_out_packed(dref, packed))
    assert first.chosen == second.chosen
    assert calls == [3]


def test_a_worker_without_the_module_has_other_code(
    current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    closure = instantiate(stages.solitary, stages.speak, "other-module")
    packed = order(closure, Packer(closure.making))
    monkeypatch.delattr(stages, "solitary")
    with pytest.raises(OtherCode, match="AttributeError") as caught:
        read_answer(carry_out_packed(closure.targets[0], packed))
    assert "stages_for_workers.py" in caught.value.ours


def test_a_worker_whose_stage_makes_something_else_has_other_code(
    current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    closure = instantiate(stages.solitary, stages.speak, "other-config")
    packed = order(closure, Packer(closure.making))
    monkeypatch.setattr(stages, "solitary", lambda act, name: stages.node(name, version=2))
    with pytest.raises(OtherCode, match="-other-config instead"):
        read_answer(carry_out_packed(closure.targets[0], packed))


def test_code_by_value_that_a_worker_cannot_unpack_is_other_code(current: Store) -> None:
    closure = instantiate(lambda: stages.solitary(stages.speak))
    packed = order(closure, Packer(closure.making)).replace(
        b"stages_for_workers", b"absent_from_here__"
    )
    with pytest.raises(OtherCode, match="absent_from_here__"):
        read_answer(carry_out_packed(closure.targets[0], packed))


# By value


def test_a_file_that_was_loaded_under_another_name_travels_by_value(
    filed: ModuleType, current: Store
) -> None:
    rref = realize(instantiate(filed.stage), jobs=2)
    assert (rref2path(rref) / "text").read_text() == "helped"
    assert "target_of_a_file" not in cloudpickle.list_registry_pickle_by_value()


def test_the_script_itself_travels_by_value(current: Store) -> None:
    script = f"{STAGE_OF_A_FILE}print(catref(realize(instantiate(stage), jobs=2), 'text'))"
    done = python(script, PYLIGHTNIX_ROOT=str(Path(current.var).parent))
    assert (done.stdout, done.stderr) == ("['helped']\n", "")


@pytest.mark.parametrize("what", [threading.Lock(), (letter for letter in "abc")])
def test_what_cannot_travel_is_named(what: object, current: Store) -> None:
    closure = instantiate(lambda: stages.solitary(lambda b: print(what), "stuck"))
    with pytest.raises(CannotTravel, match="stages_for_workers:node") as caught:
        realize(closure, jobs=2)
    assert caught.value.dref == closure.targets[0]
    assert type(what).__name__ in caught.value.cause or "pickle" in caught.value.cause


def test_an_open_file_cannot_travel(tmp_path: Path, current: Store) -> None:
    with open(tmp_path / "log", "w") as file:
        closure = instantiate(lambda: stages.solitary(lambda b: file.write("x")))
        with pytest.raises(CannotTravel, match="file"):
            realize(closure, jobs=2)


# Errors


def thrown(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_an_error_keeps_its_cause_and_where_it_came_from() -> None:
    packed = packed_error(thrown(ValueError("a"), KeyError("b")))
    error = unpacked_error(pickle.loads(packed))
    assert isinstance(error, ValueError)
    assert isinstance(error.__cause__, KeyError)
    (note,) = error.__cause__.__notes__
    assert "in thrown" in note
    assert "ValueError: a" in note


def test_a_cause_that_cannot_be_copied_does_not_cost_the_error() -> None:
    packed = packed_error(thrown(ValueError("a"), stages.Unimportable(1, 2)))
    error = unpacked_error(pickle.loads(packed))
    assert (type(error), error.__cause__) == (ValueError, None)
    assert "Unimportable" in error.__notes__[0]


def test_of_an_error_that_cannot_be_copied_the_text_is_kept() -> None:
    error = unpacked_error(pickle.loads(packed_error(thrown(stages.Unimportable(1, 2)))))
    assert isinstance(error, RealizeError)
    assert "Unimportable: only one" in str(error)


def test_an_answer_tells_what_happened_unless_it_was_told_at_once(current: Store) -> None:
    closure = instantiate(stages.solitary, stages.progress, "told")
    packed = order(closure, Packer(None))
    told: list[Event] = []
    assert read_answer(carry_out_packed(closure.targets[0], packed, told.append)).events == ()
    again = read_answer(carry_out_packed(closure.targets[0], packed))
    assert [type(event).__name__ for event in told] == ["Started", "Progress", "Built"]
    assert [type(event).__name__ for event in again.events] == ["Hit"]
