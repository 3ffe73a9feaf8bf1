"""A crew: the workers of one `realize`, and what is done when one of them fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pylightnix.core.errors import RealizeError
from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef

from .produce import BuildFailed

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future  # which load logging and threads

Telling: TypeAlias = "Callable[..., Future[Any]]"
"""Called with `tell(event)`, a function and its arguments: calls it with one more, the means to
tell what happens while it runs."""


class BuildsFailed(RealizeError):
    """With `keep_going`: these builds failed, and all that did not need them was built."""

    def __init__(self, errors: tuple[Exception, ...], skipped: tuple[str, ...]) -> None:
        super().__init__(errors, skipped)
        self.errors, self.skipped = errors, skipped

    def __str__(self) -> str:
        count = "1 build" if len(self.errors) == 1 else f"{len(self.errors)} builds"
        lines = [f"{count} failed:", *(str(error) for error in self.errors)]
        if self.skipped:
            lines.append(f"not built, because they need those: {', '.join(self.skipped)}")
        return "\n".join(lines)


class TimedOut(BuildFailed):
    """A build took longer than it may, and was stopped."""

    def __init__(self, dref: str, timeout_s: float, folder: str, log: str, tail: str = "") -> None:
        cause = (
            f"it was building for more than {timeout_s:g} s and was stopped; "
            "give it more with timeout_s"
        )
        super().__init__(dref, folder, log, cause, tail)
        self.args = (dref, timeout_s, folder, log, tail)
        self.timeout_s = timeout_s


class WorkerDied(RealizeError):
    """The process that ran a call ended without an answer."""

    def __init__(self, status: int, pid: int) -> None:
        super().__init__(status, pid)
        self.status, self.pid = status, pid

    def __str__(self) -> str:
        import signal

        if self.status >= 0:
            return f"its process ended with status {self.status} in the middle of the work"
        known = {int(number): number.name for number in signal.Signals}
        name = known.get(-self.status, "unknown")
        text = f"its process was ended by signal {-self.status} ({name})"
        if self.status == -signal.SIGKILL:
            text += "; if nobody killed it, the machine was out of memory"
        return text


@dataclass(frozen=True, slots=True)
class Crew:
    """How the work is done.

    Attributes:
        executor: where builders run; None for this very thread, one after the other, where
            breakpoints work.
        jobs: how many at once.
        keep_going: after a failure, build everything that does not need what failed.
        retries: how often a failed build is tried again.
        timeout_s: how long one build may take; None without end.
        travels: whether orders leave this process, and so have to be packed.
        by_reference: whether the workers make the derivations themselves, where they can.
        capture: whether each order has a process to itself while it runs, so that all that is
            printed there can go to the build's log; None if the worker has to find out.
        telling: hands out a call that tells what happens while it runs; None where only the answer
            can tell.
        kill: ends a call that runs; None where that cannot be done.
        duration: how long a derivation took before, in seconds; longest first.
    """

    executor: Executor | None = None
    jobs: int = 1
    keep_going: bool = False
    retries: int = 0
    timeout_s: float | None = None
    travels: bool = False
    by_reference: bool = True
    capture: bool | None = None
    telling: Telling | None = None
    kill: Callable[[Future[Any]], None] | None = None
    duration: Callable[[DRef], float] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A build that was handed out: of what, and for the how manyth time, from 0."""

    dref: DRef
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a job: the realizations chosen, or an error."""

    job: Job
    chosen: Chosen = ()
    error: Exception | None = None
