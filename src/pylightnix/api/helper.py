"""What `repl_realize` returns, and which of these this process has."""

from __future__ import annotations

from pylightnix.core.context import Context
from pylightnix.core.errors import InvalidValue
from pylightnix.core.plan import finished
from pylightnix.core.refs import DRef, RRef
from pylightnix.engine.arguments import RealizeArg
from pylightnix.engine.build import Build
from pylightnix.engine.closure import Closure, map_result
from pylightnix.engine.pause import NotPaused, Pause
from pylightnix.engine.produce import BuildFailed, PromiseBroken
from pylightnix.engine.registry import Derivation
from pylightnix.engine.session import Session
from pylightnix.store.layout import Store

from .ambient import note_pauses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar


class ReplHelper:
    """A realize that can be stopped in the middle; a stateful handle, made by `repl_realize`.

    Attributes:
        store: where it realizes.
        closure: what it realizes.
        dref: what waits to be built by hand; None if nothing does.
        drv: its config, matcher and realizer.
        context: the realizations of its direct dependencies.
        rarg: the caller's `realize_args` for it.
        error: of its builder, where that failed.
        result: once all is realized, what the stage returned, with RRefs for DRefs; until then
            None.
    """

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def store(self) -> Store:
        """Where it realizes."""
        return self._session.shop.store

    @property
    def closure(self) -> Closure:
        """What it realizes."""
        return self._session.closure

    @property
    def dref(self) -> DRef | None:
        """What waits to be built by hand; None if nothing does."""
        pause = self._session.pause
        return None if pause is None else pause.drv.dref

    @property
    def drv(self) -> Derivation | None:
        """Config, matcher and realizer of what waits."""
        pause = self._session.pause
        return None if pause is None else pause.drv

    @property
    def context(self) -> Context | None:
        """The realizations of the direct dependencies of what waits."""
        pause = self._session.pause
        return None if pause is None else pause.context

    @property
    def rarg(self) -> RealizeArg | None:
        """What its builder is told."""
        pause = self._session.pause
        return None if pause is None else pause.rarg

    @property
    def error(self) -> BuildFailed | PromiseBroken | None:
        """Of the builder of what waits, where that failed."""
        pause = self._session.pause
        return None if pause is None else pause.error

    @property
    def result(self) -> Any:
        """What the stage returned, with RRefs in the place of DRefs; None until all is realized."""
        session = self._session
        if not finished(session.plan):
            return None
        done = session.plan.done

        def leaf(dref: DRef) -> RRef | tuple[RRef, ...]:
            return done[dref][0] if len(done[dref]) == 1 else done[dref]

        return map_result(session.closure.result, leaf)

    def __repr__(self) -> str:
        if self.dref is not None:
            return f"<ReplHelper at {self.dref}{'' if self.error is None else ', which failed'}>"
        if finished(self._session.plan):
            return f"<ReplHelper: all is realized: {self.result!r}>"
        return f"<ReplHelper, {'cancelled' if self._session.ended else 'in between'}>"


class Helpers:
    """Those of this process: the last one, and all that have not ended."""

    last: ReplHelper | None = None
    open: ClassVar[list[ReplHelper]] = []


def noted() -> None:
    """Forget who has ended, and tell the rest of this process which locks those hold that wait."""
    Helpers.open[:] = [rh for rh in Helpers.open if not rh._session.ended]
    pauses = [rh._session.pause for rh in Helpers.open]
    note_pauses([pause.store for pause in pauses if pause is not None])


def begun(helper: ReplHelper) -> None:
    """Note a new one."""
    Helpers.last = helper
    Helpers.open.append(helper)
    noted()


def the(rh: ReplHelper | None) -> ReplHelper:
    """Give the helper that was passed, or the last one."""
    if rh is None:
        rh = Helpers.last
        if rh is None:
            raise NotPaused(True)
    if not isinstance(rh, ReplHelper):
        raise InvalidValue(f"expected what `repl_realize` returned, not {rh!r:.100}")
    return rh


def of_build(b: Build | None, rh: ReplHelper | None) -> ReplHelper:
    """Give the helper that a Build was made by."""
    if b is None:
        return the(rh)
    if not isinstance(b, Build):
        raise InvalidValue(f"expected what `repl_build` returned, not {b!r:.100}")
    for helper in Helpers.open if rh is None else [the(rh)]:
        pause = helper._session.pause
        if pause is not None and pause.build is b:
            return helper
    raise NotPaused(True)


def pause_of(rh: ReplHelper) -> Pause:
    """Give what waits; `NotPaused` if nothing does."""
    pause = rh._session.pause
    if pause is None:
        raise NotPaused(rh._session.ended)
    return pause
