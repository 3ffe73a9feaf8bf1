"""What a killed copy program left inside an object is taken away, if it surely is that."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import RRef, Store
from pylightnix.store import strays
from pylightnix.store.layout import rref_path
from pylightnix.store.verified import is_valid
from stages_for_tests import Tree, foreign, put

TREE: Tree = {"a": "text", "d/.hidden": "x", "d/long": "y"}


@pytest.fixture
def rref(store: Store, tmp_path: Path) -> RRef:
    """A realization that came from elsewhere and was never looked at here."""
    other = Store.open(tmp_path / "other", create=True, durability="none")
    made = put(other, TREE)
    foreign(other, store)
    return made


def left(store: Store, rref: RRef, name: str, make: Callable[[Path], object] = Path.touch) -> Path:
    """Leave something in the object, whose folders keep their modes."""
    path = Path(rref_path(store, rref)) / name
    mode = path.parent.stat().st_mode
    path.parent.chmod(0o755)
    make(path)
    path.parent.chmod(mode)
    return path


@pytest.mark.parametrize("name", [".a.Xy12Zz", "d/.hidden.abcdef", "d/.long.000000"])
def test_what_rsync_left_is_put_into_the_trash(name: str, store: Store, rref: RRef) -> None:
    path = left(store, rref, name)
    assert is_valid(store, rref)
    assert not path.exists()
    assert len(os.listdir(f"{store.var}/trash")) == 1
    assert path.parent.stat().st_mode & 0o222 == 0
    assert is_valid(store, rref)


@pytest.mark.parametrize("name", ["new", ".b.Xy12Zz", ".a.Xy12Zzz", ".a.Xy1", "d/.a.Xy12Zz"])
def test_what_is_named_after_nothing_there_stays_and_counts(
    name: str, store: Store, rref: RRef
) -> None:
    path = left(store, rref, name)
    assert not is_valid(store, rref)
    assert path.exists()


def test_what_is_still_being_written_stays(store: Store, rref: RRef) -> None:
    path = left(store, rref, ".a.Xy12Zz")
    with path.open("w"):
        if strays._is_abandoned(str(path)):
            pytest.skip("this kernel or file system tells nobody who writes to a file (no leases)")
        assert not is_valid(store, rref)
        assert path.exists()
    assert is_valid(store, rref)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("a")])
def test_only_a_file_is_what_rsync_leaves(
    make: Callable[[Path], object], store: Store, rref: RRef
) -> None:
    path = left(store, rref, ".a.Xy12Zz", make)
    assert not is_valid(store, rref)
    assert os.path.lexists(path)


def test_an_object_that_is_damaged_as_well_is_left_as_it_is(store: Store, rref: RRef) -> None:
    path = left(store, rref, ".a.Xy12Zz")
    left(store, rref, "extra")
    assert not is_valid(store, rref)
    assert path.exists()


@pytest.mark.parametrize(("code", "passes"), [(errno.EACCES, False), (errno.EMFILE, True)])
def test_what_cannot_be_moved_counts_unless_that_passes(
    code: int, passes: bool, store: Store, rref: RRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(store, rref, ".a.Xy12Zz")

    def refused(where: Store, path: str) -> str:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("pylightnix.store.fsys.to_trash", refused)
    if passes:
        with pytest.raises(OSError, match="Too many open files"):
            is_valid(store, rref)
    else:
        assert not is_valid(store, rref)


def test_a_folder_that_is_gone_meanwhile_holds_no_stray(store: Store, rref: RRef) -> None:
    from pylightnix.store.check import STRANGER, Fault

    assert not strays.is_stray(store, Fault(rref, "gone/.a.Xy12Zz", STRANGER))
