"""A crew: the workers of one `realize`, and what is done when one of them fails."""

from __future__ import annotations

from collections.abc import Callable

from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef
from pylightnix.core.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias

Telling: TypeAlias = "Callable[..., Future[Any]]"
"""Called with `tell(event)`, a function and its arguments: calls it with one more, the means to
tell what happens while it runs."""


@value
class Crew:
    """How the work is done.

    Attributes:
        executor: where builders run; None for this very thread, one after the other, where
            breakpoints work.
        jobs: how many are given out at once; those that the executor has no worker for wait there.
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


@value
class Job:
    """A build that was handed out.

    Attributes:
        dref: of what.
        attempt: 0 for the first; more for one that is tried again.
        since_ns: when, since 1970; what lies about from before is not of this one.
    """

    dref: DRef
    attempt: int = 0
    since_ns: int = 0


@value
class Ended:
    """What came of a job: the realizations chosen, or an error."""

    job: Job
    chosen: Chosen = ()
    error: Exception | None = None


Hire: TypeAlias = "Callable[[], AbstractContextManager[Crew]]"
"""Makes a crew, when there is something to build, and lets it go."""


def alone() -> AbstractContextManager[Crew]:
    """Hire nobody."""
    from contextlib import nullcontext

    return nullcontext(Crew())
