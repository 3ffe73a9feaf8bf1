"""The engine without the published functions: what it needs to be given, and nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    Context,
    DRef,
    NoRegistry,
    Registry,
    Store,
    StoreError,
    build_wrapper,
    instantiate,
    match_best,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    rmref,
    use_store,
)
from pylightnix.engine import produce, provenance
from pylightnix.engine import realize as engine
from pylightnix.engine.closure import Closure, takes_registry
from pylightnix.engine.events import Event, Finished, Hit, Planned, Queued
from pylightnix.engine.matchers import number_in
from pylightnix.engine.registry import register
from pylightnix.engine.workshop import Workshop
from pylightnix.store.scratch import Scratch
from stages_for_tests import constant, noisy, put, text_of, write_text


def test_a_registry_can_be_filled_and_realized_without_anything_ambient(store: Store) -> None:
    registry = Registry()
    dref = register(
        registry, mkconfig({}), match_only(), build_wrapper(lambda b: write_text(b, "x"))
    )
    closure = Closure(dref, (dref,), tuple(registry.derivations.values()), store)
    with Scratch(store) as scratch:
        plan = engine.realize(closure, Workshop(store, scratch))
    assert text_of(store, plan.done[dref][0]) == "x"


def test_below_the_published_functions_a_registry_must_be_given() -> None:
    with pytest.raises(NoRegistry):
        register(None, mkconfig({}), match_only(), build_wrapper(lambda b: None))


def test_a_derivation_that_was_deleted_meanwhile_is_written_again(store: Store) -> None:
    with use_store(store):
        closure = instantiate(constant, "a", text="x")
        rmref(closure.targets[0], force=True)
        assert text_of(store, realize(closure)) == "x"


def test_what_another_built_before_we_had_the_lock_is_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = produce.build_lock  # type: ignore[attr-defined]

    @contextmanager
    def late(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(produce, "build_lock", real)
        other.append(realize(instantiate(noisy, "a")))
        with real(*args, **kwargs) as inside:
            yield inside

    other: list[str] = []
    heard: list[Event] = []
    with use_store(store):
        closure = instantiate(noisy, "a")
        monkeypatch.setattr(produce, "build_lock", late)
        assert [realize(closure, on_event=heard.append)] == other
    assert [type(event) for event in heard] == [Planned, Queued, Hit, Finished]


def test_whatever_the_system_refuses_on_the_way_is_an_error_of_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object) -> object:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with use_store(store):
        closure = instantiate(constant, "a")
        monkeypatch.setattr(produce, "candidates", refused)
        with pytest.raises(StoreError, match=r"cannot be built in .*Input/output"):
            realize(closure)


class Callable_:
    def __call__(self, store: Store, dref: DRef, context: Context, rarg: object) -> list[Path]:
        return []


def module_function() -> None: ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (module_function, "module_function"),
        (partial(partial(module_function)), "module_function"),
        (Callable_(), "Callable_"),
        (Callable_.__call__, "Callable_.__call__"),
    ],
)
def test_a_function_is_named_by_its_module_and_its_name_there(function: object, name: str) -> None:
    assert provenance.qualified(function).endswith(f"test_produce:{name}")


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(uid: int) -> object:
        raise KeyError(uid)

    provenance._user.cache_clear()
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    try:
        assert provenance._user() == str(os.getuid())
    finally:
        provenance._user.cache_clear()


def test_a_stage_that_shows_no_signature_is_called_without_a_registry(store: Store) -> None:
    assert not takes_registry(min)
    with use_store(store):
        registry = Registry(store)
        drefs = [
            mkdrv(mkconfig({"i": i}), match_only(), lambda *args: [], r=registry) for i in "ab"
        ]
        assert instantiate(min, drefs, r=registry).targets == (min(drefs),)


def test_a_number_that_cannot_be_read_just_now_is_not_taken_for_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import builtins

    rref = put(store, {"score": "1"})

    def out_of_descriptors(*args: object, **kwargs: object) -> object:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(builtins, "open", out_of_descriptors)
    reads: list[Callable[[], object]] = [
        lambda: number_in(f"{store.objects}/{rref[38:]}/{rref[5:37]}/score"),
        lambda: match_best("score")(store, [rref]),
    ]
    for read in reads:
        with pytest.raises(OSError, match="Too many open files"):
            read()
