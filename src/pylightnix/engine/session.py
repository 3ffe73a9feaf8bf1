"""Stop in the middle of a realize: build up to a derivation, hand it to the user, go on from there.

The same plan is advanced as by `realize`, in this process, one build after the other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress

from pylightnix.core.context import Context, mkcontext
from pylightnix.core.plan import (
    Chosen,
    advance,
    finished,
    given_back,
    mkplan,
    ready,
    settled,
    started,
)
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import changed
from pylightnix.store.layout import Store, log_path
from pylightnix.store.lock import build_lock
from pylightnix.store.objects import put_derivation
from pylightnix.store.query import rrefs

from .arguments import RealizeArg
from .closure import Closure
from .events import Waiting
from .look import looker
from .matchers import MatcherUnsatisfied
from .pause import NotPaused, Pause
from .produce import BuildFailed, PromiseBroken, produce
from .registry import Derivation, Realizer
from .workshop import Workshop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

Outputs: TypeAlias = "Sequence[Path]"


class Session:
    """A realize that stops where it is told to; a stateful handle.

    Args:
        closure: what is realized.
        shop: the store and how to build; its `force` are the derivations at which to stop.
        stop_at_failure: whether to stop also where a builder fails, instead of raising.
        stack: what is held until the session ends: scratch, and that things are in use.

    Attributes:
        pause: where it has stopped; None if nowhere.
        plan: what is settled and what is not.
    """

    def __init__(
        self, closure: Closure, shop: Workshop, stop_at_failure: bool, stack: ExitStack
    ) -> None:
        self.closure, self._stack = closure, stack
        self._stop_at_failure = stop_at_failure
        self._lock = stack.enter_context(ExitStack())
        self._left: tuple[str, ...] = ()
        self._kept: list[str] = []
        self._logs: list[str] = []
        self._call = shop.invoke
        self.shop = changed(shop, invoke=self._watched)
        self._known = {drv.dref: drv for drv in closure.derivations}
        self._look = looker(shop.store, closure.derivations, shop.force)
        self.plan = mkplan(closure.needs)
        self.pause: Pause | None = None
        self.ended = False

    def run(self) -> None:
        """Build until all is done, or nothing is left but what we stop at.

        Raises:
            RealizeError, StoreError: as `produce`; another call tries again.
        """
        while self.pause is None:
            self.plan = advance(self.plan, self._look)
            todo = ready(self.plan)
            if not todo:
                break
            stops = self.shop.force
            dref = next((dref for dref in todo if dref not in stops), todo[0])
            context = {dep: self.plan.done[dep] for dep in self.plan.needs[dref]}
            self.plan = started(self.plan, dref)
            try:
                if dref in stops:
                    self._stop(dref, context)
                else:
                    self._settle(dref, self._made(self.shop, dref, context))
            except BaseException:
                if dref in self.plan.running:
                    self.plan = given_back(self.plan, dref)
                raise
        if finished(self.plan):
            self.end()

    def _settle(self, dref: DRef, chosen: Chosen | None) -> None:
        if chosen is not None:
            self.plan = settled(self.plan, dref, chosen)

    def _made(self, shop: Workshop, dref: DRef, context: Mapping[DRef, Chosen]) -> Chosen | None:
        """Have something built; None if that failed, and we have stopped there."""
        self._left = ()
        try:
            return produce(shop, self._known[dref], context)
        except (BuildFailed, PromiseBroken) as error:
            left = self._left_there(error)
            if not self._stop_at_failure or error.dref != dref:
                self._kept += left
                self._logs.append(log_path(shop.store, dref))
                raise
            self._stop(dref, context, left, error)
            return None

    def _stop(
        self,
        dref: DRef,
        context: Mapping[DRef, Chosen],
        left: tuple[str, ...] = (),
        error: BuildFailed | PromiseBroken | None = None,
    ) -> None:
        """Take the build lock and wait for the user."""
        drv, shop = self._known[dref], self.shop

        def on_wait(holder: str) -> None:
            shop.emit(Waiting(dref, holder, time.monotonic()))

        wait_s = shop.lock_timeout_s
        lock = build_lock(shop.store, dref, wait_s=wait_s, on_wait=on_wait)
        store = self._lock.enter_context(lock)
        put_derivation(store, dref, drv.config)
        rarg = self._argument(drv, store)
        if error is not None:
            rarg.logged = True  # its log is the beginning of ours
            shop.scratch.made += left
        self.pause = Pause(drv, store, mkcontext(context), rarg, left, error)

    def _argument(self, drv: Derivation, store: Store) -> RealizeArg:
        shop = self.shop
        values = shop.args.get(drv.dref, {})
        log = log_path(store, drv.dref)
        return RealizeArg(values, drv.config, shop.scratch.new, log=log, emit=shop.emit)

    def _watched(
        self, realizer: Realizer, store: Store, dref: DRef, context: Context, rarg: RealizeArg
    ) -> Outputs:
        """Call a realizer, and remember where it worked."""
        try:
            return self._call(realizer, store, dref, context, rarg)
        finally:
            self._left = tuple(self.shop.scratch.made)

    def _left_there(self, error: BaseException) -> tuple[str, ...]:
        """Give the folders that a failed builder left, or that were kept for it."""
        kept = (error.folder,) if isinstance(error, BuildFailed | PromiseBroken) else ()
        return tuple(path for path in dict.fromkeys((*self._left, *kept)) if os.path.lexists(path))

    # What the user decides

    def put(self, folders: Callable[[], Outputs] | None) -> None:
        """Store what was made for the derivation that waits, and go on.

        Args:
            folders: gives the outputs; None has the stage's own realizer make them. If the matcher
                wants further realizations, these too are made by the realizer.

        Raises:
            PromiseBroken, BuildFailed, MatcherUnsatisfied: then the derivation still waits.
        """
        pause = self._paused()
        handed = folders is None

        def hand_over(
            realizer: Realizer, store: Store, dref: DRef, context: Context, rarg: RealizeArg
        ) -> Outputs:
            nonlocal handed
            if handed or folders is None:
                return self._watched(realizer, store, dref, context, rarg)
            handed = True
            rarg.logged = pause.rarg.logged
            self._left = tuple(self.shop.scratch.made)
            return folders()

        dref = pause.drv.dref
        shop = changed(
            self.shop, store=pause.store, force=self.shop.force | {dref}, invoke=hand_over
        )
        try:
            chosen = produce(shop, pause.drv, pause.context)
        except BaseException as error:
            self._wait_again(pause, error)
            raise
        self._resume(chosen)

    def _wait_again(self, pause: Pause, error: BaseException) -> None:
        """Give a Build that was refused its folders back, but for those that are stored."""
        made = self.shop.scratch.made
        left = self._left_there(error)
        made += [path for path in left if path not in made]
        if isinstance(error, BuildFailed | PromiseBroken):
            pause.error = error
        pause.left = left
        if pause.build is not None:
            there = [path for path in pause.build.outpaths if os.path.lexists(path)]
            pause.build.outpaths[:] = there
            if not there:
                pause.build, pause.left = None, ()

    def choose(self, given: Iterable[RRef]) -> None:
        """Take realizations that the store has for the derivation that waits, and go on.

        Raises:
            MatcherUnsatisfied: they are not of it, or not with these dependencies.
        """
        pause = self._paused()
        chosen = tuple(given)
        there = rrefs(pause.store, pause.drv.dref, dict(pause.context))
        if not chosen or set(chosen) - set(there):
            raise MatcherUnsatisfied(
                pause.drv.dref,
                ", ".join(chosen) or "no realization at all",
                tuple(there),
                "Give realizations that the store has, with the same dependencies",
            )
        self._resume(chosen)

    def _paused(self) -> Pause:
        if self.pause is None:
            raise NotPaused(self.ended)
        return self.pause

    def _resume(self, chosen: Chosen | None) -> None:
        pause = self._paused()
        self.pause = None
        self.shop.scratch.drop()
        self._lock.close()
        self._settle(pause.drv.dref, chosen)
        self.run()

    def end(self) -> None:
        """Let go of everything. What waits is given up: its folders, its log and its lock."""
        pause, self.pause = self.pause, None
        if not finished(self.plan):
            made = self.shop.scratch.made
            made += [path for path in self._kept if path not in made]
            logs = [pause.rarg.log] if pause is not None and pause.rarg.logged else []
            for log in (*self._logs, *logs):
                with suppress(FileNotFoundError):
                    os.unlink(log)
        self.ended = True
        self._stack.close()
