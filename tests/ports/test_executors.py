"""What every executor keeps, whoever runs the builds: one suite for all."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import stages_for_workers as stages
from pylightnix import (
    Build,
    BuildFailed,
    BuildsFailed,
    CannotTravel,
    DRef,
    OtherCode,
    Store,
    instantiate,
    realize,
    realize_context,
    realize_many,
    rref2path,
    store_rrefs,
)
from pylightnix.engine.events import (
    Built,
    Event,
    Failed,
    Finished,
    Hit,
    Planned,
    Progress,
    Queued,
    Started,
)
from stages_for_tests import all_at_once, all_faults, lines_of, strangers

pytestmark = pytest.mark.usefixtures("current")


@dataclass
class Port:
    """An executor under test.

    Attributes:
        options: for `realize`.
        wide: how many builds at once are worth the time.
        apart: builds run in other processes, whose death is not ours.
        alone: each in a process of its own.
        by_reference: workers make the derivations again.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    wide: int = 300
    apart: bool = True
    alone: bool = False
    by_reference: bool = True


def serial() -> Iterator[Port]:
    yield Port("serial", {"executor": "serial"}, apart=False)


def threads() -> Iterator[Port]:
    yield Port("threads", {"executor": "threads", "jobs": 4}, apart=False)


def processes() -> Iterator[Port]:
    yield Port("processes", {"jobs": 2}, alone=True, by_reference=False)


def pool() -> Iterator[Port]:
    """The standard library's, as a user would pass it; broken for good when a worker dies."""
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        yield Port("pool", {"executor": executor})


def dask() -> Iterator[Port]:
    distributed: Any = pytest.importorskip("distributed", reason="the extra `dask` is missing")
    _once()
    quiet = {"dashboard_address": None, "silence_logs": 50}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield Port("dask", {"executor": client})


def slurm() -> Iterator[Port]:
    submitit: Any = pytest.importorskip("submitit", reason="the extra `slurm` is missing")
    _once()
    with pytest.MonkeyPatch.context() as patch:
        # So long it waits for the result of a job that died, which a slow disk may hold back.
        patch.setattr(submitit.Job, "_results_timeout_s", 1)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        yield Port("slurm", {"executor": "slurm:local", "jobs": 8}, wide=8, alone=True)


def _once() -> None:
    if sys.flags.optimize:
        pytest.skip("takes long; the plain pass runs it")


EVERYDAY: list[Callable[[], Iterator[Port]]] = [serial, threads, processes, pool]
PORTS = [*EVERYDAY, *(pytest.param(make, marks=pytest.mark.slow) for make in (dask, slurm))]


@pytest.fixture(scope="module", params=PORTS, ids=lambda make: make.__name__)
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    with warnings.catch_warnings():
        if request.param in (dask, slurm):
            warnings.simplefilter("ignore")  # they are not ours to mend
        yield from request.param()


@pytest.fixture(autouse=True)
def lenient(port: Port) -> Iterator[None]:
    with warnings.catch_warnings():
        if port.name in ("dask", "slurm"):
            warnings.simplefilter("ignore")
        yield


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


def sound(store: Store) -> bool:
    return [*all_faults(store), *strangers(store)] == []


# What is built


def test_a_diamond_is_built_once_and_in_order(port: Port, store: Store, journal: Path) -> None:
    closure = instantiate(stages.diamond, journal=journal)
    realize(closure, **port.options)
    lines = lines_of(journal)
    assert lines[0] == "base"
    assert sorted(lines[1:3]) == ["left", "right"]
    assert lines[3:] == ["top"]
    assert sound(store)
    assert realize(closure, **port.options) == realize(closure)
    assert len(lines_of(journal)) == 4


def test_a_wide_fan_is_built(port: Port, store: Store, journal: Path) -> None:
    closure = instantiate(stages.fan, port.wide, journal=journal)
    rref = realize(closure, **port.options)
    lines = lines_of(journal)
    assert (len(lines), lines[-1]) == (port.wide + 1, "top")
    assert rref2path(rref).is_dir()


def test_what_comes_out_is_what_one_worker_makes(port: Port, tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other", create=True, durability="none")
    _, alone = realize_context(instantiate(stages.diamond, store=other))
    _, here = realize_context(instantiate(stages.diamond), **port.options)
    assert here == alone


def test_a_store_that_cannot_be_written_gives_what_it_has(
    port: Port, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    closure = instantiate(stages.diamond)
    rref = realize(closure)
    from pylightnix.store import lock

    def locked(*args: object, **kwargs: object) -> None:
        raise AssertionError("a lock was taken")

    monkeypatch.setattr(lock, "_taken", locked)
    assert realize(closure, **port.options) == rref


def test_a_stage_may_realize_another_one(port: Port) -> None:
    rref = realize(instantiate(stages.solitary, stages.realize_inside), **port.options)
    (inner,) = store_rrefs(instantiate(stages.inner).targets[0])
    assert (rref2path(rref) / "inner").read_text() == inner


def test_two_coordinators_build_nothing_twice(port: Port, store: Store, journal: Path) -> None:
    width = min(port.wide // 2, 50)

    def coordinate() -> None:
        realize(instantiate(stages.fan, width, journal=journal, store=store), **port.options)

    if "executor" in port.options and not isinstance(port.options["executor"], str):
        # Its workers belong to this process, and so to two of its threads.
        with ThreadPoolExecutor(2) as two:
            assert [future.result() for future in (two.submit(coordinate), two.submit(coordinate))]
    else:
        assert all_at_once([coordinate, coordinate]) == [0, 0]
    assert len(lines_of(journal)) == width + 1
    assert sound(store)


# What fails


def test_with_keep_going_all_is_built_that_can_be(port: Port, journal: Path) -> None:
    closure = instantiate(stages.broken, journal, stages.fail)
    with pytest.raises(BuildsFailed) as caught:
        realize_many(closure, keep_going=True, **port.options)
    assert sorted(lines_of(journal)) == ["above-good", "bad", "good"]
    (error,) = caught.value.errors
    assert isinstance(error, BuildFailed)
    assert error.dref.endswith("-bad")
    assert error.cause == "ValueError: as was to be expected"
    assert [dref.endswith("-above-bad") for dref in caught.value.skipped] == [True]
    assert str(error) in str(caught.value)


def test_a_failure_ends_it_and_what_was_built_stays(port: Port, journal: Path) -> None:
    closure = instantiate(stages.broken, journal, stages.fail)
    with pytest.raises(BuildFailed):
        realize_many(closure, **port.options)
    assert "above-bad" not in lines_of(journal)
    for derivation in closure.derivations:
        built = derivation.dref[38:] in lines_of(journal) and derivation.config.name != "bad"
        assert len(store_rrefs(derivation.dref)) == built


def test_an_error_keeps_its_cause(port: Port) -> None:
    with pytest.raises(BuildFailed) as caught:
        realize(instantiate(stages.solitary, stages.fail_with_a_cause), **port.options)
    cause = caught.value.__cause__
    assert isinstance(cause, RuntimeError)
    if port.apart:
        (note,) = cause.__notes__
        assert "in fail_with_a_cause" in note
        assert "KeyError: 'deep down'" in note


def test_an_error_that_cannot_be_copied_is_told(port: Port) -> None:
    with pytest.raises(BuildFailed, match="Unimportable: only one"):
        realize(instantiate(stages.solitary, stages.fail_strangely), **port.options)


def test_a_worker_that_dies_is_a_failed_build(port: Port, journal: Path, store: Store) -> None:
    if not port.apart:
        pytest.skip("it would take the tests with it")
    if port.name == "pool":
        pytest.skip("the standard library's pool is broken for good by it; see tests/executors")
    closure = instantiate(stages.broken, journal, stages.vanish)
    with pytest.raises(BuildsFailed) as caught:
        realize_many(closure, keep_going=True, **port.options)
    assert {"above-good", "bad", "good"} == set(lines_of(journal))
    (error,) = caught.value.errors
    assert isinstance(error, BuildFailed)
    assert Path(error.folder).parent.parent == Path(store.var, "tmp")
    assert error.tail.splitlines()[-1:] == ["last words"]


# How code travels


def test_a_stage_that_cannot_be_copied_is_named(port: Port) -> None:
    lock = threading.Lock()

    def act(b: Build) -> None:
        with lock:
            pass

    closure = instantiate(stages.solitary, act)
    if not port.apart:
        realize(closure, **port.options)
        return
    with pytest.raises(CannotTravel, match="lock") as caught:
        realize(closure, **port.options)
    assert caught.value.dref == closure.targets[0]
    assert "stages_for_workers:node" in caught.value.realizer


def test_a_stage_defined_inside_a_function_travels_by_value(port: Port) -> None:
    text = "held by the closure"

    def act(b: Build) -> None:
        (b.make_outputs()[0] / "held").write_text(text)

    def stage() -> DRef:
        return stages.node("local", act=act)

    rref = realize(instantiate(stage), **port.options)
    assert (rref2path(rref) / "held").read_text() == text


def test_other_code_in_a_worker_is_an_error(port: Port) -> None:
    closure = instantiate(stages.other_each_time)
    if not port.apart or not port.by_reference:
        realize(closure, **port.options)
        return
    with pytest.raises(OtherCode, match=r"stages_for_workers\.py") as caught:
        realize(closure, **port.options)
    assert caught.value.dref == closure.targets[0]
    assert caught.value.stage == "stages_for_workers:other_each_time"
    assert "-fickle instead" in caught.value.theirs


# What is told


def test_the_log_of_a_build_is_kept(port: Port, store: Store) -> None:
    rref = realize(instantiate(stages.solitary, stages.program), **port.options)
    assert "a line by a program" in Path(store.var, "logs", rref).read_text()


def test_what_a_build_prints_is_in_its_log(port: Port, store: Store) -> None:
    rref = realize(instantiate(stages.solitary, stages.speak), **port.options)
    if port.apart:
        lines = Path(store.var, "logs", rref).read_text().splitlines()
        assert sorted(lines) == ["a complaint", "a line by a child", "a line by python"]


def test_events_tell_the_story(port: Port, journal: Path) -> None:
    closure = instantiate(stages.diamond, journal=journal)
    heard: list[Event] = []
    rref = realize(closure, on_event=heard.append, **port.options)
    for derivation in closure.derivations:
        kinds = [type(event) for event in heard if event.dref == derivation.dref]
        assert kinds[:4] == [Planned, Queued, Started, Built]
    assert [type(event) for event in heard if event.dref == closure.targets[0]][4:] == [Finished]
    assert [event.time_s for event in heard] == sorted(event.time_s for event in heard)
    heard.clear()
    assert realize(closure, on_event=heard.append, **port.options) == rref
    assert [type(event) for event in heard] == [Hit] * 4 + [Finished]


def test_progress_and_failures_are_told(port: Port) -> None:
    heard: list[Event] = []
    realize(instantiate(stages.solitary, stages.progress), on_event=heard.append, **port.options)
    assert [event.what for event in heard if isinstance(event, Progress)] == ["half of it"]
    heard.clear()
    with pytest.raises(BuildFailed):
        realize(
            instantiate(stages.solitary, stages.fail, "x"), on_event=heard.append, **port.options
        )
    assert [type(event) for event in heard if type(event) in (Failed, Built)] == [Failed]


def test_a_listener_is_called_in_the_thread_that_realizes(port: Port) -> None:
    seen = set()

    def listen(event: Event) -> None:
        seen.add(threading.current_thread())

    realize(instantiate(stages.diamond), on_event=listen, **port.options)
    assert seen == {threading.current_thread()}


# Where it runs


def test_traces_in_a_process_stay_in_it(port: Port, tmp_path: Path) -> None:
    if not port.alone:
        pytest.skip("its builds share a process")

    def stage() -> DRef:
        first = stages.node("first", act=stages.wander)
        return stages.node("second", first, act=stages.look_round)

    rref = realize(instantiate(stage), **port.options)
    pid, cwd, environ, path = (rref2path(rref) / "seen").read_text().split()
    assert int(pid) != os.getpid()
    assert (cwd, environ, path) == (os.getcwd(), "None", "False")


def test_an_executor_that_was_passed_is_not_shut_down(port: Port) -> None:
    executor = port.options.get("executor")
    if not isinstance(executor, Executor):
        pytest.skip("it is named, and made for one realize")
    realize(instantiate(stages.diamond), **port.options)
    assert executor.submit(int, "7").result() == 7
