"""Modules in the store: they go when nobody has or uses them, and never before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pylightnix import Store, gc, store_drefs
from pylightnix.api.ambient import live_roots
from pylightnix.core.refs import RRef, rref2dref
from pylightnix.store.collector import collector_lock
from pylightnix.store.roots import LiveRoots
from pylightnix.tenants import QuotaExceeded, RunFailed, Tenant
from pylightnix.tenants.kept import hold
from tenants.conftest import Making, written

TEXT = "def main(): return {}\n\ndef count(n):\n    import late\n    yield from range(n)\n"


def sources(store: Store) -> int:
    """How many folders of modules the store has."""
    return sum("tenant-source" in str(dref) for dref in store_drefs(store))


def load(tenant: Tenant, number: int) -> int:
    written(tenant, "job.py", TEXT.format(number))
    with tenant.load("job.py") as job:
        found: int = job.main()
        return found


def test_modules_that_others_have_replaced_are_gone(make: Making, store: Store) -> None:
    one = make("one")
    assert [load(one, number) for number in range(4)] == [0, 1, 2, 3]
    assert sources(store) == 1
    assert load(one, 0) == 0
    assert sources(store) == 1


def test_modules_stay_as_long_as_a_job_is_open(make: Making, store: Store) -> None:
    one = make("one", TEXT.format(1))
    with one.load("job.py") as job:
        assert [load(one, 2), load(one, 3)] == [2, 3]
        assert sources(store) == 2
        assert [job.main(), job.main()] == [1, 1]
    assert sources(store) == 1
    assert load(one, 3) == 3


def test_modules_stay_until_a_generator_has_ended(make: Making, store: Store) -> None:
    one = make("one", TEXT.format(1))
    written(one, "late.py", "")
    with one.load("job.py") as job:
        items = job.count(3)
        assert next(items) == 0
        load(one, 2)
    assert sources(store) == 2
    assert list(items) == [1, 2]
    assert sources(store) == 1


def test_a_generator_that_began_in_time_finds_its_modules_after_the_end(
    make: Making, store: Store
) -> None:
    text = "def count(n):\n    yield 0\n    import late\n    yield late.x\n"
    one = make("one", text)
    written(one, "late.py", "x = 7\n")
    with one.load("job.py") as job:
        items = job.count(3)
        assert next(items) == 0
    load(one, 2)
    assert list(items) == [7]
    assert sources(store) == 1


def test_modules_that_another_tenant_has_too_stay(make: Making, store: Store) -> None:
    one, two = make("one"), make("two")
    assert [load(one, 1), load(two, 1), load(one, 2)] == [1, 1, 2]
    assert sources(store) == 2
    assert load(two, 1) == 1
    assert load(two, 2) == 2
    assert sources(store) == 1


@contextmanager
def another_process(store: Store, tenant: Tenant) -> Iterator[None]:
    """One that says it uses the modules which a tenant has now."""
    other = LiveRoots(store)
    other.hold([rref2dref(RRef(tenant.log(1)[0].source))])
    yield
    other.close()


def test_modules_that_another_process_uses_stay(make: Making, store: Store) -> None:
    one = make("one")
    load(one, 1)
    with another_process(store, one):
        load(one, 2)
        assert sources(store) == 2
    gc(grace_s=0.0)
    assert sources(store) == 1


def test_what_is_held_is_said_before_or_after_a_deletion_and_never_meanwhile(
    make: Making, store: Store
) -> None:
    one = make("one")
    load(one, 1)
    known = rref2dref(RRef(one.log(1)[0].source))  # what this process has said needs no file
    live, said = live_roots(store), threading.Event()

    def say() -> None:
        with ExitStack() as held:
            hold(store, held, [known])
            assert [known] in live.working
            said.set()

    with ThreadPoolExecutor(1) as threads:
        with collector_lock(store, shared=False):
            future = threads.submit(say)
            assert not said.wait(0.2)
            assert [known] not in live.working
        future.result()


def test_modules_that_are_refused_are_gone(make: Making, store: Store) -> None:
    one = make("one", TEXT.format(1), quota_bytes=60_000)
    load(one, 1)
    written(one, "big.py", "#" * 60_000)
    with pytest.raises(QuotaExceeded):
        one.load("job.py")
    assert sources(store) == 1
    Path(one.folder, "usermodules/big.py").unlink()
    assert load(one, 1) == 1


def test_modules_that_cannot_be_imported_are_replaced_like_others(
    make: Making, store: Store
) -> None:
    one = make("one", "import nowhere_at_all\n")
    with pytest.raises(RunFailed):
        one.load("job.py")
    assert load(one, 1) == 1
    assert sources(store) == 1


def test_modules_of_a_deleted_tenant_go_with_its_last_job(make: Making, store: Store) -> None:
    one = make("one", TEXT.format(1))
    with one.load("job.py"):
        one.delete()
        assert sources(store) == 1
    assert sources(store) == 0


def test_who_loads_the_same_as_others_let_go_of_has_it(make: Making, store: Store) -> None:
    tenants = [make(f"t{number}") for number in range(3)]
    turn = threading.Barrier(3)

    def loads(tenant: Tenant) -> list[int]:
        found = []
        for number in (1, 2, 1, 2):
            turn.wait()
            found.append(load(tenant, number))
        return found

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(loads, tenants)) == [[1, 2, 1, 2]] * 3
    assert sources(store) == 1
