"""Dask carries single builds to other machines; the plan, the locks and the retries stay here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from pylightnix.core.errors import InvalidValue

# Where dask speaks of connections that were closed, which is what we are doing when it does.
_LOGGERS = ("distributed.client", "distributed.comm", "distributed.core", "distributed.scheduler")


@contextmanager
def dask_client(address: str, jobs: int | None) -> Iterator[Any]:
    """Connect to a scheduler, or start a cluster on this machine.

    Args:
        address: of the scheduler, as `tcp://host:8786`; empty for a cluster of processes here.
        jobs: of that cluster, how many workers; by default one for each processor.

    Raises:
        InvalidValue: dask is not installed; the text says which extra brings it.
        OSError: the scheduler does not answer.
    """
    try:
        import distributed
    except ImportError as error:
        raise InvalidValue(
            "the executor dask needs an extra: pip install 'pylightnix[dask]'"
        ) from error
    dask: Any = distributed  # its functions tell no types
    if address:
        with dask.Client(address, set_as_default=False) as client:
            yield client
        return
    cluster = dask.LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        dashboard_address=None,
        # Workers complain when we close them; what goes wrong with a build we tell ourselves.
        silence_logs=logging.CRITICAL,
    )
    client = dask.Client(cluster, set_as_default=False)
    try:
        yield client
    finally:
        with _closing():
            client.close()
            cluster.close()


@contextmanager
def _closing() -> Iterator[None]:
    """Keep quiet about connections that are closed, and about nothing else."""

    def other(record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return "CommClosed" not in getattr(kind, "__name__", "") + record.getMessage()

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(other)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(other)


class DaskCalls(Executor):
    """Runs calls on the workers of a dask client; a stateful handle.

    The client's own executor takes a result for a call that was cancelled meanwhile for an error.

    Args:
        client: stays the caller's to close.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._calls: dict[Future[Any], Any] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a call made by some worker."""
        there = self._client.submit(fn, *args, **kwargs, pure=False)
        here: Future[Any] = Future()
        here.set_running_or_notify_cancel()  # it may be: nobody says when it begins
        self._calls[here] = there
        there.add_done_callback(partial(self._done, here))
        return here

    def _done(self, here: Future[Any], there: Any) -> None:
        """Take a result; called in a thread of the client."""
        self._calls.pop(here, None)
        try:
            here.set_result(there.result())
        except BaseException as error:
            here.set_exception(error)

    def kill(self, future: Future[Any]) -> None:
        """Take back a call; what runs already goes on, and nobody hears of it."""
        there = self._calls.pop(future, None)
        if there is not None:
            with suppress(Exception):  # the scheduler is gone
                self._client.cancel([there], asynchronous=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take back all calls, with `cancel_futures`; the client goes on."""
        for future in tuple(self._calls) if cancel_futures else ():
            self.kill(future)
