"""The REPL: stop in the middle of a realize, work on a build by hand, go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack

from pylightnix.core.given import require_number
from pylightnix.core.plan import finished
from pylightnix.core.refs import DRef, RRef
from pylightnix.engine.build import Build
from pylightnix.engine.closure import Closure
from pylightnix.engine.events import Listener
from pylightnix.engine.listening import ignore
from pylightnix.engine.pause import NotPaused
from pylightnix.engine.session import Session
from pylightnix.engine.workshop import Workshop
from pylightnix.store.scratch import Scratch
from pylightnix.store.trouble import told
from pylightnix.store.usage import AmbiguousResult

from .ambient import for_work, live_roots
from .given import Force, check_closure, forced, known_drefs
from .helper import Helpers, ReplHelper, begun, noted, of_build, pause_of, the
from .options import check_options
from .stage import Arguments, invoke

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any


def repl_realize(
    closure: Closure,
    force_interrupt: Force | bool = True,
    realize_args: Arguments | None = None,
    *,
    stop_at_failure: bool = False,
    lock_timeout_s: float | None = None,
    on_event: Listener | None = None,
) -> ReplHelper:
    """Realize a closure up to some derivations, and stop there, for these to be built by hand.

    All that can be built without them is built before. What waits is built by hand (`repl_build`,
    `repl_continueBuild`), or by its own realizer after all (`repl_continue`), or given up
    (`repl_cancel`).

    Args:
        closure: as `instantiate` returned it.
        force_interrupt: where to stop: True at the targets, or at these DRefs, whether the store
            has realizations of them or not; False nowhere.
        realize_args: as of `realize`.
        stop_at_failure: stop also where a builder fails, with what it had made, instead of raising.
        lock_timeout_s: as of `realize`.
        on_event: as of `realize`.

    Raises:
        InvalidValue, UnknownTarget: an argument is not what it should be.
        BuildFailed, PromiseBroken, MatcherUnsatisfied, StoreBusy: as `realize`.

    Effects: those of `realize`. Until the session ends, by success or by `repl_cancel`, a build
        lock, a scratch folder and the closure's use of the store are held: other processes wait for
        what is being built here, and no collector takes any of it.
    Concept: the plan is a value, so it can be put down and taken up again.
    """
    check_closure("repl_realize", closure)
    emit = ignore if on_event is None else on_event
    check_options({"lock_timeout_s": lock_timeout_s, "on_event": emit})
    stops = frozenset() if force_interrupt is False else forced(closure, force_interrupt)
    args = realize_args or {}
    known_drefs(closure, "realize_args", args)
    return _begun(closure, stops, args, stop_at_failure, lock_timeout_s, emit)


@told
def _begun(
    closure: Closure,
    stops: frozenset[DRef],
    args: Mapping[DRef, Mapping[str, Any]],
    stop_at_failure: bool,
    lock_timeout_s: float | None,
    emit: Listener,
) -> ReplHelper:
    store = for_work(closure.store)
    stack = ExitStack()
    try:
        drefs = [drv.dref for drv in closure.derivations]
        stack.enter_context(live_roots(store).at_work(drefs))
        scratch = stack.enter_context(Scratch(store))
        shop = Workshop(store, scratch, stops, args, lock_timeout_s, emit, invoke)
        helper = ReplHelper(Session(closure, shop, stop_at_failure, stack))
        helper._session.run()
    except BaseException:
        stack.close()
        raise
    begun(helper)
    return helper


def repl_build(rh: ReplHelper | None = None, nouts: int | None = None) -> Build:
    """Give the Build of the derivation that waits, with its output folders made.

    It is what the stage's own functions take; asked again it is the same. Where a builder has
    failed the folders are those that it left, with what it had put there.

    Args:
        rh: as `repl_realize` returned it; by default the last one.
        nouts: how many output folders; by default as many as the stage's builder has.

    Raises:
        NotPaused: nothing waits.
    """
    if nouts is not None:
        require_number("nouts", nouts, whole=True)
    return pause_of(the(rh)).work(nouts)


def repl_continueBuild(b: Build | None = None, rh: ReplHelper | None = None) -> RRef | None:
    """Store what was made by hand, and go on realizing, to the end or to where it stops next.

    Args:
        b: as `repl_build` gave it.
        rh: whose; by default found by the Build, or the last one.

    Returns:
        The result, as `repl_rref`.

    Raises:
        NotPaused: the Build does not wait any more.
        PromiseBroken: something is missing. The same Build goes on: make it and call this again.
        BuildFailed: something cannot be stored; likewise. Or another derivation failed, that came
            after: `repl_continue` tries that again.
        MatcherUnsatisfied: the output is stored, and the matcher does not want it.
    """
    helper = of_build(b, rh)
    build = pause_of(helper).work(None)
    return _went_on(helper, lambda: helper._session.put(lambda: list(build.outpaths)))


def repl_continue(
    rh: ReplHelper | None = None,
    *,
    out_paths: Iterable[str | os.PathLike[str]] | None = None,
    out_rrefs: Iterable[RRef] | None = None,
) -> RRef | None:
    """Go on realizing: with a Build that was begun, or else by the stage's own realizer.

    Args:
        rh: as `repl_realize` returned it; by default the last one.
        out_paths: folders to store as the outputs of what waits; they are copied.
        out_rrefs: realizations in the store to take for it.

    Returns:
        The result, as `repl_rref`.

    Raises:
        NotPaused: the session is over.
        RealizeError, StoreError: as `repl_continueBuild`.
    """
    from pathlib import Path

    helper = the(rh)
    session, pause = helper._session, helper._session.pause
    if session.ended:
        raise NotPaused(True)
    if out_rrefs is not None:
        return _went_on(helper, lambda: session.choose([RRef(rref) for rref in out_rrefs]))
    if out_paths is not None:
        return _went_on(helper, lambda: session.put(lambda: [Path(path) for path in out_paths]))
    if pause is None:
        return _went_on(helper, session.run)
    build = pause.build
    if build is None:
        return _went_on(helper, lambda: session.put(None))
    return repl_continueBuild(build, helper)


def repl_cancel(rh: ReplHelper | None = None) -> None:
    """Give a session up: its folders, its log and its lock; what was realized before stays.

    Args:
        rh: as `repl_realize` returned it; by default the last one. One that has ended is left
            alone.
    """
    helper = the(rh)
    if not helper._session.ended:
        helper._session.end()
    noted()


def repl_cancelBuild(b: Build | None = None, rh: ReplHelper | None = None) -> None:
    """Give up the session that a Build belongs to, as `repl_cancel`.

    Raises:
        NotPaused: the Build does not wait any more.
    """
    repl_cancel(of_build(b, rh))


def repl_rrefs(rh: ReplHelper | None = None) -> list[RRef] | None:
    """Give all chosen realizations of the targets, in their order; None until all is realized."""
    session = the(rh)._session
    if not finished(session.plan):
        return None
    return [rref for target in session.closure.targets for rref in session.plan.done[target]]


def repl_rref(rh: ReplHelper | None = None) -> RRef | None:
    """Give the one realization of the one target; None until all is realized.

    Raises:
        AmbiguousResult: there are several, or none; see `repl_rrefs`.
    """
    found = repl_rrefs(rh)
    if found is not None and len(found) != 1:
        raise AmbiguousResult("the closure", tuple(found))
    return None if found is None else found[0]


def _went_on(helper: ReplHelper, act: Callable[[], None]) -> RRef | None:
    """Let a session go on; give its result, if it has one and only one."""
    Helpers.last = helper
    try:
        told(act)()
    finally:
        noted()
        index = helper.store.index
        if index is not None:
            index.flush()
    found = repl_rrefs(helper)
    return found[0] if found is not None and len(found) == 1 else None
