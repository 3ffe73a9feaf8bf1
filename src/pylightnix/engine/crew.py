"""A crew: the workers of one `realize`, and what is done when one of them fails."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from pylightnix.core.errors import RealizeError


class BuildsFailed(RealizeError):
    """Several builds failed, or one with `keep_going`; all that did not need them was built."""

    def __init__(self, errors: tuple[Exception, ...], skipped: tuple[str, ...]) -> None:
        super().__init__(errors, skipped)
        self.errors, self.skipped = errors, skipped

    def __str__(self) -> str:
        lines = [f"{len(self.errors)} builds failed", *(str(error) for error in self.errors)]
        if self.skipped:
            lines.append(f"not built, because they need those: {', '.join(self.skipped)}")
        return "\n".join(lines)


class TimedOut(RealizeError):
    """A build took longer than it may."""

    def __init__(self, dref: str, timeout_s: float) -> None:
        super().__init__(dref, timeout_s)
        self.dref, self.timeout_s = dref, timeout_s

    def __str__(self) -> str:
        return (
            f"{self.dref} was building for more than {self.timeout_s:g} s and was stopped: "
            "give it more with timeout_s"
        )


class Inline(Executor):
    """Runs every call at once, in this thread: breakpoints work, and Ctrl-C stops the builder."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Make the call and give a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True, slots=True)
class Crew:
    """How the work is done.

    Attributes:
        executor: where builders run.
        jobs: how many at once.
        keep_going: after a failure, build everything that does not need what failed.
        retries: how often a failed build is tried again.
        timeout_s: how long one build may take; None without end.
        travels: whether orders leave this process, and so have to be packed.
        capture: whether each order has a process of its own.
        kill: ends a call that runs; None where that cannot be done.
        duration: how long a derivation took before, in seconds; longest first.
    """

    executor: Executor
    jobs: int = 1
    keep_going: bool = False
    retries: int = 0
    timeout_s: float | None = None
    travels: bool = False
    capture: bool = False
    kill: Callable[[Future[Any]], None] | None = None
    duration: Callable[[Any], float] | None = None
