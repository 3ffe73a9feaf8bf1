"""Killed at any step, or several at once: the prior library was stuck afterwards, here nothing is.

It gave what it wrote one fixed name, `X.tmp`, on the way to X. A process that died in between left
it there, and every later run failed on it forever; two processes at once did the same to each
other.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pylightnix import (
    Build,
    DRef,
    PylightnixError,
    RRef,
    Store,
    build_outpath,
    build_wrapper,
    instantiate,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    realize_many,
    rref2path,
    store_drefs,
    store_rrefs,
    use_store,
)
from pylightnix.api import ambient
from pylightnix.store.fsys import delete_tree
from pylightnix.store.layout import Durability
from stages_for_tests import (
    Link,
    Program,
    all_at_once,
    all_faults,
    chain,
    constant,
    in_child,
    in_memory,
    lines_of,
    noisy,
    note,
    plant,
    put,
    stopping_at,
    text_of,
    unflushed,
)


def two_stages() -> DRef:
    """Deterministic, with every kind of entry."""
    base = constant("base", text="deep")

    def build(b: Build) -> None:
        plant(build_outpath(b), {"a": "x", "d/run": Program(), "l": Link("a"), "empty": None})

    return mkdrv(mkconfig({"name": "top", "dep": base}), match_only(), build_wrapper(build))


def run(store: Store) -> RRef:
    with use_store(store):
        # Whoever is stuck is to be told so, not to hang.
        return realize(instantiate(two_stages), lock_timeout_s=20)


def opened(path: Path, durability: Durability) -> Store:
    return Store.open(path, create=True, durability=durability)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder for hundreds of stores that are never to see a disk, if there is such a place."""
    with in_memory(tmp_path) as folder:
        yield folder


@pytest.fixture
def expected(memory: Path) -> RRef:
    return run(opened(memory / "untouched", "none"))


def checked(store: Store, expected: RRef) -> None:
    """What was left is whole, and the next run gives what an undisturbed one gives.

    The store is deleted in the end: there are hundreds of them.
    """
    with use_store(store):
        left = [rref for dref in store_drefs() for rref in store_rrefs(dref)]
        assert all_faults(store) == []
        assert run(store) == expected
        assert {*left} <= {rref for dref in store_drefs() for rref in store_rrefs(dref)}
        assert all_faults(store) == []
    ambient._let_go()
    ambient._Process.live.clear()
    delete_tree(str(Path(store.objects).parent))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("durability", ["full", "batch", "none"])
def test_killed_before_any_write_the_next_run_succeeds_and_gives_the_same(
    durability: Durability, memory: Path, expected: RRef
) -> None:
    """Between the two renames of a derivation or a realization a kill left a fixed name behind,
    and every later run of the same stage failed."""
    killed = 0
    for point in range(1000):
        store = opened(memory / f"{point}", durability)

        def work(point: int = point, store: Store = store) -> None:
            with unflushed(), stopping_at(point, die):
                run(store)

        status = in_child(work)
        if status == 0:
            break
        assert status == -signal.SIGKILL, point
        killed += 1
        with unflushed():
            checked(store, expected)
    assert killed > 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE])
def test_whatever_call_fails_the_error_is_ours_and_the_next_run_succeeds(
    code: int, memory: Path, expected: RRef
) -> None:
    failed = 0
    for point in range(1000):
        store = opened(memory / f"{point}", "batch")

        def fail() -> None:
            raise OSError(code, os.strerror(code))

        with unflushed(), stopping_at(point, fail) as calls:
            try:
                result = run(store)
            except PylightnixError:
                failed += 1
            else:
                assert result == expected
        if len(calls) <= point:
            break
        checked(store, expected)
    assert failed > 10


class Disk:
    """Fails from some call on, for good."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.broken = False

    def fail(self) -> None:
        self.broken = True
        raise OSError(self.code, os.strerror(self.code))

    def guarded(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if self.broken:
                self.fail()
            return real(*args, **kwargs)

        return call


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_stays_full_publishes_nothing_that_is_not_whole(
    code: int, memory: Path, expected: RRef
) -> None:
    for point in range(0, 1000, 3):
        store = opened(memory / f"{point}", "batch")
        disk = Disk(code)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("write", "mkdir", "rename", "symlink"):
                patch.setattr(os, name, disk.guarded(getattr(os, name)))
            with stopping_at(point, disk.fail) as calls, suppress(PylightnixError):
                run(store)
        if len(calls) <= point:
            break
        checked(store, expected)


def test_killed_in_the_builder_the_next_run_succeeds(tmp_path: Path, store: Store) -> None:
    def build(b: Build) -> None:
        (build_outpath(b) / "half").write_text("done")
        if not (tmp_path / "mended").exists():
            die()

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "a"}), match_only(), build_wrapper(build))

    with use_store(store):
        closure = instantiate(stage)
        for _ in range(3):
            assert in_child(lambda: realize(closure)) == -signal.SIGKILL
        assert store_rrefs(closure.targets[0]) == []
        (tmp_path / "mended").touch()
        realize(closure, lock_timeout_s=5)


def test_leftovers_of_a_fixed_name_are_in_nobodys_way(store: Store, expected: RRef) -> None:
    """A non-empty `X.tmp` made every rename to it fail forever."""
    with use_store(store):
        closure = instantiate(two_stages)
        for drv in closure.derivations:
            home = f"{store.objects}/{drv.dref[5:]}"
            plant(f"{home}.tmp", {"config.json": "{}", "x/y": "z"})
            plant(f"{home}/{expected[5:37]}.tmp", {"x/y": "z"})
    checked(store, expected)


def test_an_unfinished_folder_under_a_final_name_is_in_nobodys_way(
    store: Store, expected: RRef
) -> None:
    plant(f"{store.objects}/{expected[38:]}", {f"{expected[5:37]}/a": "torn"})
    checked(store, expected)


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, b"{"])
def test_files_that_a_power_cut_tore_are_in_nobodys_way(
    damage: bytes, store: Store, expected: RRef
) -> None:
    """Nothing was ever flushed, so files could come back empty or full of zeros."""
    assert run(store) == expected
    home = Path(store.objects) / expected[38:]
    torn = [home / "config.json", home / expected[5:37] / ".pylightnix/manifest.json"]
    for path in torn:
        path.chmod(0o644)
        path.write_bytes(damage)
    delete_tree(store.var)  # notes of what was whole do not outlive the power either
    with use_store(store):
        assert run(store) == expected
        assert all_faults(store) == []


# Several at once


def same_for_all(work: Callable[[], object], processes: int = 4) -> None:
    assert all_at_once([work] * processes) == [0] * processes


def test_four_processes_instantiate_the_same_at_once(store: Store) -> None:
    """36 of 600 calls died, and 10 of 150 derivations could never be made again."""

    def work() -> None:
        for i in range(40):
            instantiate(constant, f"s{i}")

    with use_store(store):
        same_for_all(work)
        assert len(store_drefs()) == 40
        work()


def test_four_processes_realize_the_same_at_once_and_each_thing_is_built_once(
    store: Store, tmp_path: Path
) -> None:
    """26 of 600 calls died, 3 stages failed forever, and every process ran the builder itself."""
    journal = tmp_path / "journal"

    def stage() -> list[DRef]:
        return [noisy(f"s{i}", journal=journal) for i in range(25)]

    with use_store(store):
        same_for_all(lambda: realize_many(instantiate(stage)))
        assert sorted(lines_of(journal)) == sorted(f"s{i}" for i in range(25))
        assert all_faults(store) == []


def test_four_processes_force_one_stage_at_once(store: Store, tmp_path: Path) -> None:
    """567 of 600 calls died, and nothing could be built afterwards."""
    journal = tmp_path / "journal"

    def work() -> None:
        closure = instantiate(noisy, "a", journal=journal)
        for _ in range(10):
            realize(closure, force_rebuild=True)

    with use_store(store):
        same_for_all(work)
        [dref] = store_drefs()
        assert len(lines_of(journal)) == len(store_rrefs(dref)) == 40
        assert all_faults(store) == []
        assert os.listdir(f"{store.var}/tmp") == []


def test_four_processes_force_one_deterministic_stage_at_once(store: Store) -> None:
    def work() -> None:
        closure = instantiate(constant, "a")
        for _ in range(10):
            realize(closure, force_rebuild=True)

    with use_store(store):
        same_for_all(work)
        [dref] = store_drefs()
        assert len(store_rrefs(dref)) == 1
        assert all_faults(store) == []
        assert os.listdir(f"{store.var}/tmp") == []


def test_a_killed_builder_does_not_keep_the_others_waiting(store: Store, tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    def build(b: Build) -> None:
        note(journal, "build")
        if len(lines_of(journal)) <= 3:
            die()
        (build_outpath(b) / "text").write_text("done")

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "a"}), match_latest(), build_wrapper(build))

    with use_store(store):
        closure = instantiate(stage)
        statuses = all_at_once([lambda: realize(closure, lock_timeout_s=20)] * 5)
        assert sorted(statuses) == [-9, -9, -9, 0, 0]
        assert len(lines_of(journal)) == 4
        assert text_of(store, realize(closure)) == "done"


def test_metadata_of_a_chain_does_not_grow_with_its_square(store: Store) -> None:
    """Every stage wrote down all that it needed, near and far: 0.7 MB at 100 stages, 11 MB at 400.
    Here a stage names its direct dependencies."""
    with use_store(store):
        realize(instantiate(chain, 60))
        folders = [rref2path(rref) for dref in store_drefs() for rref in store_rrefs(dref)]
    sizes = sorted((path / ".pylightnix/manifest.json").stat().st_size for path in folders)
    assert sizes[-1] - sizes[1] <= 2
    assert sizes[-1] < 500


def test_looking_at_what_is_there_writes_nothing(store: Store) -> None:
    """A second instantiate wrote and renamed every config again, which was slow and the source of
    the races."""
    with use_store(store):
        closure = instantiate(two_stages)
        realize(closure)
        with stopping_at(10**9, die) as calls:
            assert instantiate(two_stages).targets == closure.targets
            realize(closure)
        assert calls == []
        put(store, {"a": "x"}, "other")
