"""How to realize: the options that `realize` and its relatives share, and the crew they ask for."""

from __future__ import annotations

from pylightnix.core.errors import InvalidValue
from pylightnix.core.given import require_number
from pylightnix.engine.listening import ignore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from typing import Any, TypedDict

    from pylightnix.core.refs import DRef
    from pylightnix.engine.crew import Crew
    from pylightnix.engine.events import Listener
    from pylightnix.store.layout import Durability, Store

    class Options(TypedDict, total=False):
        """How to realize; every option may be left out.

        Attributes:
            durability: what is flushed when it returns: `full`, `batch` or `none`; by default the
                store's.
            lock_timeout_s: how long to wait for another process that builds the same; None (the
                default) without end.
            on_event: is told what happens; see `progress` and `pylightnix.engine.events`.
            jobs: how many builds at once, by default 1. More than one have a process each.
            executor: where builders run: `serial`, `threads`, `processes`, `dask:ADDRESS`,
                `slurm`, a dask `Client`, or any `concurrent.futures.Executor`. Workers elsewhere
                must reach the store at the same path.
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


OPTIONS = (
    "durability",
    "executor",
    "jobs",
    "keep_going",
    "lock_timeout_s",
    "on_event",
    "retries",
    "timeout_s",
)


def check_options(options: Options) -> None:
    """Refuse options that do not exist or cannot be meant; durability is checked where it is used.

    Raises:
        InvalidValue: names the option.
    """
    for name in options.keys() - set(OPTIONS):
        raise InvalidValue(f"realize has no option {name!r}; it has {', '.join(OPTIONS)}")
    for name in ("lock_timeout_s", "timeout_s"):
        if options.get(name) is not None:
            require_number(name, options[name])  # type: ignore[literal-required]
    for name in ("jobs", "retries"):
        if options.get(name) is not None:
            require_number(name, options[name], whole=True)  # type: ignore[literal-required]
    for name in ("jobs", "timeout_s"):
        if options.get(name) == 0:
            raise InvalidValue(f"{name}=0: nothing could be built; give more, or leave it out")
    if not callable(options.get("on_event", ignore)):
        raise InvalidValue("on_event cannot be called: give a function of one event")


def crew_of(options: Options, store: Store, drefs: Sequence[DRef]) -> AbstractContextManager[Crew]:
    """Hire the workers that options ask for; the everyday case needs none and loads nothing.

    Args:
        options: checked.
        store: where the past is, and executors keep what they need meanwhile.
        drefs: what may have to be built.

    Raises:
        InvalidValue: there is no such executor.
    """
    from contextlib import nullcontext

    from pylightnix.engine.crew import Crew

    base = Crew(
        keep_going=bool(options.get("keep_going", False)),
        retries=options.get("retries") or 0,
        timeout_s=options.get("timeout_s"),
    )
    executor, jobs = options.get("executor"), options.get("jobs")
    if executor is None and jobs in (None, 1) and base.timeout_s is None:
        return nullcontext(base)
    from pylightnix.core.value import changed
    from pylightnix.engine.estimate import Estimates
    from pylightnix.executors.choice import crew_for

    from .ambient import environment

    past = Estimates(store, drefs)
    timed = changed(base, duration=lambda dref: past.of(dref, built=True) or 0.0)
    return crew_for(executor, jobs, timed, environment(), store)
