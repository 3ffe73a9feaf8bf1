"""Without file locks, as on some network file systems: builds work, nothing is collected."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from prove import audit, crew
from prove.nodes import node
from pylightnix import (
    DRef,
    PylightnixError,
    Store,
    doctor,
    gc,
    gcroot,
    gcroots,
    instantiate,
    realize,
    rmroot,
    store_rrefs,
    verify,
)
from stages_for_tests import all_at_once, lines_of


@pytest.fixture(autouse=True, params=[errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def no_flock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(fd: int, operation: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    crew.new_process()
    monkeypatch.setattr(fcntl, "flock", refuse)
    yield
    crew.new_process()


def stage(journal: str = "") -> DRef:
    return node("top", node("base", journal=journal), journal=journal)


def test_builds_work_and_leave_no_leases(store: Store) -> None:
    rref = realize(instantiate(stage, store=store))
    assert audit.lacking(store.objects, [rref]) == []
    assert realize(instantiate(stage, store=store)) == rref
    assert not [name for name in os.listdir(f"{store.var}/locks") if "lease" in name]
    assert os.listdir(f"{store.var}/tmp") == []


def test_several_builders_agree(store: Store, tmp_path: Path) -> None:
    journal = f"{tmp_path}/journal"

    def work() -> None:
        crew.new_process()
        realize(instantiate(stage, journal, store=store))

    assert all_at_once([work] * 4) == [0] * 4
    # A lease may be lost, and then a thing is built twice; but not by everybody.
    assert 2 <= len(lines_of(Path(journal))) < 8
    for dref in audit.drefs(store.objects):
        assert len(store_rrefs(DRef(dref), store=store)) == 1


def test_roots_work(store: Store) -> None:
    rref = realize(instantiate(stage, store=store))
    gcroot("paper", rref, store=store)
    assert gcroots(store=store) == {"paper": rref}
    rmroot("paper", store=store)


def test_nothing_is_collected_and_it_is_said_why(store: Store) -> None:
    realize(instantiate(stage, store=store))
    before = audit.listing(store.objects)
    with pytest.raises(PylightnixError, match="lock"):
        gc(grace_s=0, store=store)
    assert audit.listing(store.objects) == before


def test_verify_works_and_doctor_tells(store: Store) -> None:
    realize(instantiate(stage, store=store))
    assert verify(store=store).ok
    (found,) = [finding for finding in doctor(store=store) if finding.check == "file locks"]
    assert not found.ok
