"""What a living process uses is safe from every collector; what a dead one used is not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prove import crew
from pylightnix import (
    InUse,
    RRef,
    Store,
    gc,
    instantiate,
    mkfile,
    realize,
    rmref,
    rref2dref,
    store_rrefs,
    use_store,
)
from stages_for_tests import in_child


def build(store: Store, name: str = "thing") -> RRef:
    return realize(instantiate(mkfile, name, "text", store=store))


@contextmanager
def another(work: Callable[[], object]) -> Iterator[int]:
    """Another process that has done something and lives on; gives its id."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            crew.new_process()
            work()
            os.write(writer, b"!")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    done = os.read(reader, 1)
    os.close(reader)
    try:
        assert done, "the other process failed"
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def collected(store: Store) -> set[str]:
    return {str(victim.ref) for victim in gc(grace_s=0, store=store).dead}


def live_files(store: Store) -> list[str]:
    folder = Path(store.var, "roots", ".live")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_what_another_process_realized_stays_as_long_as_it_lives(store: Store) -> None:
    with another(lambda: build(store)):
        assert collected(store) == set()
    assert len(collected(store)) == 2


def test_what_another_process_instantiated_stays_too(store: Store) -> None:
    with another(lambda: instantiate(mkfile, "thing", "text", store=store)):
        assert collected(store) == set()
    assert len(collected(store)) == 1


def test_what_one_uses_is_protected_with_all_that_it_needs(store: Store) -> None:
    from prove.nodes import node

    def chain() -> None:
        from pylightnix import DRef

        def stage() -> DRef:
            return node("top", node("middle", node("bottom")))

        realize(instantiate(stage, store=store))

    with another(chain):
        assert collected(store) == set()
    assert len(collected(store)) == 6


def test_a_collector_takes_what_its_own_process_used_before(store: Store) -> None:
    rref = build(store)
    assert collected(store) == {rref, rref2dref(rref)}


def test_the_mark_of_a_killed_process_is_taken_away(store: Store) -> None:
    with another(lambda: build(store)):
        assert len(live_files(store)) == 1
    assert len(live_files(store)) == 1
    gc(store=store)
    assert live_files(store) == []


def test_a_process_that_ends_leaves_no_mark(store: Store) -> None:
    def work() -> None:
        crew.new_process()
        build(store)
        assert len(live_files(store)) == 1
        crew.new_process()

    assert in_child(work) == 0
    assert live_files(store) == []


def test_a_process_of_another_machine_is_believed_for_a_day(store: Store) -> None:
    rref = build(store)
    crew.new_process()
    folder = Path(store.var, "roots", ".live")
    foreign = folder / "elsewhere-1-0123456789abcdef"
    foreign.write_text(f"{rref2dref(rref)}\n")
    assert collected(store) == set()
    old_s = foreign.stat().st_mtime - 25 * 3600
    os.utime(foreign, (old_s, old_s))
    assert len(collected(store)) == 2
    assert not foreign.exists()


def test_nobody_deletes_what_another_process_uses(store: Store) -> None:
    with another(lambda: build(store)) as pid:
        rref = store_rrefs(rref2dref(build(store)), store=store)[0]
        for ref in (rref, rref2dref(rref)):
            with pytest.raises(InUse) as caught:
                rmref(ref, store=store)
            assert f"used by process {pid}" in str(caught.value)
        rmref(rref, force=True, store=store)
    assert store_rrefs(rref2dref(rref), store=store) == []


def test_a_forked_child_that_collects_spares_what_its_parent_uses(store: Store) -> None:
    rref = build(store)

    def child() -> None:
        assert gc(grace_s=0, store=store).dead == ()

    assert in_child(child) == 0
    assert store_rrefs(rref2dref(rref), store=store) == [rref]


def test_what_a_forked_child_builds_is_safe_from_its_parent(store: Store) -> None:
    build(store, "before")
    with another_fork(lambda: build(store, "in-the-child")):
        build(store, "after")
        # What was in use before the fork the child may need as well.
        assert {ref.partition("-")[2][-5:] for ref in collected(store)} == {"after"}


@contextmanager
def another_fork(work: Callable[[], object]) -> Iterator[None]:
    """As `another`, but the child keeps the handles that it got by the fork."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        work()
        os.write(writer, b"!")
        signal.pause()
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_forked_child_keeps_what_its_parent_held_when_that_ends(store: Store) -> None:
    rref = build(store)
    with another_fork(lambda: None):
        crew.new_process()  # as at the end of the parent
        assert collected(store) == set()
    assert collected(store) == {rref, rref2dref(rref)}


def test_a_build_under_way_is_safe_from_a_collector_in_another_thread(store: Store) -> None:
    from threading import Thread

    from pylightnix import Build, DRef, build_outpath, build_wrapper, match_only, mkconfig, mkdrv

    taken: list[str] = []

    def stage() -> DRef:
        dep = mkfile("dep", "text")

        def builder(b: Build) -> None:
            out = build_outpath(b)
            thread = Thread(target=lambda: taken.extend(collected(store)))
            thread.start()
            thread.join()
            (out / "a").write_text("made beside a collector")

        return mkdrv(mkconfig({"name": "top", "dep": dep}), match_only(), build_wrapper(builder))

    with use_store(store):
        rref = realize(instantiate(stage))
    assert taken == []
    assert store_rrefs(rref2dref(rref), store=store) == [rref]
