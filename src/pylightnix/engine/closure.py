"""Closures: targets and every derivation that they need, ready to be realized."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from pylightnix.core.errors import InstantiateError
from pylightnix.core.graph import reachable
from pylightnix.core.refs import DRef
from pylightnix.core.value import drawn, value
from pylightnix.store.layout import Store
from pylightnix.store.query import has_derivation

from .registry import Derivation, NestedInstantiate, Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias, TypeVar

    T = TypeVar("T")
    Remake: TypeAlias = Callable[
        [Callable[..., Any], tuple[Any, ...], Mapping[str, Any], Store], Mapping[DRef, Derivation]
    ]


class NotADerivation(InstantiateError):
    """A stage returned something that is not made of DRefs."""

    def __init__(self, got: str) -> None:
        super().__init__(got)
        self.got = got

    def __str__(self) -> str:
        return (
            "a stage must return a DRef, or a list, tuple or dict of them; "
            f"got {self.got}. Is a `return` missing?"
        )


@value
class Making:
    """How a closure was made, so that a worker can make it again.

    Attributes:
        stage: the function.
        args, kwargs: what it was called with.
        remake: calls a stage and gives the derivations that it leaves; can itself be imported.
    """

    stage: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    remake: Remake


@value
class Closure:
    """What `instantiate` returns.

    Attributes:
        result: what the stage returned: a DRef, or a list, tuple or dict of them.
        targets: the DRefs in it, in order, without repetition.
        derivations: all that the targets need and themselves, dependencies first.
        store: where their configs are, and where they are going to be realized.
        making: how it was made; None if that was not by one call of a stage.
    """

    result: Any
    targets: tuple[DRef, ...]
    derivations: tuple[Derivation, ...]
    store: Store
    making: Making | None = None
    _repr_html_ = drawn

    def __eq__(self, other: object) -> bool:
        """Compare everything but how they were made."""
        return isinstance(other, Closure) and self._made() == other._made()

    def __hash__(self) -> int:
        return hash((self.targets, self.store))

    def _made(self) -> tuple[object, ...]:
        return self.result, self.targets, self.derivations, self.store

    @property
    def needs(self) -> dict[DRef, tuple[DRef, ...]]:
        """Every derivation -> its direct dependencies, dependencies first."""
        return {drv.dref: drv.config.deps for drv in self.derivations}


def map_result(result: object, change: Callable[[DRef], Any]) -> Any:
    """Rebuild what a stage returned, with every DRef in it changed.

    Raises:
        NotADerivation: it holds something else.
    """
    if isinstance(result, DRef):
        return change(result)
    if isinstance(result, (list, tuple)):
        changed = [map_result(item, change) for item in result]
        return changed if isinstance(result, list) else tuple(changed)
    if isinstance(result, Mapping):
        return {key: map_result(item, change) for key, item in result.items()}
    raise NotADerivation(f"{type(result).__name__}: {result!r:.100}")


def fill(registry: Registry, stage: Callable[[], T]) -> T:
    """Run a stage while its registry is marked as being filled.

    Raises:
        NestedInstantiate: it is being filled already.
    """
    if registry.busy:
        raise NestedInstantiate
    registry.busy = True
    try:
        return stage()
    finally:
        registry.busy = False
        registry.memo.clear()


def close_over(
    registry: Registry,
    store: Store,
    result: object,
    hold: Callable[[list[DRef]], object] | None,
) -> Closure:
    """Make the closure of what a stage returned.

    Args:
        registry: has the derivations.
        store: gets their configs.
        result: what the stage returned.
        hold: told which derivations are going to be written, so that no collector takes them; None
            writes nothing.

    Raises:
        NotADerivation: the result is not made of DRefs.
        InstantiateError: a DRef in it is not of this registry.

    Effects: writes the configs that the store does not have.
    """
    targets: dict[DRef, None] = {}

    def note(dref: DRef) -> DRef:
        if dref not in registry.derivations:
            raise InstantiateError(
                f"{dref} is not in this registry: pass the stage itself to `instantiate`, "
                "or make the DRef under the same `current_registry(r)`"
            )
        targets[dref] = None
        return dref

    map_result(result, note)
    derivations = _needed(registry, targets)
    if hold is not None:
        hold([drv.dref for drv in derivations])
        _write(derivations, store)
    return Closure(result, tuple(targets), derivations, store)


def _write(derivations: Collection[Derivation], store: Store) -> None:
    """Write what the store lacks; dependencies come first."""
    new: set[DRef] = set()
    for drv in derivations:
        # What needs a derivation that was not there is new itself, as a rule; if it is not, whoever
        # writes it finds out.
        is_new = bool(new) and not new.isdisjoint(drv.config.deps)
        if not is_new and has_derivation(store, drv.dref, drv.config):
            continue
        from pylightnix.store.objects import put_derivation

        put_derivation(store, drv.dref, drv.config)
        new.add(drv.dref)


def _needed(registry: Registry, targets: Collection[DRef]) -> tuple[Derivation, ...]:
    """All that the targets need, in the order of registration, in which dependencies come first."""
    known = registry.derivations
    needs = {dref: drv.config.deps for dref, drv in known.items()}
    wanted = reachable(targets, needs)
    return tuple(drv for dref, drv in known.items() if dref in wanted)


def takes_registry(stage: Callable[..., object]) -> bool:
    """Tell whether a stage has a parameter named `r`, or what it says of itself."""
    told = getattr(stage, "takes_registry", None)
    if told is not None:
        return bool(told)
    inner: object = stage
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    code = getattr(inner, "__code__", None)
    if code is not None:
        return "r" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    # Slow to import, and rarely needed: for partials and callable objects.
    from inspect import signature

    try:
        return "r" in signature(stage).parameters
    except (TypeError, ValueError):
        return False


def left(stage: Callable[..., DRef], registry: Registry) -> DRef:
    """Give what a stage without arguments leaves, calling it once while a registry is filled."""
    made = registry.memo.get(stage) if registry.busy else None
    if made is None or made not in registry.derivations:
        made = stage(r=registry) if takes_registry(stage) else stage()
        if registry.busy:
            registry.memo[stage] = made
    return made
