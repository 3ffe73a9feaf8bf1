"""The in-place API: one global registry, for scripts and interactive use."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from pylightnix.core.refs import DRef, RRef
from pylightnix.engine.closure import NotADerivation, close_over
from pylightnix.engine.registry import Registry
from pylightnix.store.objects import put_derivation

from .ambient import current_store, live_roots
from .given import Force
from .stage import call_stage, realize

_global = Registry()


def instantiate_inplace(stage: Callable[..., Any], *args: Any, **kwargs: Any) -> DRef:
    """Run a stage in the one global registry, so that later stages may depend on what it leaves.

    Args:
        stage: a function that returns a DRef.
        args: passed on to it.
        kwargs: passed on to it.

    Returns:
        The DRef that the stage returned.

    Raises:
        NotADerivation: the stage returned something else.
        InvalidConfig, UnknownDependency, NestedInstantiate, NoStore: as `instantiate`.

    Effects: writes the configs that the store does not have.
    """
    store = current_store()
    before = len(_global.derivations)
    dref = call_stage(_global, store, stage, args, kwargs)
    if not isinstance(dref, DRef):
        raise NotADerivation(f"{type(dref).__name__}: {dref!r:.100}")
    fresh = list(islice(_global.derivations.values(), before, None))
    live_roots(store).hold([drv.dref for drv in fresh])
    for drv in fresh:
        put_derivation(store, drv.dref, drv.config)
    return dref


def realize_inplace(dref: DRef, force_rebuild: Force = ()) -> RRef:
    """Find or build the one realization of a derivation made by `instantiate_inplace`.

    Args:
        dref: as `instantiate_inplace` returned it.
        force_rebuild: `True` for `dref` itself, or DRefs: build them even if something matches.

    Raises:
        InstantiateError: the derivation is not in the global registry.
        RealizeError, StoreError: as `realize`.
    """
    store = current_store()
    closure = close_over(_global, store, DRef(dref), live_roots(store).hold)
    return realize(closure, force_rebuild)
