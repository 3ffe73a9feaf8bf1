"""Slurm, through submitit: one batch job for each build."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pylightnix.core.errors import InvalidValue


@contextmanager
def slurm_executor(cluster: str, jobs: int | None) -> Iterator[Executor]:
    """Submit builds as batch jobs.

    Args:
        cluster: `local` for processes on this machine, which is how tests run; empty for Slurm.
        jobs: how many at once.

    Raises:
        InvalidValue: submitit is not installed; the text says which extra brings it.
    """
    try:
        from submitit import AutoExecutor
    except ImportError as error:
        raise InvalidValue(
            "the executor slurm needs an extra: pip install 'pylightnix[slurm]'"
        ) from error
    with tempfile.TemporaryDirectory(dir=os.getcwd(), prefix=".slurm-") as folder:
        submitter = AutoExecutor(folder=folder, cluster=cluster or None)
        batch = BatchJobs(submitter.submit, jobs or 64)
        try:
            yield batch
        finally:
            batch.shutdown()


class BatchJobs(Executor):
    """Submits calls as batch jobs and waits for each in a thread; a stateful handle."""

    def __init__(self, submit: Callable[..., Any], jobs: int) -> None:
        self._submit = submit
        self._waiters = ThreadPoolExecutor(jobs)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit one job; its future is done when the job is."""
        return self._waiters.submit(lambda: self._submit(fn, *args, **kwargs).result())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what was submitted."""
        self._waiters.shutdown(wait=wait, cancel_futures=cancel_futures)
