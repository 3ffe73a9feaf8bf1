"""Which executor is meant: by a name, by an `Executor`, or by how many jobs are to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from pylightnix.core.errors import InvalidValue
from pylightnix.core.value import changed
from pylightnix.engine.crew import Crew
from pylightnix.store.layout import Store

# How many orders somebody else's engine is given at once, so that its queue does not hold them all.
OUTSTANDING = 256
NAMES = ("serial", "threads", "processes", "dask:ADDRESS", "slurm")


@contextmanager
def crew_for(
    executor: object, jobs: int | None, base: Crew, environ: Mapping[str, str], store: Store
) -> Iterator[Crew]:
    """Make a crew, and let its workers go at the end if they were hired here.

    Args:
        executor: None, a name (`serial`, `threads`, `processes`, `dask:ADDRESS`, `slurm:...`, or
            `NAME:ADDRESS` of a plugin), an `Executor`, or a dask `Client`.
        jobs: how many builds at once; None for what the executor takes as usual.
        base: what it does about failures, time and order.
        environ: of worker processes on this machine.
        store: where executors may keep what they need meanwhile.

    Raises:
        InvalidValue: there is no such executor, or a number cannot be meant.
        PluginError: a plugin has it, and it cannot be loaded.
    """
    _check(jobs, base)
    name = executor
    if executor is None:
        # What may have to be stopped must have a process of its own.
        name = "serial" if (jobs or 1) == 1 and base.timeout_s is None else "processes"
    if name in ("serial", "threads") and base.timeout_s is not None:
        raise InvalidValue(
            f"timeout_s={base.timeout_s:g}: a build in this very process cannot be stopped; "
            "leave out the executor, or take 'processes'"
        )
    if name == "serial":
        yield base
    elif name == "threads":
        with ThreadPoolExecutor(jobs or 1, "pylightnix") as threads:
            yield changed(base, executor=threads, jobs=jobs or 1)
    elif name == "processes":
        with _processes(jobs or 1, base, environ) as crew:
            yield crew
    elif isinstance(name, str):
        with _named(name, jobs, base, store) as crew:
            yield crew
    else:
        yield _given(name, jobs, base)


def _check(jobs: int | None, base: Crew) -> None:
    if jobs is not None and (type(jobs) is not int or jobs < 1):
        raise InvalidValue(f"jobs={jobs!r}: how many builds at once must be at least 1")
    if type(base.retries) is not int or base.retries < 0:
        raise InvalidValue(f"retries={base.retries!r}: how often to try again cannot be negative")
    limit_s: object = base.timeout_s
    if limit_s is not None and not (isinstance(limit_s, int | float) and limit_s > 0):
        raise InvalidValue(f"timeout_s={limit_s!r}: a build must be given some time")


@contextmanager
def _processes(jobs: int, base: Crew, environ: Mapping[str, str]) -> Iterator[Crew]:
    from .processes import ProcessPerCall

    # A worker that is done finds its next order there, and does not wait for us to pack it. But
    # time runs from when a build is handed over, and what follows a failure depends on attempts.
    ahead = base.timeout_s is None and (base.keep_going or not base.retries)
    workers = ProcessPerCall(jobs, environ, until_failure=ahead and not base.keep_going)
    try:
        yield changed(
            base,
            executor=workers,
            jobs=jobs * 2 if ahead else jobs,
            travels=True,
            by_reference=False,  # they are forked for one order each: calling a stage does not pay
            capture=True,
            telling=workers.submit_telling,
            kill=workers.kill,
        )
    except BaseException:
        workers.shutdown(cancel_futures=True)
        raise
    workers.shutdown()


@contextmanager
def _named(name: str, jobs: int | None, base: Crew, store: Store) -> Iterator[Crew]:
    """Hire workers of another engine by `kind:address`."""
    kind, _, address = name.partition(":")
    if kind == "dask":
        from .dask import dask_client

        with dask_client(address, jobs) as client:
            yield _given(client, jobs, base)
    elif kind == "slurm":
        from .slurm import JOBS, slurm_jobs

        with slurm_jobs(address, jobs, store, base.timeout_s) as batch:
            limit = jobs or JOBS
            yield changed(
                base, executor=batch, jobs=limit, travels=True, capture=True, kill=batch.kill
            )
    else:
        with _plugin(name, kind)(address) as executor:
            yield _given(executor, jobs, base)


def _plugin(name: str, kind: str) -> Callable[[str], Executor]:
    """Look for somebody's executor, only now that none of ours is meant."""
    from pylightnix.plugins.failures import NoSuchPlugin
    from pylightnix.plugins.own import lookup

    try:
        return lookup("executors", kind)
    except NoSuchPlugin as error:
        if error.had:
            raise
        raise _unknown(name) from None


def _given(executor: object, jobs: int | None, base: Crew) -> Crew:
    """Take what somebody else made; it is theirs to shut down."""
    workers: int | None = getattr(executor, "_max_workers", None)
    capture = None
    if hasattr(executor, "get_executor") and hasattr(executor, "nthreads"):  # a client of dask
        from .dask import DaskCalls

        threads = executor.nthreads().values()
        workers, capture = sum(threads), max(threads, default=1) == 1
        executor = DaskCalls(executor)
    if not isinstance(executor, Executor):
        raise _unknown(executor)
    limit = jobs or OUTSTANDING
    if base.timeout_s is not None:
        # Time runs from when a build is handed over, so none may stand in a queue over there.
        if not (jobs or workers):
            raise InvalidValue(
                "timeout_s: say with jobs= how many builds this executor runs at once"
            )
        limit = min(jobs or workers or 1, workers or jobs or 1)
    travels = not isinstance(executor, ThreadPoolExecutor)
    kill = getattr(executor, "kill", None)
    return changed(base, executor=executor, jobs=limit, travels=travels, capture=capture, kill=kill)


def _unknown(executor: object) -> InvalidValue:
    return InvalidValue(
        f"there is no executor {executor!r:.100}: give {', '.join(NAMES)}, the name of a plugin, a "
        "dask Client, or any concurrent.futures.Executor"
    )
