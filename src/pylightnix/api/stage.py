"""From a stage to its realizations: `instantiate`, `realize` and their relatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext

from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import changed
from pylightnix.engine import realize as engine
from pylightnix.engine.arguments import RealizeArg
from pylightnix.engine.closure import (
    Closure,
    Making,
    close_over,
    fill,
    map_result,
    takes_registry,
)
from pylightnix.engine.listening import ignore
from pylightnix.engine.registry import Derivation, Realizer, Registry
from pylightnix.engine.workshop import Workshop
from pylightnix.store.layout import Store
from pylightnix.store.scratch import Scratch
from pylightnix.store.single import only
from pylightnix.store.trouble import told

from .ambient import (
    current_registry,
    for_work,
    live_roots,
    resolved,
    resolved_registry,
    with_store,
)
from .given import Force, check_closure, forced, known_drefs
from .options import check_options, crew_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from functools import partial
    from pathlib import Path
    from typing import Any, ParamSpec, Protocol, TypeAlias, Unpack, overload

    from pylightnix.core.context import Context

    from .options import Options
    from .staged import Stage

    P = ParamSpec("P")

    class Plain(Protocol):
        """A function; what `autostage` makes has no `__name__` for type checkers, and is none."""

        @property
        def __name__(self) -> str: ...

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

else:

    def overload(function):
        """Tells type checkers something; here it does nothing."""
        return function


Arguments: TypeAlias = "Mapping[DRef, Mapping[str, Any]]"


@overload
def instantiate(stage: Stage[P], /, *args: P.args, **kwargs: P.kwargs) -> Closure: ...  # noqa: D103
@overload
def instantiate(  # noqa: D103, F811
    stage: Plain | partial[Any] | type[Any] | DRef | Sequence[Any] | Mapping[str, Any],
    *args: Any,
    store: Store | None = None,
    r: Registry | None = None,
    **kwargs: Any,
) -> Closure: ...
def instantiate(  # type: ignore[misc]  # noqa: F811 - P may have a `store`, for all mypy knows
    stage: Any, *args: Any, store: Store | None = None, r: Registry | None = None, **kwargs: Any
) -> Closure:
    """Run a stage and collect the derivations that it leaves; nothing is built.

    Args:
        stage: a function that returns a DRef, or a list, tuple or dict of them; it is called with
            `r=` if it has a parameter of that name. Or what `autostage` made; or DRefs made under
            the current registry.
        args: passed on to the stage.
        store: where to put the configs and later the realizations; by default the current store.
        r: the registry to fill; by default a new one.
        kwargs: passed on to the stage.

    Returns:
        The closure: targets and every derivation that they need, dependencies first.

    Raises:
        InvalidConfig, UnknownDependency: a stage made something impossible.
        NestedInstantiate: the registry is being filled by an outer `instantiate`.
        NoStore: there is no store.

    Effects: writes the configs that the store does not have.
    Concept: store derivations (Dolstra 2006, section 5.4).
    """
    where = resolved(store)
    if r is not None and not isinstance(r, Registry):
        kwargs, r = {**kwargs, "r": r}, None  # a radius, say: a parameter of the stage
    if not callable(stage):
        return told(close_over)(resolved_registry(r), where, stage, live_roots(where).hold)
    registry = Registry(where) if r is None else r
    result = call_stage(registry, where, stage, args, kwargs)
    closure = told(close_over)(registry, where, result, live_roots(where).hold)
    # What was left in somebody's registry before cannot be made again by this call alone.
    making = None if r is not None else Making(stage, args, kwargs, remake)
    return changed(closure, making=making)


def remake(
    stage: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], store: Store
) -> Mapping[DRef, Derivation]:
    """Call a stage again, in a worker, and give the derivations that it leaves."""
    registry = Registry(store)
    call_stage(registry, store, stage, args, kwargs)
    return registry.derivations


def sketch(stage: Callable[..., Any], *args: Any, store: Store, **kwargs: Any) -> Closure:
    """Instantiate a stage without writing anything: for what is only to be looked at.

    Raises as `instantiate`.
    """
    registry = Registry(store)
    return close_over(registry, store, call_stage(registry, store, stage, args, kwargs), None)


def call_stage(
    registry: Registry,
    store: Store,
    stage: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Call a stage with its registry and store as the current ones."""
    if registry.store is None:
        registry.store = store
    given = {"r": registry, **kwargs} if takes_registry(stage) else kwargs
    with current_registry(registry):
        return with_store(store, fill, registry, lambda: stage(*args, **given))


def invoke(
    realizer: Realizer, store: Store, dref: DRef, context: Context, rarg: RealizeArg
) -> Sequence[Path]:
    """Call a realizer with the build's store as the current one, so that it may realize things."""
    return with_store(store, realizer, store, dref, context, rarg)


@told
def _realized(
    closure: Closure,
    force_rebuild: Force,
    assert_realized: Iterable[DRef],
    realize_args: Arguments | None,
    options: Options,
) -> Mapping[DRef, Chosen]:
    _check(closure, options)
    store = for_work(closure.store, options.get("durability"))
    force = forced(closure, force_rebuild)
    asserted = known_drefs(closure, "assert_realized", assert_realized)
    args = realize_args or {}
    known_drefs(closure, "realize_args", args)
    wait_s, emit = options.get("lock_timeout_s"), options.get("on_event", ignore)
    drefs = [drv.dref for drv in closure.derivations]
    index = store.index
    if index is not None:
        index.load("shelf", drefs)
    at_work = getattr(emit, "at_work", None)
    try:
        # First say what is in use, then look: what a collector took before that is found missing,
        # and made again.
        with live_roots(store).at_work(drefs), Scratch(store) as scratch:
            shop = Workshop(store, scratch, force, args, wait_s, emit, invoke)
            with nullcontext() if at_work is None else at_work(closure):
                return engine.realize(
                    closure, shop, lambda: crew_of(options, store, drefs), asserted
                ).done
    finally:
        if index is not None:
            index.flush()


def _check(closure: object, options: Options) -> None:
    check_closure("realize", closure)
    check_options(options)


def realize(
    closure: Closure,
    force_rebuild: Force = (),
    assert_realized: Iterable[DRef] = (),
    realize_args: Arguments | None = None,
    **options: Unpack[Options],
) -> RRef:
    """Find or build the one realization of a closure's one target.

    Goes in dependency order; at each derivation its matcher chooses among what the store has, or
    asks for a build.

    Args:
        closure: as `instantiate` returned it, with exactly one target.
        force_rebuild: `True` for the targets, or DRefs: build them even if something matches.
        assert_realized: DRefs that must not be built.
        realize_args: per DRef, arguments for its realizer (`b.rarg`); they are not hashed.
        options: `jobs`, how many builds at once; `executor`, where builders run (`serial`,
            `threads`, `processes`, `dask:ADDRESS`, `slurm`, a dask `Client`, or any
            `concurrent.futures.Executor`); `keep_going`, build all that does not need what failed;
            `retries`, how often a failed build is tried again; `timeout_s`, how long one build may
            take; `on_event`, called with what happens (see `progress` and
            `pylightnix.engine.events`);
            `lock_timeout_s`, how long to wait for another process that builds the same (None, the
            default, without end); `durability`, what is flushed when it returns (`full`, `batch` or
            `none`; by default the store's).

    Returns:
        The realization chosen by the target's matcher.

    Raises:
        InvalidValue: an argument is not what it should be.
        UnknownTarget: a DRef was named that the closure does not have.
        AmbiguousResult: the closure has several targets, or the matcher chose several realizations,
            or none.
        BuildFailed: a builder raised; `.dref`, `.folder` and `.log` say which and where.
        PromiseBroken: a builder did not make what its config promises.
        MatcherUnsatisfied: a matcher does not want what there is, nor what was built.
        BuildsFailed: with `keep_going`, all that failed.
        TimedOut, WorkerDied, CannotTravel, OtherCode: what goes wrong with workers.
        NotRealized: one of `assert_realized` would have to be built.
        StoreBusy: another process was still building after `lock_timeout_s`.

    Effects: writes below the store's root only; holds a build lock for each running build.
    """
    _check(closure, options)
    target = only("the closure", closure.targets)
    chosen = _realized(closure, force_rebuild, assert_realized, realize_args, options)[target]
    return only(target, chosen)


def realize_many(
    closure: Closure,
    force_rebuild: Force = (),
    assert_realized: Iterable[DRef] = (),
    realize_args: Arguments | None = None,
    **options: Unpack[Options],
) -> list[RRef]:
    """Find or build all chosen realizations of a closure's targets.

    Arguments and errors are those of `realize`.

    Returns:
        Target by target, each in the order of its matcher: the best first.
    """
    done = _realized(closure, force_rebuild, assert_realized, realize_args, options)
    return [rref for target in closure.targets for rref in done[target]]


def realize_context(
    closure: Closure,
    force_rebuild: Force = (),
    assert_realized: Iterable[DRef] = (),
    realize_args: Arguments | None = None,
    **options: Unpack[Options],
) -> tuple[Any, Context]:
    """Find or build a whole closure; arguments and errors are those of `realize`.

    Returns:
        The stage's result, of the same shape, with an RRef in the place of each DRef (or a tuple of
        RRefs, where the matcher chose another number than one); and the chosen realizations of
        every derivation of the closure.
    """
    from pylightnix.core.context import mkcontext

    done = _realized(closure, force_rebuild, assert_realized, realize_args, options)

    def leaf(dref: DRef) -> RRef | tuple[RRef, ...]:
        return done[dref][0] if len(done[dref]) == 1 else done[dref]

    return map_result(closure.result, leaf), mkcontext(done)
