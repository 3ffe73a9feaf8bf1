"""The registry, a stateful handle: `mkdrv` leaves derivations in it, `instantiate` reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pylightnix.core.config import Config, config_hash
from pylightnix.core.errors import InstantiateError, InvalidValue
from pylightnix.core.refs import DRef
from pylightnix.core.value import value
from pylightnix.store.layout import Store

from .arguments import RealizeArg
from .matchers import Matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, TypeAlias

    from pylightnix.core.context import Context

Realizer: TypeAlias = Callable[[Store, DRef, "Context", RealizeArg], "Sequence[Path]"]
"""Makes one or more output folders; `build_wrapper` turns a function of a `Build` into one."""


class NoRegistry(InstantiateError):
    """A stage was called where nobody collects derivations."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return (
            "there is no registry to leave a derivation in: "
            "call the stage through `instantiate(stage, ...)` or "
            "`instantiate_inplace(stage, ...)`, inside `with current_registry(r):`, or pass `r=`"
        )


class UnknownDependency(InstantiateError):
    """A config mentions a derivation that its registry does not know."""

    def __init__(self, dref: str, missing: tuple[str, ...]) -> None:
        super().__init__(dref, missing)
        self.dref, self.missing = dref, missing

    def __str__(self) -> str:
        return (
            f"{self.dref} depends on {', '.join(self.missing)}, unknown to its registry: "
            "call the stages of its dependencies inside the same `instantiate`"
        )


class NestedInstantiate(InstantiateError):
    """A registry that is being filled was given to another `instantiate`."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return (
            "this registry is being filled by an outer `instantiate`: "
            "leave out `r=`, or give another Registry()"
        )


@value
class Derivation:
    """What to make and how to choose among results."""

    dref: DRef
    config: Config
    matcher: Matcher
    realizer: Realizer


class Registry:
    """Collects derivations, in the order in which they were made.

    Args:
        store: which store the stages may look at (a cache of hashes, say); None if there is none
            yet.
    """

    __slots__ = ("busy", "derivations", "memo", "store")

    def __init__(self, store: Store | None = None) -> None:
        self.store = store
        self.derivations: dict[DRef, Derivation] = {}
        self.busy = False
        self.memo: dict[object, DRef] = {}  # what a stage has left while it is being filled

    def __repr__(self) -> str:
        return f"<Registry of {len(self.derivations)} derivations>"


def register(
    registry: Registry | None, config: Config, matcher: Matcher, realizer: Realizer
) -> DRef:
    """Leave a derivation in a registry.

    Of one config registered again the later matcher and realizer stand. A realizer that runs in an
    environment or a sandbox adds these to the config.

    Returns:
        Its name, made from the config's hash.

    Raises:
        NoRegistry: there is none.
        InvalidValue: something else was given.
        UnknownDependency: the config mentions derivations that the registry does not have.
    """
    if registry is None:
        raise NoRegistry
    _check(config, matcher, realizer)
    dress = getattr(realizer, "dress", None)  # of one that runs elsewhere
    if dress is not None:
        config = dress(config, registry)
    # The hash is hex and the name was checked with the config: nothing is left to validate.
    dref = str.__new__(DRef, f"dref:{config_hash(config)}-{config.name}")
    known = registry.derivations
    missing = [dep for dep in config.deps if dep not in known]
    if missing:
        raise UnknownDependency(dref, tuple(missing))
    known[dref] = Derivation(dref, config, matcher, realizer)
    return dref


def _check(config: object, matcher: object, realizer: object) -> None:
    if not isinstance(config, Config) or not callable(matcher) or not callable(realizer):
        raise InvalidValue(
            "a derivation is made of a config (see `mkconfig`), a matcher (see `match_only`) and a "
            f"realizer (see `build_wrapper`); got {config!r:.60}, {matcher!r:.60}, {realizer!r:.60}"
        )


def without_registry(fields: object) -> Any:
    """Drop registries from a dictionary, for `mkconfig(locals())` in a stage that takes `r`."""
    if type(fields) is not dict and not isinstance(fields, Mapping):
        return fields  # whoever reads it next says what is wrong
    return {key: value for key, value in fields.items() if not isinstance(value, Registry)}
