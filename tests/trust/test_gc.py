"""Collecting: what goes and why, what comes back, and what no collection ever takes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prove import audit, crew
from pylightnix import (
    DRef,
    RRef,
    Store,
    StoreError,
    catref,
    gc,
    gc_empty_trash,
    gc_undo,
    gcroot,
    instantiate,
    mkfile,
    realize,
    rmref,
    rref2dref,
    rref2path,
    store_rrefs,
    verify,
)
from pylightnix.store.layout import drv_path, initialize, mkstore
from stages_for_tests import put
from trust.big import fill


def build(store: Store, name: str = "thing", text: str = "text") -> RRef:
    return realize(instantiate(mkfile, name, text, store=store))


def dead(store: Store, **options: object) -> dict[str, str]:
    """What a dry run names, with the reasons; by default without grace."""
    chosen: dict[str, object] = {"grace_s": 0, "dry_run": True, **options}
    return {str(victim.ref): victim.reason for victim in gc(**chosen, store=store).dead}  # type: ignore[arg-type]


def scored(store: Store, *scores: int) -> list[RRef]:
    """Realizations of one derivation, built one after the other."""
    return [
        put(store, {"score": f"{score}\n"}, stop=f"2024-05-01T10:00:0{i}.000000+00:00")
        for i, score in enumerate(scores)
    ]


def test_a_dry_run_of_ten_thousand_objects_names_every_victim_and_why(store: Store) -> None:
    refs = fill(store, 10_000)
    gcroot("kept", RRef(refs[-1]), store=store)
    kept = set(refs[-20:])  # a chain of ten
    first_s = time.monotonic()
    found = gc(grace_s=0, dry_run=True, store=store)
    again_s = time.monotonic()
    assert dead(store).keys() == set(refs) - kept
    end_s = time.monotonic()
    assert {victim.ref for victim in found.dead} == set(refs) - kept
    assert {victim.reason for victim in found.dead} == {"no root, link or process needs it"}
    assert found.freed_bytes == sum(victim.bytes for victim in found.dead) > 1_000_000
    assert found.kept == 20
    print(f"dry run of 10,000: {again_s - first_s:.2f} s, again {end_s - again_s:.3f} s")
    assert end_s - again_s < 5


def test_every_reason_is_in_words(store: Store) -> None:
    worst, best, last = scored(store, 1, 3, 2)
    why = "no root, link or process needs it"
    assert dead(store)[worst] == why
    assert dead(store, keep_last=1)[best] == f"{why}, it is not among the last 1 of its derivation"
    found = dead(store, keep_best=("score", 1))
    assert found[worst] == f"{why}, it is not among the best 1 of its derivation"
    assert dead(store, max_bytes=0)[last] == f"{why}, the store is over 0 bytes"
    assert dead(store, older_than_s=3600) == {}
    time.sleep(0.01)
    assert "it came more than 0.01 s ago" in dead(store, older_than_s=0.01)[last]


def test_remains_of_a_copy_have_a_reason_of_their_own(store: Store) -> None:
    rref = build(store)
    crew.scrap(audit.place(store.objects, rref) + "/.pylightnix")
    # A copy makes its folder; what is in a folder that was seen whole is the business of `verify`.
    os.utime(drv_path(store, rref2dref(rref)))
    shutil.rmtree(f"{store.var}/verified")
    crew.new_process()
    assert dead(store)[rref] == "the remains of an interrupted copy, or damaged"


def test_what_is_spared_spares_what_it_needs(store: Store) -> None:
    dep = put(store, {"a": "x"}, "dep")
    user = put(store, {"a": "y"}, "user", context={rref2dref(dep): [dep]}, dep=rref2dref(dep))
    put(store, {"a": "z"}, "alone")
    assert {user, dep, rref2dref(dep)}.isdisjoint(dead(store, keep=[user]))
    assert len(dead(store, keep=[user])) == 2


def test_the_oldest_go_first_and_only_until_it_fits(store: Store) -> None:
    rrefs = scored(store, 1, 2, 3)
    sizes = {str(v.ref): v.bytes for v in gc(grace_s=0, dry_run=True, store=store).dead}
    limit = sum(sizes.values()) - 1
    assert list(dead(store, max_bytes=limit)) == [rrefs[0]]
    assert list(dead(store, max_bytes=limit - sizes[rrefs[0]])) == rrefs[:2]
    assert dead(store, max_bytes=limit + 1) == {}


def test_what_came_within_the_grace_time_stays(store: Store) -> None:
    rref = build(store)
    assert dead(store, grace_s=60) == {}
    time.sleep(0.05)
    assert set(dead(store, grace_s=0.05)) == {rref, rref2dref(rref)}


def test_what_comes_again_is_young_again(store: Store) -> None:
    rref = build(store)
    time.sleep(0.06)
    assert set(dead(store)) == {rref, rref2dref(rref)}
    gc(grace_s=0, store=store)
    build(store)
    # What the index knew of it was of the one that is gone.
    assert dead(store, grace_s=0.05) == {}


def test_a_real_run_takes_what_a_dry_run_named(store: Store) -> None:
    for number in range(5):
        build(store, f"n{number}")
    named = gc(grace_s=0, dry_run=True, store=store)
    done = gc(grace_s=0, store=store)
    assert done.dead == named.dead
    assert done.freed_bytes == named.freed_bytes
    assert os.listdir(store.objects) == []


def test_undo_brings_back_all_of_it_as_it_was(store: Store) -> None:
    rref = build(store)
    before = audit.listing(store.objects)
    gc(grace_s=0, store=store)
    assert gc_undo(store=store) == [rref2dref(rref), rref]
    assert audit.listing(store.objects) == before
    with pytest.raises(StoreError, match="the trash is empty"):
        gc_undo(store=store)


def test_only_the_last_collection_can_be_undone(store: Store) -> None:
    build(store, "first")
    gc(grace_s=0, store=store)
    second = build(store, "second")
    gc(grace_s=0, store=store)
    assert gc_undo(store=store) == [rref2dref(second), second]


def test_a_collection_that_found_nothing_empties_the_trash_too(store: Store) -> None:
    build(store)
    gc(grace_s=0, store=store)
    assert gc(grace_s=0, store=store).trash is None
    with pytest.raises(StoreError):
        gc_undo(store=store)


def test_what_a_killed_collector_had_begun_to_delete_is_deleted_by_the_next(store: Store) -> None:
    build(store)
    trash = gc(grace_s=0, store=store).trash
    assert trash is not None
    os.rename(trash, f"{store.var}/trash/old-0123456789abcdef")
    with pytest.raises(StoreError):
        gc_undo(store=store)
    gc(grace_s=0, store=store)
    assert os.listdir(f"{store.var}/trash") == []


def test_damage_in_quarantine_outlives_collections(store: Store) -> None:
    rref = build(store)
    path = rref2path(rref, store=store) / "thing"
    path.chmod(0o644)
    path.write_text("other")
    verify(repair=True, store=store)
    (quarantined,) = os.listdir(f"{store.var}/trash")
    gc(grace_s=0, store=store)
    gc(grace_s=0, store=store)
    assert quarantined in os.listdir(f"{store.var}/trash")
    assert gc_empty_trash(store=store) > 0
    assert os.listdir(f"{store.var}/trash") == []


def test_left_overs_of_killed_builders_go_and_the_rest_stays(store: Store) -> None:
    rref = build(store)
    home = audit.place(store.objects, rref2dref(rref))
    for path in (f"{store.var}/tmp/host-1-2", f"{home}/.in-1", f"{store.objects}/.in-2"):
        os.makedirs(path)
    crew.new_process()
    time.sleep(0.01)
    found = gc(grace_s=0, leftovers_only=True, store=store)
    assert [leftover.path for leftover in found.leftovers] == sorted(
        [f"{home}/.in-1", f"{store.objects}/.in-2", f"{store.var}/tmp/host-1-2"],
        key=lambda path: (not path.startswith(store.var), not path.startswith(home)),
    )
    assert found.dead == ()
    assert os.listdir(f"{store.var}/tmp") == []
    assert sorted(os.listdir(home)) == sorted([rref[5:37], "config.json"])


@pytest.fixture
def divided(tmp_path: Path) -> Iterator[Store]:
    """A store whose folder `var` is on another disk than its objects."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("there is no second file system to write to: /dev/shm")
    elsewhere = tempfile.mkdtemp(dir="/dev/shm")
    if os.stat(elsewhere).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("/dev/shm is the file system of all other tests")
    yield initialize(mkstore(f"{tmp_path}/store-v1", f"{elsewhere}/var", "none"))
    crew.scrap(elsewhere)


def test_with_var_on_another_disk_all_of_this_works(divided: Store) -> None:
    rref = build(divided)
    assert len(gc(grace_s=0, store=divided).dead) == 2
    assert gc_undo(store=divided) == [rref2dref(rref), rref]
    assert catref(rref, "thing", store=divided) == ["text"]
    rmref(rref, store=divided)
    assert store_rrefs(DRef(rref2dref(rref)), store=divided) == []
    assert gc_empty_trash(store=divided) == 0


def test_with_var_on_another_disk_damage_is_not_in_the_way(divided: Store) -> None:
    rref = build(divided)
    path = rref2path(rref, store=divided) / "thing"
    path.chmod(0o644)
    path.write_text("other")
    closure = instantiate(mkfile, "thing", "text", store=divided)
    assert verify(repair=True, closure=closure).repaired == (rref,)
    assert audit.wrong(divided.objects, rref) == ""
    assert gc_empty_trash(store=divided) > 0
