"""Damage is found, stays found, is handed to nobody, and goes when it can be made again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from prove import audit, crew
from prove.nodes import node
from pylightnix import (
    Closure,
    Corrupt,
    DRef,
    RRef,
    Store,
    find,
    instantiate,
    realize,
    realize_context,
    rref2dref,
    rref2path,
    store_config,
    store_rrefs,
    verify,
)
from stages_for_tests import in_child


@pytest.fixture
def closure(store: Store) -> Closure:
    """A stage and what it needs, realized; long enough ago for the index to believe in it."""

    def stage() -> DRef:
        return node("top", node("base"))

    made = instantiate(stage, store=store)
    realize(made)
    time.sleep(0.06)
    find(store=store)
    return made


@pytest.fixture
def rref(closure: Closure) -> RRef:
    return realize(closure)


def damage(store: Store, rref: RRef, name: str = "text") -> None:
    path = Path(audit.place(store.objects, rref), name)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    path.chmod(0o444)


def shorten(store: Store, rref: RRef) -> None:
    path = Path(audit.place(store.objects, rref), "text")
    path.chmod(0o644)
    path.write_bytes(b"")
    path.chmod(0o444)


def found_by(store: Store) -> list[str]:
    return sorted({str(fault.ref) for fault in verify(store=store).damaged})


@pytest.mark.parametrize("harm", [damage, shorten])
def test_damage_is_found_again_and_again(
    store: Store, rref: RRef, harm: Callable[[Store, RRef], None]
) -> None:
    harm(store, rref)
    assert [found_by(store) for _ in range(3)] == [[rref]] * 3
    crew.new_process()
    assert found_by(store) == [rref]


def test_damage_that_was_found_is_repaired_later(
    store: Store, closure: Closure, rref: RRef
) -> None:
    shorten(store, rref)
    verify(contents=False, store=store)
    report = verify(repair=True, closure=closure)
    assert report.repaired == (rref,)
    assert audit.wrong(store.objects, rref) == ""
    assert verify(store=store).ok


def test_what_verify_found_is_given_to_nobody(store: Store, closure: Closure, rref: RRef) -> None:
    damage(store, rref)
    # Nobody hashes everything at every use: before it is looked at, nobody can know.
    assert store_rrefs(rref2dref(rref), store=store) == [rref]
    assert found_by(store) == [rref]
    assert store_rrefs(rref2dref(rref), store=store) == []
    assert rref not in find(store=store)
    with pytest.raises(Corrupt):
        rref2path(rref, store=store)


def test_what_another_process_found_is_given_to_nobody_here(store: Store, rref: RRef) -> None:
    damage(store, rref)
    assert store_rrefs(rref2dref(rref), store=store) == [rref]

    def other() -> None:
        crew.new_process()
        assert found_by(store) == [rref]

    assert in_child(other) == 0
    assert store_rrefs(rref2dref(rref), store=store) == []


def test_a_build_takes_the_place_of_what_was_found(
    store: Store, closure: Closure, rref: RRef
) -> None:
    damage(store, rref)
    verify(store=store)
    assert realize(closure) == rref
    assert audit.wrong(store.objects, rref) == ""
    (quarantined,) = os.listdir(f"{store.var}/trash")
    assert quarantined.endswith(rref[5:37])


def test_what_nobody_can_make_again_is_lost_and_lies_in_quarantine(store: Store) -> None:
    def stage() -> DRef:
        return node("noisy", noisy=True)

    closure = instantiate(stage, store=store)
    rref = realize(closure)
    damage(store, rref)
    report = verify(repair=True, closure=closure)
    assert report.lost == (rref,)
    assert not report.ok
    assert [name.endswith(rref[5:37]) for name in os.listdir(f"{store.var}/trash")] == [True]
    (fresh,) = store_rrefs(rref2dref(rref), store=store)
    assert fresh != rref
    assert verify(store=store).ok


def test_without_a_closure_damage_is_lost_but_not_deleted(store: Store, rref: RRef) -> None:
    damage(store, rref)
    report = verify(repair=True, store=store)
    assert (report.repaired, report.lost) == ((), (rref,))
    (kept,) = Path(store.var, "trash").iterdir()
    assert (kept / "bin" / "run").exists()


def test_a_copy_under_way_is_no_damage_and_not_in_the_way(
    store: Store, closure: Closure, rref: RRef, tmp_path: Path
) -> None:
    other = Store.open(tmp_path / "other", create=True, durability="none")
    shutil.copytree(store.objects, other.objects, symlinks=True, dirs_exist_ok=True)
    shorten(other, rref)
    report = verify(store=other)
    assert report.ok
    assert not report.damaged
    assert {fault.ref for fault in report.incomplete} == {rref}
    assert realize(instantiate(lambda: _top(), store=other)) == rref
    assert verify(store=other).incomplete == ()


def _top() -> DRef:
    return node("top", node("base"))


def test_a_config_that_is_a_folder_is_corrupt_and_mended(
    store: Store, closure: Closure, rref: RRef
) -> None:
    path = Path(audit.place(store.objects, rref2dref(rref)), "config.json")
    path.unlink()
    path.mkdir()
    with pytest.raises(Corrupt, match="can be read"):
        store_config(rref2dref(rref), store=store)
    assert verify(repair=True, closure=closure).ok
    assert store_config(rref2dref(rref), store=store).name == "top"


def test_a_derivation_under_a_wrong_name_leaves_nothing_after_repair(
    store: Store, closure: Closure, rref: RRef
) -> None:
    home = audit.place(store.objects, rref2dref(rref))
    os.rename(home, f"{home}X")
    report = verify(repair=True, closure=closure)
    assert {str(fault.ref)[-4:] for fault in report.damaged} == {"topX"}
    assert not os.path.lexists(f"{home}X")
    assert realize_context(closure)[0] is not None
    assert verify(store=store).ok
    assert audit.lacking(store.objects, [rref]) == []


def test_harmless_changes_are_noticed_at_most(store: Store, rref: RRef) -> None:
    folder = Path(audit.place(store.objects, rref))
    os.utime(folder / "text", (1, 1))
    assert verify(store=store) == verify(contents=False, store=store)
    assert not verify(store=store).notices
    (folder / "text").chmod(0o644)
    (folder / ".pylightnix").chmod(0o755)
    (folder / ".pylightnix" / "build.json").unlink()
    report = verify(store=store)
    assert report.ok
    assert sorted(fault.path for fault in report.notices) == [
        ".pylightnix",
        ".pylightnix/build.json",
        "text",
    ]
    assert verify(repair=True, store=store).repaired == (rref,)
    assert not verify(store=store).notices
