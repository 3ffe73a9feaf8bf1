"""Stages made of other stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pylightnix.core.config import Config, config_dict, mkconfig
from pylightnix.core.context import Context
from pylightnix.core.errors import InstantiateError
from pylightnix.core.refs import DRef
from pylightnix.engine.arguments import RealizeArg
from pylightnix.engine.closure import takes_registry
from pylightnix.engine.matchers import Matcher
from pylightnix.engine.produce import NotRealized
from pylightnix.engine.registry import Derivation, NoRegistry, Realizer, Registry, register
from pylightnix.store.layout import Store

Stage = Callable[..., DRef]


def redefine(
    stage: Stage,
    new_config: Callable[[dict[str, Any]], dict[str, Any] | Config | None] | None = None,
    new_matcher: Matcher | None = None,
    new_realizer: Realizer | None = None,
) -> Stage:
    """Make a stage like another one, with some of it changed.

    The stages that it depends on stay as they are.

    Args:
        stage: returns one DRef.
        new_config: is given the config as a dictionary; changes it in place, or returns another.
        new_matcher: instead of the stage's own.
        new_realizer: instead of the stage's own.

    Returns:
        A stage that takes the arguments of the other one.

    Raises (the new stage):
        InvalidConfig: the changed config cannot be hashed.
        InstantiateError: the stage returned something else than one DRef.
    """

    def redefined(*args: Any, r: Registry | None = None, **kwargs: Any) -> DRef:
        registry, old = _instantiated(stage, args, kwargs, r)
        config = _changed(old.config, new_config)
        return register(registry, config, new_matcher or old.matcher, new_realizer or old.realizer)

    return redefined


def _instantiated(
    stage: Stage, args: tuple[Any, ...], kwargs: dict[str, Any], r: Registry | None
) -> tuple[Registry, Derivation]:
    """Call a stage into a registry of its own and keep there what it made only for us."""
    if r is None:
        raise NoRegistry
    before = set(r.derivations)
    given = {"r": r, **kwargs} if takes_registry(stage) else kwargs
    dref: object = stage(*args, **given)
    if not isinstance(dref, DRef) or dref not in r.derivations:
        raise InstantiateError(
            f"`redefine` and `realized` take a stage that returns one DRef; got {dref!r:.100}"
        )
    drv = r.derivations[dref]
    if dref not in before:
        del r.derivations[dref]
    return r, drv


def _changed(
    config: Config, change: Callable[[dict[str, Any]], dict[str, Any] | Config | None] | None
) -> Config:
    if change is None:
        return config
    fields = config_dict(config)
    returned = change(fields)
    if isinstance(returned, Config):
        return returned
    return mkconfig(fields if returned is None else returned)


def realized(stage: Stage) -> Stage:
    """Make a stage that is an error to build: it must be in the store already.

    Returns:
        A stage that takes the arguments of the other one; realizing it raises `NotRealized` where
        it would have to be built.
    """
    return redefine(stage, new_realizer=_refuse)


def _refuse(store: Store, dref: DRef, context: Context, rarg: RealizeArg) -> Sequence[Path]:
    raise NotRealized((dref,))
