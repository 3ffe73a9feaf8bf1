"""Files and folders from outside: their hash, and a copy of them."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from pylightnix import InvalidOutput, Store
from pylightnix.core.value import changed
from pylightnix.store import freeze, ingest
from pylightnix.store.filehash import CHUNK, Hashed
from pylightnix.store.freeze import freeze_tree
from pylightnix.store.index import Index
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
    for refuse in (partial(hash_path, None, source), partial(copy_path, source, f"{top}/../copy")):
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


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
@pytest.mark.parametrize("large_bytes", [0, 1 << 40], ids=["by two", "by one"])
def test_a_copy_is_hashed_on_its_way(
    size: int, large_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "LARGE_BYTES", large_bytes)
    data = bytes(i * i % 251 for i in range(size))
    (tmp_path / "f").write_bytes(data)
    assert copy_path(str(tmp_path / "f"), str(tmp_path / "copy")) == sha256(data).hexdigest()
    assert (tmp_path / "copy").read_bytes() == data


def test_a_copy_of_a_folder_has_the_hash_of_the_folder(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", TREE)
    assert copy_path(str(top), str(tmp_path / "copy")) == hash_path(None, str(top))


# --- what was hashed is remembered


@pytest.fixture
def asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Store]:
    """Gives the store as a new process sees it; everything is worth remembering."""
    monkeypatch.setattr(ingest, "FEW", 0)
    return lambda: changed(store, index=Index(f"{store.var}/index.sqlite"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read, by name."""
    names: list[str] = []
    real = ingest._hash_file

    def noting(path: str, size: int) -> str:
        names.append(os.path.basename(path))
        return real(path, size)

    monkeypatch.setattr(ingest, "_hash_file", noting)
    return names


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all that there is be old."""
    monkeypatch.setattr(ingest, "RACY_NS", -(10**12))


def test_what_did_not_change_is_not_read_again(
    asked: Callable[[], Store], read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    top = plant(tmp_path / "t", {"a": "1", "b": "2", "d/c": "3", "l": Link("a")})
    first = hash_path(asked(), str(top))
    assert sorted(read) == ["a", "b", "c"]
    read.clear()
    assert hash_path(asked(), str(top)) == first
    assert read == []
    (top / "b").write_text("other")
    assert hash_path(asked(), str(top)) == hash_path(None, str(top)) != first
    assert read == ["b", *read[1:]]
    assert sorted(read[1:]) == ["a", "b", "c"]  # of the one without an index


def test_a_file_that_changed_a_moment_ago_is_read_again(
    asked: Callable[[], Store], read: list[str], tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("text")
    for _ in range(2):
        hash_path(asked(), str(tmp_path / "f"))
    assert read == ["f", "f"]


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "a").chmod(0o755),
        lambda top: (top / "a").rename(top / "z"),
        lambda top: (top / "d").rename(top / "e"),
        lambda top: (top / "new").mkdir(),
        lambda top: ((top / "l").unlink(), (top / "l").symlink_to("b")),
        lambda top: rewritten(top / "a"),
        lambda top: ((top / "a").rename(top / "x"), (top / "b").rename(top / "a")),
    ],
)
def test_every_change_is_noticed(
    change: Callable[[Path], object],
    asked: Callable[[], Store],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle(monkeypatch)
    top = plant(tmp_path / "t", {"a": "1", "b": "2", "d/c": "3", "l": Link("a")})
    os.utime(top / "a", (1, 1))
    first = hash_path(asked(), str(top))
    time.sleep(0.02)  # times of files tick slowly, and `settle` took away what minds that
    change(top)
    assert hash_path(asked(), str(top)) == hash_path(None, str(top)) != first


def rewritten(path: Path) -> None:
    """Change the contents of a file, and nothing else that can be set."""
    path.write_text("9")
    os.utime(path, (1, 1))


def test_an_index_of_nonsense_is_no_harm(
    asked: Callable[[], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    top = plant(tmp_path / "t", {"a": "1", "b": "2"})
    first = hash_path(asked(), str(top))
    store = asked()
    assert store.index is not None
    for key in [*store.index.load(ingest.TABLE, [sha256(os.fsencode(top)).hexdigest()])]:
        store.index.put(ingest.TABLE, key, "nonsense")
    store.index.flush()
    assert hash_path(asked(), str(top)) == first


def test_what_was_hashed_on_its_way_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "top"
    (top / "sub").mkdir(parents=True)
    for name, data in {"a": b"one", "sub/b": b"x" * 5000, "c": b""}.items():
        (top / name).write_bytes(data)
    known: dict[int, Hashed] = {}
    copy_path(str(top), str(tmp_path / "copy"), known)
    plain = sorted(freeze_tree(str(copied(top, tmp_path / "other"))).entries)
    with monkeypatch.context() as patch:
        patch.setattr(freeze, "hash_open", None)  # it would fail
        assert sorted(freeze_tree(str(tmp_path / "copy"), known=known).entries) == plain


def test_what_was_changed_since_is_read(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "a").write_bytes(b"one")
    (tmp_path / "top" / "b").write_bytes(b"one")
    known: dict[int, Hashed] = {}
    copy_path(str(tmp_path / "top"), str(tmp_path / "copy"), known)
    (tmp_path / "copy" / "a").write_bytes(b"two")
    os.utime(tmp_path / "copy" / "a", ns=(1, 1))
    os.link(tmp_path / "copy" / "b", tmp_path / "another")  # who has it may write to it
    (tmp_path / "another").write_bytes(b"six")
    found = freeze_tree(str(tmp_path / "copy"), known=known).entries
    hashes = [sha256(data).hexdigest() for data in (b"two", b"six")]
    assert sorted(found) == [("a", "f", 3, hashes[0]), ("b", "f", 3, hashes[1])]


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target
