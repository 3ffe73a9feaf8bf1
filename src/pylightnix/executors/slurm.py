"""Slurm, through submitit: one batch job for each build."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from pylightnix.core.errors import InvalidValue
from pylightnix.store.layout import Store
from pylightnix.store.scratch import Scratch

# submitit would give a job five minutes.
TIME_MIN = 480
# Each waits for one job, in a thread.
JOBS = 64


@contextmanager
def slurm_jobs(
    address: str, jobs: int | None, store: Store, timeout_s: float | None = None
) -> Iterator[BatchJobs]:
    """Submit builds as batch jobs; what submitit writes is kept in the store's scratch meanwhile.

    Args:
        address: `local` for processes on this machine, which is how tests run; otherwise what to
            ask Slurm for, as `partition=gpu,mem_gb=8,timeout_min=60`; nothing for its defaults and
            eight hours.
        jobs: how many at once.
        store: where.
        timeout_s: how long a build may take.

    Raises:
        InvalidValue: submitit is not installed, or does not know such a thing.
    """
    try:
        from submitit import AutoExecutor
    except ImportError as error:
        raise InvalidValue(
            "the executor slurm needs an extra: pip install 'pylightnix[slurm]'"
        ) from error
    wanted = {"timeout_min": TIME_MIN if timeout_s is None else math.ceil(timeout_s / 60) + 1}
    with Scratch(store) as scratch:
        try:
            submitter = AutoExecutor(scratch.new(), "local" if address == "local" else None)
            submitter.update_parameters(**wanted | _parsed(address))
        except (NameError, TypeError, ValueError, RuntimeError) as error:
            raise InvalidValue(f"the executor 'slurm:{address}': {error}") from error
        batch = BatchJobs(submitter.submit, jobs or JOBS)
        try:
            yield batch
        except BaseException:
            batch.shutdown(cancel_futures=True)
            raise
        batch.shutdown()


def _parsed(address: str) -> dict[str, Any]:
    """Take `key=value,...` apart; numbers are numbers."""
    found: dict[str, Any] = {}
    for part in address.split(",") if address not in ("", "local") else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} is not of the form key=value")
        found[key.strip()] = int(value) if value.strip().isdecimal() else value.strip()
    return found


def _result(job: Any) -> Any:
    """Wait for a job; submitit would look once a second only, however short the job is."""
    pause_s = 0.02
    while not job.done():
        time.sleep(pause_s)
        pause_s = min(1.0, 1.3 * pause_s)
    return job.result()


class BatchJobs(Executor):
    """Submits calls as batch jobs and waits for each in a thread; a stateful handle.

    Args:
        submit: submits a call and gives a job of submitit.
        jobs: how many at once.
    """

    def __init__(self, submit: Callable[..., Any], jobs: int) -> None:
        self._submit = submit
        self._waiters = ThreadPoolExecutor(jobs, "pylightnix-slurm")
        self._jobs: WeakKeyDictionary[Future[Any], list[Any]] = WeakKeyDictionary()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit one job; its future is done when the job is."""
        place: list[Any] = []

        def wait() -> Any:
            place.append(self._submit(fn, *args, **kwargs))
            return _result(place[0])

        future: Future[Any] = self._waiters.submit(wait)
        self._jobs[future] = place
        return future

    def kill(self, future: Future[Any]) -> None:
        """Cancel the job of a call that runs."""
        for job in self._jobs.get(future, ()):
            with suppress(Exception):  # it has ended, or the scheduler does not answer
                job.cancel(check=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what was submitted; with `cancel_futures`, cancel it before."""
        if cancel_futures:
            for future in tuple(self._jobs):
                self.kill(future)
        self._waiters.shutdown(wait=wait, cancel_futures=cancel_futures)
