"""Which executor is meant: by a name, by an `Executor`, or by how many jobs are to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pylightnix.core.errors import InvalidValue
from pylightnix.engine.crew import Crew

if TYPE_CHECKING:
    from .processes import ProcessPerCall

# How many orders somebody else's engine is given at once, so that its queue does not hold them all.
OUTSTANDING = 256
NAMES = ("serial", "threads", "processes", "dask", "slurm")


@contextmanager
def crew_for(
    executor: object, jobs: int | None, base: Crew, environ: Mapping[str, str]
) -> Iterator[Crew]:
    """Make a crew, and let its workers go at the end if they were hired here.

    Args:
        executor: None, a name (`serial`, `threads`, `processes`, `dask:ADDRESS`, `slurm`), an
            `Executor`, or a dask `Client`.
        jobs: how many builds at once; None for what the executor takes as usual.
        base: what it does about failures, time and order.
        environ: of worker processes on this machine.

    Raises:
        InvalidValue: there is no such executor, or a number cannot be meant.
    """
    _check(jobs, base)
    name = executor
    if executor is None:
        # What may have to be stopped must have a process of its own.
        name = "serial" if (jobs or 1) == 1 and base.timeout_s is None else "processes"
    if name == "serial":
        yield base
    elif name == "threads":
        with ThreadPoolExecutor(jobs or 1) as threads:
            yield replace(base, executor=threads, jobs=jobs or 1)
    elif name == "processes":
        with _processes(jobs or 1, environ) as workers:
            yield replace(
                base,
                executor=workers,
                jobs=jobs or 1,
                travels=True,
                capture=True,
                kill=workers.kill,
            )
    else:
        with _hired(name, jobs) as hired:
            travels = not isinstance(hired, ThreadPoolExecutor)
            yield replace(base, executor=hired, jobs=jobs or OUTSTANDING, travels=travels)


@contextmanager
def _processes(jobs: int, environ: Mapping[str, str]) -> Iterator[ProcessPerCall]:
    from .processes import ProcessPerCall

    workers = ProcessPerCall(jobs, environ)
    try:
        yield workers
    except BaseException:
        workers.shutdown(cancel_futures=True)
        raise
    workers.shutdown()


def _check(jobs: int | None, base: Crew) -> None:
    if jobs is not None and (type(jobs) is not int or jobs < 1):
        raise InvalidValue(f"jobs={jobs!r}: how many builds at once must be at least 1")
    if type(base.retries) is not int or base.retries < 0:
        raise InvalidValue(f"retries={base.retries!r}: how often to try again cannot be negative")
    if base.timeout_s is not None and not base.timeout_s > 0:
        raise InvalidValue(f"timeout_s={base.timeout_s!r}: a build must be given some time")


@contextmanager
def _hired(executor: object, jobs: int | None) -> Iterator[Executor]:
    """Find an executor by name, or take what somebody else made."""
    if isinstance(executor, Executor):
        yield executor
        return
    if isinstance(executor, str):
        kind, _, address = executor.partition(":")
        if kind == "dask":
            from .dask import dask_executor

            with dask_executor(address, jobs) as hired:
                yield hired
            return
        if kind == "slurm":
            from .slurm import slurm_executor

            with slurm_executor(address, jobs) as hired:
                yield hired
            return
    if hasattr(executor, "get_executor"):
        of_client: Executor = executor.get_executor(pure=False)
        yield of_client
        return
    raise InvalidValue(
        f"there is no executor {executor!r:.100}: give {', '.join(NAMES)}, "
        "or any concurrent.futures.Executor"
    )
