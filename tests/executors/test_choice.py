"""Which executor is meant, and what cannot be meant."""

from __future__ import annotations

import os
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import stages_for_workers as stages
from pylightnix import BuildFailed, InvalidValue, Store, instantiate, realize, realize_many
from pylightnix.engine.crew import Crew
from pylightnix.executors.choice import OUTSTANDING, crew_for
from stages_for_tests import lines_of


class AtOnce(Executor):
    """Somebody's executor, of which nothing is known."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Client:
    """As much of a dask client as is looked at."""

    def __init__(self, *threads: int) -> None:
        self._threads = threads

    def nthreads(self) -> dict[str, int]:
        return dict(enumerate(self._threads))  # type: ignore[arg-type]

    def get_executor(self) -> None:
        raise AssertionError("it loses what was cancelled")


def crew(executor: object, jobs: int | None, store: Store, **fields: Any) -> Crew:
    with crew_for(executor, jobs, Crew(**fields), dict(os.environ), store) as found:
        return found


def test_one_job_needs_no_worker(store: Store) -> None:
    assert crew(None, None, store).executor is None
    assert crew(None, 1, store).executor is None
    assert crew("serial", 5, store).executor is None


def test_several_jobs_have_a_process_each(store: Store) -> None:
    found = crew(None, 3, store)
    assert (found.travels, found.capture) == (True, True)
    assert found.kill is not None


def test_each_process_has_its_next_order_there_unless_time_or_attempts_are_counted(
    store: Store,
) -> None:
    assert crew(None, 3, store).jobs == 6
    assert crew(None, 3, store, keep_going=True, retries=1).jobs == 6
    assert crew(None, 3, store, retries=1).jobs == 3
    assert crew(None, 3, store, timeout_s=5).jobs == 3


def test_what_has_a_time_limit_has_a_process(store: Store) -> None:
    assert crew(None, 1, store, timeout_s=5).kill is not None


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_time_limit_without_a_process_is_refused(executor: str, store: Store) -> None:
    with pytest.raises(InvalidValue, match="take 'processes'"):
        crew(executor, None, store, timeout_s=5)


@pytest.mark.parametrize(
    ("executor", "jobs", "fields"),
    [
        ("nobody", None, {}),
        ("nobody:at-home", None, {}),
        (7, None, {}),
        (int, None, {}),
        ("slurm:partition", None, {}),
        ("slurm:local=1", None, {}),
        (None, 0, {}),
        (None, -1, {}),
        (None, True, {}),
        (None, "2", {}),
        (None, 2, {"retries": -1}),
        (None, 2, {"retries": "1"}),
        (None, 2, {"timeout_s": 0}),
        (None, 2, {"timeout_s": "1"}),
        (AtOnce(), None, {"timeout_s": 1}),
    ],
)
def test_what_cannot_be_meant_is_refused(
    executor: object, jobs: Any, fields: dict[str, Any], store: Store
) -> None:
    if isinstance(executor, str) and executor.startswith("slurm"):
        pytest.importorskip("submitit", reason="the extra `slurm` is missing")
    with pytest.raises(InvalidValue):
        crew(executor, jobs, store, **fields)


@pytest.mark.parametrize(("executor", "module"), [("dask", "distributed"), ("slurm", "submitit")])
def test_a_missing_extra_is_named(
    executor: str, module: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidValue, match=rf"pip install 'pylightnix\[{executor}\]'"):
        crew(executor, None, store)


def test_somebody_elses_executor_is_not_given_everything(store: Store) -> None:
    found = crew(AtOnce(), None, store)
    assert (found.jobs, found.travels, found.capture, found.kill) == (OUTSTANDING, True, None, None)
    assert crew(AtOnce(), 5, store).jobs == 5
    assert crew(AtOnce(), 5, store, timeout_s=1).jobs == 5


def test_threads_share_our_memory(store: Store) -> None:
    with ThreadPoolExecutor(1) as threads:
        assert not crew(threads, None, store).travels
        assert crew(threads, None, store, timeout_s=1).jobs == 1


def test_a_client_of_dask_is_known_by_what_it_can(store: Store) -> None:
    assert crew(Client(1, 1), None, store).capture is True
    assert crew(Client(1, 2), None, store).capture is False
    assert crew(Client(1, 2), None, store, timeout_s=1).jobs == 3


@pytest.mark.usefixtures("current")
def test_an_executor_that_nobody_has_heard_of_will_do(tmp_path: Path, store: Store) -> None:
    journal = tmp_path / "journal"
    realize(instantiate(stages.diamond, journal=journal), executor=AtOnce())
    assert len(lines_of(journal)) == 4
    rref = realize(instantiate(stages.solitary, stages.program), executor=AtOnce())
    assert "a line by a program" in Path(store.var, "logs", rref).read_text()


@pytest.mark.usefixtures("current")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_that_broke_is_an_error_of_the_build(method: str, tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context(method)) as executor:
        closure = instantiate(stages.broken, tmp_path / "journal", stages.vanish)
        with pytest.raises(BuildFailed, match="BrokenProcessPool"):
            realize_many(closure, executor=executor)
