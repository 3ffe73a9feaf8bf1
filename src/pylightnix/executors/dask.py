"""Dask carries single builds to other machines; the plan, the locks and the retries stay here."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from pylightnix.core.errors import InvalidValue


@contextmanager
def dask_executor(address: str, jobs: int | None) -> Iterator[Executor]:
    """Connect to a scheduler, or start a cluster on this machine.

    Args:
        address: of the scheduler, as `tcp://host:8786`; empty for a cluster of processes here.
        jobs: of that cluster, how many workers; by default one for each processor.

    Raises:
        InvalidValue: dask is not installed; the text says which extra brings it.
        OSError: the scheduler does not answer.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise InvalidValue(
            "the executor dask needs an extra: pip install 'pylightnix[dask]'"
        ) from error
    if address:
        with Client(address) as client:
            yield client.get_executor(pure=False)
        return
    with (
        LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor(pure=False)
