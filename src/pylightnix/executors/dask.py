"""Dask carries single builds to other machines; the plan, the locks and the retries stay here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pylightnix.core.errors import InvalidValue


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
    with (
        dask.LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) as cluster,
        dask.Client(cluster, set_as_default=False) as client,
    ):
        yield client
