"""Files and folders from outside: their hash, and a copy of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from pylightnix import InvalidOutput, Store
from pylightnix.store.ingest import copy_path, hash_path
from stages_for_tests import Link, Program, Tree, below, nested, plant

TREE: Tree = {
    "a": "x",
    "bin/run": Program(),
    "empty": None,
    "l": Link("a"),
    "gone": Link("nowhere"),
}


def test_the_hash_of_a_file_is_that_of_its_contents(tmp_path: Path) -> None:
    plant(tmp_path, {"f": "text", "l": Link("f")})
    assert hash_path(None, str(tmp_path / "f")) == sha256(b"text").hexdigest()
    assert hash_path(None, str(tmp_path / "l")) == sha256(b"text").hexdigest()


def test_the_hash_of_a_folder_is_its_own_and_does_not_depend_on_times_owners_or_order(
    tmp_path: Path,
) -> None:
    one = plant(tmp_path / "one", TREE)
    two = plant(tmp_path / "two", dict(sorted(TREE.items(), reverse=True)))
    os.utime(two / "a", (1, 1))
    (two / "a").chmod(0o600)
    assert hash_path(None, str(one)) == hash_path(None, str(two))


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "a").write_text("y"),
        lambda top: (top / "a").rename(top / "b"),
        lambda top: (top / "a").chmod(0o755),
        lambda top: (top / "empty").rmdir(),
        lambda top: (top / "new").touch(),
        lambda top: (top / "new").symlink_to("a"),
        lambda top: (top / "l").replace(top / "gone"),
    ],
)
def test_every_change_changes_the_hash_of_a_folder(
    change: Callable[[Path], object], tmp_path: Path
) -> None:
    top = plant(tmp_path / "t", TREE)
    before = hash_path(None, str(top))
    change(top)
    assert hash_path(None, str(top)) != before


def test_a_copy_is_equal_and_nobody_elses(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", TREE)
    (top / "a").chmod(0o640)
    copy_path(str(top), str(tmp_path / "copy"))
    assert below(top) == below(tmp_path / "copy")
    assert hash_path(None, str(top)) == hash_path(None, str(tmp_path / "copy"))
    assert stat.S_IMODE((tmp_path / "copy/a").stat().st_mode) == 0o644
    assert (tmp_path / "copy/a").stat().st_ino != (top / "a").stat().st_ino


def test_a_file_can_be_copied_alone(tmp_path: Path) -> None:
    plant(tmp_path, {"run": Program("text")})
    copy_path(str(tmp_path / "run"), str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_text() == "text"
    assert os.access(tmp_path / "copy", os.X_OK)


@pytest.mark.parametrize("inside", [True, False])
def test_a_special_file_is_refused(inside: bool, tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {})
    os.mkfifo(top / "fifo")
    source = str(top if inside else top / "fifo")
    for refuse in (lambda: hash_path(None, source), lambda: copy_path(source, f"{top}/../copy")):
        with pytest.raises(InvalidOutput, match=r"fifo.*only files, folders and symlinks"):
            refuse()


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    for name, tree in (
        ("file", {os.fsdecode(b"\xff"): "x"}),
        ("folder", {os.fsdecode(b"\xff"): None}),
        ("link", {"l": Link(os.fsdecode(b"\xff"))}),
    ):
        top = plant(tmp_path / name, tree)
        with pytest.raises(InvalidOutput, match="not UTF-8"):
            hash_path(None, str(top))


def test_a_tree_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {})
    with nested(top, 1100):
        with pytest.raises(InvalidOutput, match="deeper than"):
            hash_path(None, str(top))
        with pytest.raises(InvalidOutput, match="deeper than"):
            copy_path(str(top), str(tmp_path / "copy"))


def test_what_is_not_there_is_an_error(tmp_path: Path, store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        hash_path(store, str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError):
        copy_path(str(tmp_path / "nothing"), str(tmp_path / "copy"))
