"""What users read when something goes wrong: the thing, the cause, and the next thing to do."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import pylightnix
from pylightnix import (
    Build,
    DRef,
    PylightnixError,
    RRef,
    Store,
    build_outpath,
    build_wrapper,
    catref,
    instantiate,
    lsref,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    rmref,
    rref2dref,
    rref2path,
    selfref,
    store_config,
    use_store,
)
from pylightnix.pipelines.places import Frame, Place
from pylightnix.store.lock import build_lock
from stages_for_tests import constant, noisy, put

pytestmark = pytest.mark.usefixtures("current")


def errors() -> Iterator[type[PylightnixError]]:
    """Every class of ours, wherever it is."""
    for module in pkgutil.walk_packages(pylightnix.__path__, "pylightnix."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    todo: list[type[PylightnixError]] = [PylightnixError]
    while todo:
        kind = todo.pop()
        todo.extend(kind.__subclasses__())
        if kind.__module__.startswith("pylightnix."):
            yield kind


ALL = sorted(set(errors()), key=lambda kind: kind.__qualname__)
SAMPLES: dict[str, object] = {
    "tuple": ("one", "two"),
    "tuple[Frame": (Frame(Place("pipe.yaml", 12), "train"),),
    "int": 7,
    "float": 7.5,
    "Path": Path("p"),
}


def sample(annotation: object) -> object:
    """Something of a type: annotations are text here, and the first words of one say enough."""
    word = str(annotation).partition(" ")[0].rstrip(",]")
    return SAMPLES.get(word, SAMPLES.get(word.partition("[")[0], "some text"))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__qualname__)
def test_every_error_survives_a_trip_between_processes(kind: type[PylightnixError]) -> None:
    fields = list(inspect.signature(kind.__init__).parameters.values())[1:]
    given: list[object] = ["some text"]
    if "__init__" in vars(kind):
        given = [sample(field.annotation) for field in fields]
        if any("tuple[tuple" in str(field.annotation) for field in fields):
            pytest.skip("its fields are pairs; tests/arch/test_published.py makes one")
    error = kind(*given)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert str(again) == str(error) != ""


def fail(b: Build) -> NoReturn:
    build_outpath(b)
    raise ValueError("the flux")


def drv(function: Callable[[Build], None], **fields: object) -> DRef:
    return mkdrv(mkconfig({"name": "thing", **fields}), match_latest(), build_wrapper(function))


def broken_promise(store: Store) -> str:
    closure = instantiate(lambda: drv(lambda b: None, out=[selfref, "missing"]))
    realize_(closure)
    return closure.targets[0]


def realize_(closure: pylightnix.Closure) -> None:
    """Keep the error for later: the reference is wanted first."""
    try:
        realize(closure)
    except PylightnixError as error:
        KEPT.append(error)


KEPT: list[PylightnixError] = []


def failed_build(store: Store) -> str:
    closure = instantiate(lambda: drv(fail))
    realize_(closure)
    return closure.targets[0]


def unsatisfied(store: Store) -> str:
    closure = instantiate(
        lambda: mkdrv(mkconfig({}), match_latest(2), build_wrapper(lambda b: None))
    )
    realize_(closure)
    return closure.targets[0]


def several_for_one(store: Store) -> str:
    closure = instantiate(noisy, "a", matcher=match_only())
    realize(closure)
    realize_(instantiate(noisy, "a", matcher=match_latest(2)))
    realize_(closure)
    return closure.targets[0]


def busy(store: Store) -> str:
    closure = instantiate(constant, "a")
    with build_lock(store, closure.targets[0]):
        try:
            realize(closure, lock_timeout_s=0)
        except PylightnixError as error:
            KEPT.append(error)
    return closure.targets[0]


def keeping(ref: str, function: Callable[[], object]) -> str:
    with pytest.raises(PylightnixError) as caught:
        function()
    KEPT.append(caught.value)
    return ref


def not_realized(store: Store) -> str:
    closure = instantiate(constant, "a")
    return keeping(closure.targets[0], lambda: realize(closure, assert_realized=closure.targets))


NOTHING = RRef(f"rref:{'0' * 32}-{'0' * 32}-nothing")


def damaged_config(store: Store) -> str:
    rref = put(store, {})
    path = Path(store.objects, rref[38:], "config.json")
    path.chmod(0o644)
    path.write_text("{}")
    return keeping(rref2dref(rref), lambda: store_config(rref))


def damaged_artifact(store: Store) -> str:
    rref = put(store, {"a": "x"})
    path = rref2path(rref) / "a"
    path.chmod(0o644)
    path.write_text("y")
    for note in os.listdir(f"{store.var}/verified"):
        os.unlink(f"{store.var}/verified/{note}")
    return keeping(rref, lambda: catref(rref, "a"))


def in_use(store: Store) -> str:
    def stage() -> DRef:
        return constant("top", constant("base"))

    realize(instantiate(stage))
    [base] = lsref("base")
    return keeping(base, lambda: rmref(base))


def ambiguous(store: Store) -> str:
    put(store, {}, "twin", v=1)
    put(store, {}, "twin", v=2)
    return keeping("twin", lambda: lsref("twin"))


def no_store(store: Store) -> str:
    nowhere = Store("/nowhere/store-v1", "/nowhere/var")
    with use_store(nowhere):
        return keeping("/nowhere/store-v1", lambda: lsref("x"))


def unknown_dependency(store: Store) -> str:
    return keeping(rref2dref(NOTHING), lambda: instantiate(constant, "a", rref2dref(NOTHING)))


SITUATIONS: dict[Callable[[Store], str], tuple[str, str]] = {
    failed_build: ("ValueError: the flux", "its folder is kept"),
    broken_promise: ("promised missing", "write it there in the builder"),
    unsatisfied: ("2 outputs were built", "ask for fewer"),
    several_for_one: ("no more than 1", "match_latest"),
    busy: ("is being built by process", "try again later"),
    not_realized: ("not realized", "without `assert_realized`"),
    damaged_config: ("is damaged", "realize its stage again"),
    damaged_artifact: ("is damaged", "realize its stage again"),
    in_use: ("is needed by", "delete those first"),
    ambiguous: ("may mean any of these", "give more of the hash"),
    no_store: ("there is no store", "pylightnix init"),
    unknown_dependency: ("unknown to its registry", "call the stages of its dependencies"),
}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_an_error_names_the_thing_the_cause_and_the_next_thing_to_do(
    situation: Callable[[Store], str], store: Store
) -> None:
    KEPT.clear()
    ref = situation(store)
    cause, step = SITUATIONS[situation]
    text = str(KEPT[-1])
    assert ref in text
    assert cause in text
    assert step in text
