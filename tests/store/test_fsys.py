"""The few ways in which the store touches the disk."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from pylightnix import Store
from pylightnix.store import fsys, syscalls
from pylightnix.store.scratch import ALIVE, Scratch, abandoned, remains
from stages_for_tests import Link, below, nested, plant


def test_a_rename_never_replaces_anything(tmp_path: Path) -> None:
    plant(tmp_path, {"new/a": "x", "empty": None, "full/b": "y", "file": "z"})
    for taken in ("empty", "full", "file"):
        with pytest.raises(FileExistsError):
            syscalls.rename_noreplace(str(tmp_path / "new"), str(tmp_path / taken))
    syscalls.rename_noreplace(str(tmp_path / "new"), str(tmp_path / "free"))
    assert (tmp_path / "free/a").read_text() == "x"


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
def test_where_the_call_is_lacking_a_plain_rename_must_do(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(name: str, *args: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(syscalls, "_call", lacking)
    plant(tmp_path, {"new/a": "x", "full/b": "y"})
    with pytest.raises(FileExistsError):
        syscalls.rename_noreplace(str(tmp_path / "new"), str(tmp_path / "full"))
    syscalls.rename_noreplace(str(tmp_path / "new"), str(tmp_path / "free"))
    assert (tmp_path / "free/a").read_text() == "x"
    with pytest.raises(FileNotFoundError):
        syscalls.rename_noreplace(str(tmp_path / "new"), str(tmp_path / "other"))


def test_a_folder_in_use_is_told_in_one_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(name: str, *args: object) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr(syscalls, "_call", taken)
    with pytest.raises(FileExistsError):
        syscalls.rename_noreplace("a", "b")


def test_other_errors_of_a_rename_are_passed_on(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        syscalls.rename_noreplace(str(tmp_path / "nothing"), str(tmp_path / "b"))


def test_a_library_without_the_call_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls, "_function", lambda name: None)
    with pytest.raises(OSError) as caught:
        syscalls._call("renameat2")
    assert caught.value.errno == errno.ENOSYS


def test_a_read_only_tree_is_deleted_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = plant(tmp_path / "outside", {"keep": "x"})
    top = plant(tmp_path / "t", {"a": "x", "d/e/f": "y", "l": Link("../outside"), "n": None})
    for name in ("d/e/f", "d/e", "d", "n", "a"):
        (top / name).chmod(0)
    top.chmod(0)
    fsys.delete_tree(str(top))
    assert not top.exists()
    assert below(outside) == ["keep"]


@pytest.mark.parametrize("what", ["file", "link", "nothing"])
def test_what_is_no_folder_is_deleted_too(what: str, tmp_path: Path) -> None:
    plant(tmp_path, {"file": "x", "real/a": "x", "link": Link("real")})
    fsys.delete_tree(str(tmp_path / what))
    assert not os.path.lexists(tmp_path / what)
    assert (tmp_path / "real/a").exists()


def test_a_very_deep_tree_is_deleted(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {})
    with nested(top, 1200):
        fsys.delete_tree(str(top))
        assert not top.exists()


def test_folders_that_cannot_be_opened_are_opened_up_and_then_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a user who is not root, whoever runs this."""
    top = plant(tmp_path / "t", {"d/e/f": "x"})
    shut = {str(top), "d", "e"}
    real = os.open

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path in shut and not flags & os.O_PATH:
            shut.remove(path)
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    fsys.delete_tree(str(top))
    assert not top.exists()
    assert shut == set()


def test_a_link_is_not_opened_up(tmp_path: Path) -> None:
    plant(tmp_path, {"f": "x", "l": Link("f")})
    (tmp_path / "f").chmod(0o640)
    fsys.unlock_entry(str(tmp_path / "l"), None, 0o777)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640


def test_whether_a_file_is_locked_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    path = tmp_path / "f"
    path.touch()
    assert fsys.is_locked(str(path)) is False
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert fsys.is_locked(str(path)) is True

    def lacking(fd: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr(fcntl, "flock", lacking)
    assert fsys.is_locked(str(path)) is None


def test_what_another_process_deletes_first_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = plant(tmp_path / "t", {"a": "x", "b": "y", "d/c": "z"})
    unlink, rmdir = os.unlink, os.rmdir

    def gone_before(path: str, *, dir_fd: int | None = None) -> None:
        unlink(path, dir_fd=dir_fd)
        raise FileNotFoundError(path)

    def folder_gone_before(path: str, *, dir_fd: int | None = None) -> None:
        rmdir(path, dir_fd=dir_fd)
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "unlink", gone_before)
    monkeypatch.setattr(os, "rmdir", folder_gone_before)
    fsys.delete_tree(str(top))
    assert not top.exists()


def test_reading_and_writing_do_not_go_through_links(tmp_path: Path) -> None:
    plant(tmp_path, {"file": "x", "link": Link("file"), "dangling": Link("target")})
    with pytest.raises(OSError):
        fsys.read_bytes(str(tmp_path / "link"))
    for name in ("dangling", "link", "file"):
        with pytest.raises(FileExistsError):
            fsys.write_new(str(tmp_path / name), b"y")
    assert not (tmp_path / "target").exists()
    assert (tmp_path / "file").read_text() == "x"


def test_a_short_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
    fsys.write_new(str(tmp_path / "f"), b"0123456789")
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.parametrize("what", ["object", "file", "link"])
def test_anything_can_be_put_into_the_trash(what: str, store: Store, tmp_path: Path) -> None:
    plant(tmp_path, {"object/a": "x", "file": "x", "link": Link("file")})
    (tmp_path / "object").chmod(0o555)
    where = fsys.to_trash(store, str(tmp_path / what))
    assert os.path.dirname(where) == f"{store.var}/trash"
    assert not os.path.lexists(tmp_path / what)
    assert os.path.lexists(where)


def test_the_trash_is_made_again_where_it_is_gone(store: Store, tmp_path: Path) -> None:
    os.rmdir(f"{store.var}/trash")
    plant(tmp_path, {"file": "x"})
    assert os.path.exists(fsys.to_trash(store, str(tmp_path / "file")))


# Scratch


def test_scratch_makes_nothing_until_it_is_asked(store: Store) -> None:
    with Scratch(store):
        assert os.listdir(f"{store.var}/tmp") == []
    assert os.listdir(f"{store.var}/tmp") == []


def test_scratch_says_whose_it_is_and_that_it_is_alive(store: Store) -> None:
    import fcntl

    with Scratch(store) as scratch:
        home = os.path.dirname(scratch.new())
        assert os.path.basename(home).startswith(f"{os.uname().nodename}-{os.getpid()}-")
        fd = os.open(f"{home}/{ALIVE}", os.O_WRONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)
    assert not os.path.exists(home)


def test_scratch_paths_are_new_and_their_folder_is_there(store: Store) -> None:
    with Scratch(store) as scratch:
        one, two = scratch.new(), scratch.new()
        assert one != two
        assert not os.path.exists(one)
        os.mkdir(one)
        assert scratch.made == [one, two]


def test_what_is_kept_stays_and_no_longer_counts_as_alive(store: Store) -> None:
    import fcntl

    with Scratch(store) as scratch:
        plant(scratch.new(), {"a": "x"})
        kept = scratch.keep()
        plant(scratch.new(), {"b": "x"})
    assert below(kept) == ["a"]
    home = os.path.dirname(kept)
    assert sorted(os.listdir(home)) == [ALIVE, "0"]
    fd = os.open(f"{home}/{ALIVE}", os.O_WRONLY)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)


def test_keeping_nothing_names_the_folder_all_the_same(store: Store) -> None:
    with Scratch(store) as scratch:
        assert scratch.keep().startswith(f"{store.var}/tmp/")


def test_scratch_that_somebody_else_cleared_is_no_error(store: Store) -> None:
    with Scratch(store) as scratch:
        home = os.path.dirname(scratch.new())
        fsys.delete_tree(home)
    assert os.listdir(f"{store.var}/tmp") == []


def test_what_failed_builds_left_is_found_by_its_label_the_latest_first(store: Store) -> None:
    with Scratch(store) as scratch:
        kept = []
        for label in ("a", "b", "a"):
            os.mkdir(scratch.new())
            kept.append(scratch.keep(label))
        os.mkdir(scratch.new())
        scratch.drop()
        empty = scratch.keep("c")
    assert os.listdir(empty) == []
    assert [(one.label, one.folder) for one in remains(store)] == [
        ("c", empty),
        ("a", kept[2]),
        ("b", kept[1]),
        ("a", kept[0]),
    ]
    assert abandoned(store, "a") == kept[2]
    assert abandoned(store, "a", time.time_ns() + 10**10) is None
    fsys.delete_tree(kept[1])
    assert [one.label for one in remains(store)] == ["c", "a", "a"]


def test_what_is_being_built_did_not_fail_until_its_process_is_gone(store: Store) -> None:
    with Scratch(store, "a") as scratch:
        os.mkdir(scratch.new())
        assert remains(store) == []
        assert [one.label for one in remains(store, running=True)] == ["a"]
        (home,) = Path(store.var, "tmp").iterdir()
        dead = shutil.copytree(home, home.with_name("dead"))  # nobody holds the mark of this one
        assert [one.folder for one in remains(store)] == [f"{dead}/0"]


def test_a_disk_that_refuses_does_not_hide_why_a_build_failed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "no space")

    with Scratch(store) as scratch:
        monkeypatch.setattr(os, "makedirs", full)
        assert scratch.keep("a").startswith(f"{store.var}/tmp/")
