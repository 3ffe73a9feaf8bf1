"""What stays, what goes, and how it comes back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    DRef,
    InvalidName,
    InvalidValue,
    NotInStore,
    RRef,
    Store,
    StoreError,
    gc,
    gc_undo,
    gcroot,
    gcroots,
    instantiate,
    linkrref,
    match_some,
    realize,
    realize_many,
    rmref,
    rmroot,
    rref2dref,
    store_drefs,
    store_gc,
    store_rrefs,
)
from pylightnix.api.keep import gc_empty_trash
from stages_for_tests import all_faults, constant, in_child, lines_of, noisy, note, put

pytestmark = pytest.mark.usefixtures("current")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[RRef, RRef]:
    """A realization and one that needs it, made by another process, which has ended."""
    told = tmp_path / "told"

    def work() -> None:
        def stage() -> DRef:
            return constant("top", constant("base"))

        note(told, realize(instantiate(stage)))

    assert in_child(work) == 0
    [base] = store_rrefs(next(dref for dref in store_drefs() if dref[38:] == "base"))
    [top] = map(RRef, lines_of(told))
    return base, top


def everything() -> set[DRef | RRef]:
    return {*store_drefs(), *(rref for dref in store_drefs() for rref in store_rrefs(dref))}


def test_what_nobody_needs_goes_users_first_and_comes_back(
    pair: tuple[RRef, RRef], store: Store
) -> None:
    base, top = pair
    before = everything()
    told = gc(grace_s=0, dry_run=True)
    assert everything() == before
    found = gc(grace_s=0)
    assert found.dead == told.dead
    order = [victim.ref for victim in found.dead]
    assert set(order) == before
    assert order.index(top) < order.index(base) < order.index(rref2dref(base))
    assert everything() == set()
    assert found.freed_bytes >= sum(victim.bytes for victim in found.dead) > 0
    assert set(gc_undo()) == before
    assert everything() == before
    assert all_faults(store) == []


def test_what_came_a_moment_ago_stays(pair: tuple[RRef, RRef]) -> None:
    assert gc().dead == ()


def test_what_this_process_uses_is_spared_by_others(store: Store) -> None:
    rref = realize(instantiate(constant, "a"))

    def other() -> None:
        found = gc(grace_s=0)
        if found.dead:
            raise ValueError(found.dead)

    assert in_child(other) == 0
    assert store_rrefs(rref2dref(rref)) == [rref]


@pytest.mark.parametrize("whole", [False, True])
def test_a_root_keeps_what_it_names_and_what_that_needs(
    whole: bool, pair: tuple[RRef, RRef]
) -> None:
    base, top = pair
    gcroot("mine", "top" if whole else top)
    assert gcroots() == {"mine": rref2dref(top) if whole else top}
    assert gc(grace_s=0).dead == ()
    with pytest.raises(StoreError, match="root mine"):
        rmref(top)
    gcroot("mine", base)
    assert {victim.ref for victim in gc(grace_s=0).dead} == {top, rref2dref(top)}
    rmroot("mine")
    assert gcroots() == {}
    assert {victim.ref for victim in gc(grace_s=0).dead} == {base, rref2dref(base)}


def test_a_root_has_a_name_and_names_what_is_there(pair: tuple[RRef, RRef]) -> None:
    with pytest.raises(InvalidName):
        gcroot("a/b", pair[0])
    with pytest.raises(NotInStore):
        gcroot("mine", "nothing")
    with pytest.raises(StoreError, match="no root named 'mine'"):
        rmroot("mine")
    with pytest.raises(InvalidName):
        rmroot("../x")
    assert gcroots() == {}


def test_strange_files_among_the_roots_are_no_roots(pair: tuple[RRef, RRef], store: Store) -> None:
    roots = Path(store.var, "roots")
    (roots / "file").write_text("x")
    (roots / "link").symlink_to("nowhere")
    (roots / "a name").symlink_to(pair[0])
    gcroot("mine", pair[1])
    assert gcroots() == {"mine": pair[1]}


def test_a_link_keeps_what_it_leads_to(pair: tuple[RRef, RRef], tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = linkrref(pair[1], tmp_path / "links")
    assert gc(grace_s=0).dead == ()
    link.unlink()
    assert len(gc(grace_s=0, dry_run=True).dead) == 4
    os.symlink(Path(tmp_path, "root", "store-v1", pair[0][38:]), link)
    assert {victim.ref for victim in gc(grace_s=0).dead} == {pair[1], rref2dref(pair[1])}


@pytest.mark.parametrize("form", ["rref", "folder", "name"])
def test_what_to_keep_can_be_said(
    form: str, pair: tuple[RRef, RRef], tmp_path: Path, store: Store
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    os.symlink(Path(store.objects, pair[1][38:], pair[1][5:37]), folder / "x")
    keep: Any = {"rref": [pair[1]], "folder": folder, "name": "top"}[form]
    assert gc(keep, grace_s=0).dead == ()


def test_the_last_and_the_best_are_spared(store: Store) -> None:
    made = [
        put(store, {"score": str(i)}, stop=f"200{9 - i}-01-01T00:00:00.000000+00:00")
        for i in range(5)
    ]
    dead = {victim.ref for victim in gc(grace_s=0, keep_last=1, keep_best=("score", 2)).dead}
    assert dead == set(made[1:3])


def test_only_as_much_as_is_wanted_goes(store: Store) -> None:
    made = [
        put(store, {"f": "x" * 10_000, "i": str(i)}, stop=f"200{i}-01-01T00:00:00.000000+00:00")
        for i in range(5)
    ]
    found = gc(grace_s=0, max_bytes=35_000)
    assert [victim.ref for victim in found.dead] == made[:2]


@pytest.mark.parametrize(
    "options",
    [{"grace_s": -1}, {"max_bytes": -1}, {"keep_last": -1}, {"older_than_s": float("nan")}],
)
def test_impossible_limits_are_refused(options: Any) -> None:
    with pytest.raises(InvalidValue, match="gc: "):
        gc(**options)


def test_what_would_go_can_be_asked_as_of_old(pair: tuple[RRef, RRef]) -> None:
    base, top = pair
    drefs = {rref2dref(base), rref2dref(top)}
    assert store_gc([], []) == (drefs, {base, top})
    assert store_gc([], [top]) == (set(), set())
    assert store_gc([rref2dref(top)], []) == (set(), {base, top})
    assert store_gc([], [base]) == ({rref2dref(top)}, {top})
    assert everything() == {*drefs, base, top}


def test_an_empty_trash_gives_nothing_back(pair: tuple[RRef, RRef]) -> None:
    with pytest.raises(StoreError, match="the trash is empty"):
        gc_undo()
    gc(grace_s=0)
    assert gc_empty_trash() > 0
    with pytest.raises(StoreError):
        gc_undo()
    assert gc_empty_trash() == 0


def test_what_was_made_again_stays_as_it_is(store: Store) -> None:
    def work() -> None:
        realize_many(instantiate(noisy, "a", matcher=match_some(2)))

    assert in_child(work) == 0
    before = everything()
    gc(grace_s=0)
    rref = realize(instantiate(constant, "a"))
    again = realize(instantiate(noisy, "a"))
    gc_undo()
    assert everything() == {*before, rref, again, rref2dref(rref), rref2dref(again)}
    assert all_faults(store) == []


def test_half_of_an_object_is_collected_when_it_is_old(store: Store) -> None:
    rref = put(store, {"a": "x"})
    os.mkdir(Path(store.objects, rref[38:], "0" * 32))
    os.mkdir(Path(store.objects, f"{'1' * 32}-empty"))
    gcroot("mine", rref)
    dead = {victim.ref for victim in gc(grace_s=0).dead}
    assert rref not in dead
    assert RRef(f"rref:{'0' * 32}-{rref[38:]}") in dead
    assert DRef(f"dref:{'1' * 32}-empty") in dead
