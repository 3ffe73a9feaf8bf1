"""Many workers: order, time limits, further attempts, interruption."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import stages_for_workers as stages
from pylightnix import (
    Build,
    BuildFailed,
    BuildsFailed,
    DRef,
    Event,
    LogLine,
    NotRealized,
    Progress,
    Queued,
    RRef,
    Skipped,
    Started,
    Store,
    StoreBusy,
    TimedOut,
    build_wrapper,
    gc,
    instantiate,
    match_latest,
    mkconfig,
    mkdrv,
    realize,
    realize_many,
    store_rrefs,
)
from pylightnix.store.lock import build_lock
from stages_for_tests import all_faults, lines_of, scratch_left

pytestmark = pytest.mark.usefixtures("current")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


def pids(b: Build) -> None:
    stages.note(Path(b.rarg["pids"]), str(os.getpid()))


# Order


def test_the_longest_of_the_past_goes_first(journal: Path) -> None:
    def timed(seconds: float) -> Callable[[Build], None]:
        return lambda b: time.sleep(seconds)

    def stage() -> list[DRef]:
        took = {"short": 0.0, "long": 0.2, "middle": 0.1}
        return [stages.node(name, journal=journal, act=timed(s)) for name, s in took.items()]

    realize_many(instantiate(stage))
    before = len(lines_of(journal))
    realize_many(instantiate(stage), force_rebuild=True, jobs=1, executor="processes")
    assert lines_of(journal)[before:] == ["long", "middle", "short"]


def test_the_order_of_the_closure_decides_between_unknown_ones(journal: Path) -> None:
    realize_many(instantiate(stages.row, 4, journal), executor="processes")
    assert lines_of(journal) == [f"node-{i}" for i in range(4)]


# Time


def test_what_takes_too_long_is_stopped(store: Store, journal: Path) -> None:
    closure = instantiate(stages.broken, journal, stages.sleep)
    started_s = time.monotonic()
    with pytest.raises(BuildsFailed) as caught:
        realize_many(closure, jobs=2, timeout_s=3, keep_going=True)
    assert time.monotonic() - started_s < 50
    (error,) = caught.value.errors
    assert isinstance(error, TimedOut)
    assert (error.timeout_s, error.dref[38:]) == (3, "bad")
    assert Path(error.folder).is_dir()
    assert error.tail == "asleep"
    assert "for more than 3 s" in str(error)
    assert "above-good" in lines_of(journal)
    assert pickle.loads(pickle.dumps(error)).timeout_s == 3


def test_the_folder_of_a_killed_build_can_be_collected(store: Store) -> None:
    with pytest.raises(BuildFailed) as caught:
        realize(instantiate(stages.solitary, stages.vanish), jobs=2)
    assert Path(caught.value.folder).is_dir()
    assert len(scratch_left(store)) == 1
    gc(grace_s=0)
    assert scratch_left(store) == []


def test_a_lock_is_waited_for_as_long_as_was_said(store: Store) -> None:
    closure = instantiate(stages.solitary, stages.speak)
    with build_lock(store, closure.targets[0]), pytest.raises(StoreBusy):
        realize(closure, jobs=2, lock_timeout_s=0.2)


# Further attempts


def twice(journal: Path) -> Callable[[Build], None]:
    def act(b: Build) -> None:
        if len(lines_of(journal)) < 3:
            raise ValueError("not yet")

    return act


@pytest.mark.parametrize("options", [{}, {"jobs": 2}, {"executor": "threads"}], ids=str)
def test_a_failed_build_is_tried_again(options: dict[str, object], journal: Path) -> None:
    closure = instantiate(lambda: stages.node("shy", journal=journal, act=twice(journal)))
    with pytest.raises(BuildFailed, match="not yet"):
        realize(closure, retries=1, **options)  # type: ignore[arg-type]
    journal.write_text("")
    heard: list[Event] = []
    realize(closure, retries=2, on_event=heard.append, **options)  # type: ignore[arg-type]
    assert lines_of(journal) == ["shy"] * 3
    assert [type(event) for event in heard].count(Queued) == 3


def test_what_cannot_end_otherwise_is_not_tried_again(journal: Path) -> None:
    closure = instantiate(stages.node, "a", journal=journal)
    with pytest.raises(NotRealized):
        realize(closure, assert_realized=closure.targets, retries=5, jobs=2)
    assert lines_of(journal) == []


# Failures


def test_a_matcher_that_refuses_does_not_cost_what_is_running(journal: Path) -> None:
    def refuse(store: Store, rrefs: object) -> None:
        raise ValueError("never")

    def stage() -> list[DRef]:
        base = stages.node("base", journal=journal)
        config = mkconfig({"name": "picky", "base": base})
        picky = mkdrv(config, refuse, build_wrapper(stages.speak))
        return [picky, stages.node("other", journal=journal, act=lambda b: time.sleep(0.5))]

    closure = instantiate(stage)
    with pytest.raises(ValueError, match="never"):
        realize_many(closure, jobs=2)
    assert sorted(lines_of(journal)) == ["base", "other"]
    assert [len(store_rrefs(dref)) for dref in closure.targets] == [0, 1]


@pytest.mark.parametrize("executor", ["processes", "threads"])
def test_nothing_is_begun_after_a_failure(journal: Path, executor: str) -> None:
    def stage() -> list[DRef]:
        bad = stages.node("bad", journal=journal, act=stages.fail)
        return [bad, *(stages.node(f"later-{i}", journal=journal) for i in range(20))]

    closure = instantiate(stage)
    with pytest.raises(BuildFailed):
        realize_many(closure, jobs=1, executor=executor)
    assert lines_of(journal) == ["bad"]
    with pytest.raises(BuildFailed):  # and what waited has been given back
        realize_many(closure, jobs=2, executor=executor, keep_going=False, retries=1)


def test_what_an_engine_has_not_begun_is_taken_back_after_a_failure(journal: Path) -> None:
    def stage() -> list[DRef]:
        bad = stages.node("bad", journal=journal, act=stages.fail)

        def slowly(b: Build) -> None:
            time.sleep(0.02)

        later = [stages.node(f"later-{i}", journal=journal, act=slowly) for i in range(50)]
        return [bad, *later]

    with ThreadPoolExecutor(1) as executor, pytest.raises(BuildFailed):
        realize_many(instantiate(stage), executor=executor)
    assert len(lines_of(journal)) < 20


def test_keep_going_means_the_same_without_workers(journal: Path) -> None:
    closure = instantiate(stages.broken, journal, stages.fail)
    heard: list[Event] = []
    with pytest.raises(BuildsFailed, match="1 build failed") as caught:
        realize_many(closure, keep_going=True, on_event=heard.append)
    assert lines_of(journal) == ["bad", "good", "above-good"]
    assert caught.value.__cause__ is caught.value.errors[0]
    (skipped,) = [event for event in heard if isinstance(event, Skipped)]
    assert (skipped.dref, skipped.because) == (closure.targets[0], closure.derivations[0].dref)


def test_all_that_is_skipped_is_told_with_what_is_to_blame() -> None:
    def stage() -> DRef:
        row = [stages.node("bad", act=stages.fail)]
        for number in range(40):
            row.append(stages.node(f"up-{number}", row[-1], row[max(0, number - 1)]))
        return row[-1]

    closure = instantiate(stage)
    heard: list[Event] = []
    with pytest.raises(BuildFailed):
        realize(closure, on_event=heard.append)
    skipped = [event for event in heard if isinstance(event, Skipped)]
    assert [event.dref for event in skipped] == [drv.dref for drv in closure.derivations[1:]]
    assert {event.because for event in skipped} == {closure.derivations[0].dref}


def test_several_outputs_are_asked_for_in_a_worker(store: Store) -> None:
    def noisy(b: Build) -> None:
        (b.make_outputs()[0] / "x").write_bytes(os.urandom(8))
        print("noise")

    config = mkconfig({"name": "noisy"})
    closure = instantiate(lambda: mkdrv(config, match_latest(3), build_wrapper(noisy)))
    rrefs: list[RRef] = realize_many(closure, jobs=2)
    assert len(set(rrefs)) == 3
    for rref in rrefs:
        assert Path(store.var, "logs", rref).read_text() == "noise\n"


def test_a_waiting_coordinator_does_not_touch_the_log_of_the_other(store: Store) -> None:
    closure = instantiate(stages.solitary, stages.speak)
    log = Path(store.var, "logs", closure.targets[0])
    with build_lock(store, closure.targets[0]):
        log.write_text("of the one that builds")
        with pytest.raises(StoreBusy):
            realize(closure, jobs=2, lock_timeout_s=0.5)
        assert log.read_text() == "of the one that builds"


# Listening


def test_lines_are_told_while_a_build_runs(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    def wait_for_a_listener(b: Build) -> None:
        print("one", flush=True)
        end_s = time.monotonic() + 30
        while not seen.exists() and time.monotonic() < end_s:
            time.sleep(0.01)
        print("two")

    texts = []

    def listen(event: Event) -> None:
        if isinstance(event, LogLine):
            texts.append(event.text)
            seen.touch()
        if isinstance(event, Progress):
            texts.append(event.what)

    started_s = time.monotonic()
    realize(instantiate(stages.solitary, wait_for_a_listener), jobs=2, on_event=listen)
    assert texts == ["one", "two"]
    assert time.monotonic() - started_s < 30


def test_the_lines_of_a_program_are_told_without_workers() -> None:
    heard: list[Event] = []
    realize(instantiate(stages.solitary, stages.program), on_event=heard.append)
    texts = [event.text for event in heard if isinstance(event, LogLine)]
    assert texts[-1:] == ["a line by a program"]
    assert len(texts) == 2


def test_a_listener_that_raises_stops_the_work(store: Store) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Started):
            raise LookupError("enough")

    started_s = time.monotonic()
    with pytest.raises(LookupError):
        realize(instantiate(stages.solitary, stages.sleep), jobs=2, on_event=listen)
    assert time.monotonic() - started_s < 50
    assert all_faults(store) == []


# Interruption

INTERRUPTED = """
import sys
from pathlib import Path
import stages_for_workers as stages
from pylightnix import instantiate, realize_many
from pylightnix.cli.entry import main
if __name__ == "__main__":
    journal = Path(sys.argv[1])
    def act(b):
        if "slow" in b.config.name:
            stages.sleep(b)
    def stage():
        return [stages.node(name, journal=journal, act=act) for name in ("quick", "slow", "slower")]
    try:
        realize_many(instantiate(stage), jobs=2)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_ctrl_c_stops_builds_and_keeps_what_is_finished(
    store: Store, journal: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    env = {
        **os.environ,
        "PYLIGHTNIX_ROOT": str(Path(store.var).parent),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with subprocess.Popen([sys.executable, str(script), str(journal)], env=env) as process:
        end_s = time.monotonic() + 60
        while len(lines_of(journal)) < 3 and time.monotonic() < end_s:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert sorted(lines_of(journal)) == ["quick", "slow", "slower"]

    def again() -> list[DRef]:
        return [stages.node(name, journal=journal) for name in ("quick", "slow", "slower")]

    realize_many(instantiate(again), jobs=2)
    assert sorted(lines_of(journal)[3:]) == ["slow", "slower"]
    assert all_faults(store) == []


def test_an_interrupted_listener_is_ctrl_c(store: Store, journal: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Started):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        realize_many(instantiate(stages.row, 3, journal, stages.sleep), jobs=2, on_event=listen)
    assert [store_rrefs(dref) for dref in instantiate(stages.row, 3, journal).targets] == [[]] * 3
