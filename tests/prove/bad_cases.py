"""What a bad input is, and the small store that it is given to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pylightnix import (
    Build,
    Closure,
    DRef,
    RRef,
    Store,
    build_outpath,
    build_wrapper,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    mkfile,
    realize,
    rref2dref,
)


@dataclass(frozen=True)
class Shop:
    """What a bad input may be given to.

    Attributes:
        root: of the store.
        outside: a folder that is not the store's.
        closure: of one stage that is realized.
        rref: its realization.
        other: another realization.
    """

    root: str
    outside: str
    store: Store
    closure: Closure
    rref: RRef
    other: RRef

    @property
    def dref(self) -> DRef:
        """The derivation of `rref`."""
        return rref2dref(self.rref)


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        act: gives it to the library; must raise a `PylightnixError`.
        prepare: done before, and its result handed to `act`; what it leaves does not count.
        builds: a builder is run: its folder and log may stay, as documented.
    """

    name: str
    act: Callable[[Shop, Any], object]
    prepare: Callable[[Shop], Any] = lambda shop: None
    builds: bool = False


def open_shop(top: str) -> Shop:
    """Make the store."""
    os.makedirs(f"{top}/outside")
    store = Store.open(f"{top}/root", create=True, durability="none")
    closure = instantiate(mkfile, "good", "text", store=store)
    other = realize(instantiate(mkfile, "other", "text", store=store))
    return Shop(f"{top}/root", f"{top}/outside", store, closure, realize(closure), other)


def of(name: str, act: Callable[[Shop], object]) -> Case:
    """A case without preparation."""
    return Case(name, lambda shop, _: act(shop))


def given(act: Callable[[Shop, Any], object], value: Any) -> Callable[[Shop], object]:
    """Something done with a bad value."""
    return lambda shop: act(shop, value)


def build_of(name: str, builder: Callable[[Shop, Build], object]) -> Case:
    """A case in which a builder makes something hostile."""

    def prepare(shop: Shop) -> Closure:
        def make(b: Build) -> None:
            builder(shop, b)

        return closure_of(shop, build_wrapper(make), case=name)

    return Case(name, lambda shop, closure: realize(closure), prepare, builds=True)


def realizer_of(name: str, realizer: Callable[[Shop], Callable[..., Any]]) -> Case:
    """A case in which a realizer returns nonsense."""
    return Case(
        name,
        lambda shop, closure: realize(closure),
        lambda shop: closure_of(shop, realizer(shop), case=name),
        builds=True,
    )


def closure_of(shop: Shop, realizer: Any, **fields: object) -> Closure:
    """The closure of one stage."""

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "bad", **fields}), match_only(), realizer)

    return instantiate(stage, store=shop.store)


def empty(b: Build) -> None:
    """Make an empty output folder."""
    build_outpath(b)
