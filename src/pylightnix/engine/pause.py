"""A derivation that waits for the user in the middle of a realize."""

from __future__ import annotations

from pylightnix.core.context import Context
from pylightnix.core.errors import RealizeError
from pylightnix.store.layout import Store

from .arguments import RealizeArg
from .build import Build
from .produce import BuildFailed, PromiseBroken
from .registry import Derivation


class Pause:
    """A derivation that waits for the user; a stateful handle.

    Attributes:
        drv: what is to be made.
        store: knows that its build lock is held.
        context: the realizations of its dependencies.
        rarg: what its builder is told.
        left: the folders in which that worked, if it ran and failed.
        error: of the builder, if that ran and failed.
        build: what the user works on, once it was asked for.
    """

    __slots__ = ("build", "context", "drv", "error", "left", "rarg", "store")

    def __init__(
        self,
        drv: Derivation,
        store: Store,
        context: Context,
        rarg: RealizeArg,
        left: tuple[str, ...] = (),
        error: BuildFailed | PromiseBroken | None = None,
    ) -> None:
        self.drv, self.store, self.context, self.rarg = drv, store, context, rarg
        self.left, self.error = left, error
        self.build: Build | None = None

    def work(self, nouts: int | None) -> Build:
        """Give the one Build; of a builder that failed it has the folders which that left."""
        from pathlib import Path

        if self.build is None:
            wanted: int = getattr(self.drv.realizer, "nouts", 1) if nouts is None else nouts
            build = Build(self.store, self.drv.dref, self.context, self.rarg, max(1, wanted))
            build.outpaths += map(Path, self.left)
            build.make_outputs()
            self.build = build
        return self.build


class NotPaused(RealizeError):
    """There is no derivation that waits for the user."""

    def __init__(self, ended: bool) -> None:
        super().__init__(ended)
        self.ended = ended

    def __str__(self) -> str:
        if self.ended:
            return "the session is over: start another one with repl_realize"
        return "nothing waits to be built here: repl_continue(rh) goes on with the rest"
