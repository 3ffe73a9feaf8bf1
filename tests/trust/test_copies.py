"""What a killed copy program leaves behind does not keep a whole object from being used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prove import audit, crew
from pylightnix import RRef, Store, rref2dref, store_rrefs, verify
from stages_for_tests import Link, Tree, foreign, put

TREE: Tree = {"text": "some text", "deep/.hidden": "more", "link": Link("text")}


@pytest.fixture
def rref(store: Store) -> RRef:
    return put(store, TREE)


@pytest.fixture
def copy(store: Store, rref: RRef, tmp_path: Path) -> Store:
    """Another store, into which the object was copied."""
    other = Store.open(tmp_path / "other", create=True, durability="none")
    foreign(store, other)
    crew.new_process()
    return other


def add(store: Store, rref: RRef, path: str) -> Path:
    """Put a file into an object."""
    target = Path(audit.place(store.objects, rref), path)
    mode = target.parent.stat().st_mode
    target.parent.chmod(0o755)
    target.write_text("some")
    target.parent.chmod(mode)
    return target


def shown(store: Store, rref: RRef) -> list[RRef]:
    return store_rrefs(rref2dref(rref), store=store)


@pytest.mark.parametrize(
    "path",
    [".text.Xy12Zz", "deep/.hidden.Xy12Zz", ".pylightnix/.manifest.json.abcdef", ".te.123456"],
)
def test_the_temporary_file_of_a_killed_rsync_goes_to_the_trash(
    path: str, copy: Store, rref: RRef
) -> None:
    stray = add(copy, rref, path)
    assert shown(copy, rref) == [rref]
    assert audit.wrong(copy.objects, rref) == ""
    assert not stray.exists()
    assert [name.endswith(stray.name) for name in os.listdir(f"{copy.var}/trash")] == [True]
    assert verify(store=copy).ok


@pytest.mark.parametrize("path", [".other.Xy12Zz", ".text.Xy12", "text.Xy12Zz", ".text"])
def test_any_other_file_too_many_stays_and_keeps_the_object_from_being_used(
    path: str, copy: Store, rref: RRef
) -> None:
    stranger = add(copy, rref, path)
    assert shown(copy, rref) == []
    assert stranger.exists()


def test_what_is_being_written_is_left_alone(copy: Store, rref: RRef) -> None:
    stray = add(copy, rref, ".text.Xy12Zz")
    with stray.open("a"):
        assert shown(copy, rref) == []
        assert stray.exists()
    assert shown(copy, rref) == [rref]


def test_a_stray_beside_something_that_is_missing_is_left_alone(copy: Store, rref: RRef) -> None:
    stray = add(copy, rref, ".text.Xy12Zz")
    link = stray.with_name("link")
    link.parent.chmod(0o755)
    link.unlink()
    assert shown(copy, rref) == []
    assert stray.exists()


def test_a_folder_or_link_is_no_stray(copy: Store, rref: RRef) -> None:
    top = Path(audit.place(copy.objects, rref))
    top.chmod(0o755)
    (top / ".text.Xy12Zz").mkdir()
    assert shown(copy, rref) == []
    (top / ".text.Xy12Zz").rmdir()
    (top / ".text.Xy12Zz").symlink_to("text")
    assert shown(copy, rref) == []
    assert (top / ".text.Xy12Zz").is_symlink()
