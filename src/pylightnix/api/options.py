"""The options of `realize`: what is asked for, checked, and turned into a workshop and a crew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

from pyrsistent import PMap

from pylightnix.core.context import Context
from pylightnix.core.errors import InvalidValue, RealizeError
from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef
from pylightnix.engine import realize as engine
from pylightnix.engine.arguments import RealizeArg
from pylightnix.engine.closure import Closure
from pylightnix.engine.crew import Crew
from pylightnix.engine.events import Listener, ignore
from pylightnix.engine.registry import Realizer
from pylightnix.engine.workshop import Workshop
from pylightnix.store.layout import Durability, Store, mkstore
from pylightnix.store.query import duration_of
from pylightnix.store.scratch import Scratch
from pylightnix.store.trouble import told

from .ambient import environment, live_roots, use_store

Force: TypeAlias = "Literal[True] | Iterable[DRef]"
Arguments: TypeAlias = Mapping[DRef, Mapping[str, Any]]


class Options(TypedDict, total=False):
    """How to realize; every option may be left out.

    Attributes:
        durability: what is flushed when it returns: `full`, `batch` or `none`; by default the
            store's.
        lock_timeout_s: how long to wait for another process that builds the same; None (default)
            without end.
        on_event: is told what happens; see `pylightnix.engine.events`.
        jobs: how many builds at once, by default 1. More than one run in a process each.
        executor: where builders run: `serial`, `threads`, `processes`, `dask:ADDRESS`, `slurm`, a
            dask `Client`, or any `concurrent.futures.Executor`. Workers elsewhere must reach the
            store at the same path.
        keep_going: after a failure, build everything that does not need what failed, and raise
            one `BuildsFailed` at the end.
        retries: how often a failed build is tried again.
        timeout_s: how long one build may take; what takes longer is stopped.
    """

    durability: Durability | None
    lock_timeout_s: float | None
    on_event: Listener
    jobs: int | None
    executor: Any
    keep_going: bool
    retries: int
    timeout_s: float | None


class UnknownTarget(RealizeError):
    """A derivation was named that the closure does not have."""

    def __init__(self, what: str, drefs: tuple[str, ...], known: tuple[str, ...]) -> None:
        super().__init__(what, drefs, known)
        self.what, self.drefs, self.known = what, drefs, known

    def __str__(self) -> str:
        have = ", ".join(self.known[:10]) + (", ..." if len(self.known) > 10 else "")
        return f"{self.what} names {', '.join(self.drefs)}, not of this closure, which has: {have}"


def invoke(
    realizer: Realizer, store: Store, dref: DRef, context: Context, rarg: RealizeArg
) -> Sequence[Path]:
    """Call a realizer with the build's store as the current one, so that it may realize things."""
    with use_store(store):
        return realizer(store, dref, context, rarg)


@told
def realized(
    closure: Closure,
    force_rebuild: Force,
    assert_realized: Iterable[DRef],
    realize_args: Arguments | None,
    options: Options,
) -> PMap[DRef, Chosen]:
    """Realize a closure; gives the chosen realizations of all its derivations."""
    check(closure, options)
    store = _with_durability(closure.store, options.get("durability"))
    force = (
        closure.targets
        if force_rebuild is True
        else _known(closure, "force_rebuild", force_rebuild)
    )
    asserted = _known(closure, "assert_realized", assert_realized)
    args = realize_args or {}
    _known(closure, "realize_args", args)
    wait_s, emit = options.get("lock_timeout_s"), options.get("on_event", ignore)
    drefs = [drv.dref for drv in closure.derivations]
    index = store.index
    if index is not None:
        index.load("shelf", drefs)
    try:
        # First say what is in use, then look: what a collector took before that is found missing,
        # and made again.
        with (
            live_roots(store).at_work(drefs),
            Scratch(store) as scratch,
            _crew(store, options) as crew,
        ):
            shop = Workshop(store, scratch, frozenset(force), args, wait_s, emit, invoke)
            return engine.realize(closure, shop, crew, asserted).done
    finally:
        if index is not None:
            index.flush()


def _crew(store: Store, options: Options) -> AbstractContextManager[Crew]:
    """The workers that were asked for; the everyday case needs none and imports nothing."""
    executor, jobs = options.get("executor"), options.get("jobs")
    base = Crew(
        keep_going=options.get("keep_going", False),
        retries=options.get("retries", 0),
        timeout_s=options.get("timeout_s"),
    )
    if executor is None and jobs in (None, 1) and base.timeout_s is None and base.retries == 0:
        return nullcontext(base)
    from pylightnix.executors.choice import crew_for

    timed = replace(base, duration=lambda dref: duration_of(store, dref))
    return crew_for(executor, jobs, timed, environment(), store)


def check(closure: object, options: Options) -> None:
    """Raise `InvalidValue` for what is no closure, or no option."""
    if not isinstance(closure, Closure):
        raise InvalidValue(f"realize takes what `instantiate` returned, not {closure!r:.100}")
    for name in options.keys() - Options.__annotations__.keys():
        known = ", ".join(Options.__annotations__)
        raise InvalidValue(f"realize has no option {name!r}; it has {known}")


def _with_durability(store: Store, durability: Durability | None) -> Store:
    if durability is None:
        return store
    return replace(store, durability=mkstore(store.objects, store.var, durability).durability)


def _known(closure: Closure, what: str, drefs: Iterable[DRef]) -> frozenset[DRef]:
    """Parse a user's list of derivations, which must be of the closure."""
    if drefs and not isinstance(drefs, Iterable):
        raise InvalidValue(f"{what} takes DRefs of the closure, not {drefs!r:.100}")
    listed = (drefs,) if isinstance(drefs, str) else tuple(drefs or ())
    parsed = frozenset(DRef(dref) for dref in listed)
    known = tuple(drv.dref for drv in closure.derivations) if parsed else ()
    strange = parsed.difference(known)
    if strange:
        raise UnknownTarget(what, tuple(sorted(strange)), known)
    return parsed
