"""`fetchlocal`: files and folders of this machine, known by their content."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    BuildFailed,
    DRef,
    FetchError,
    InvalidOutput,
    InvalidValue,
    Registry,
    Store,
    fetchlocal,
    instantiate,
    realize,
    rref2path,
)
from pylightnix.stages import fetchlocal as room
from pylightnix.stages.fetchlocal import NoSource
from pylightnix.stages.sources import HashMismatch
from stages.packing import END, file, tree

TAR = gzip.compress(file(b"d/tool", b"#!", 0o755) + END, mtime=0)
SHA256 = hashlib.sha256(TAR).hexdigest()
UNPACKED = {"d": None, "d/tool": (b"#!", True)}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with an archive, a plain file, and a folder."""
    made = tmp_path / "here"
    (made / "folder/below").mkdir(parents=True)
    (made / "x.tar.gz").write_bytes(TAR)
    (made / "plain.txt").write_bytes(b"text")
    (made / "folder/tool").write_bytes(b"#!")
    (made / "folder/tool").chmod(0o755)
    (made / "folder/link").symlink_to("tool")
    return made


FOLDER = {"below": None, "tool": (b"#!", True), "link": "tool"}


def dref_of(*args: Any, **kwargs: Any) -> DRef:
    return fetchlocal(*args, r=Registry(), **kwargs)


def fetched(*args: Any, **kwargs: Any) -> dict[str, object]:
    rref = realize(instantiate(fetchlocal, *args, **kwargs))
    listed = tree(rref2path(rref))
    return {name: what for name, what in listed.items() if not name.startswith(".pylightnix")}


def cause_of(*args: Any, **kwargs: Any) -> BaseException | None:
    with pytest.raises(BuildFailed) as failed:
        realize(instantiate(fetchlocal, *args, **kwargs))
    return failed.value.__cause__


def test_the_mode_says_what_becomes_of_a_file(here: Path, current: Store) -> None:
    path, packed = here / "x.tar.gz", {"x.tar.gz": (TAR, False)}
    assert fetched(path) == UNPACKED
    assert fetched(str(path), mode="unpack") == packed | UNPACKED
    assert fetched(path, mode="as-is") == packed
    assert fetched(here / "plain.txt", mode="as-is", filename="y") == {"y": (b"text", False)}


def test_the_mode_says_where_a_folder_goes(here: Path, current: Store) -> None:
    assert fetched(here / "folder") == FOLDER
    assert fetched(here / "folder", mode="unpack") == FOLDER
    inside = {f"folder/{name}": what for name, what in FOLDER.items()}
    assert fetched(here / "folder", mode="as-is") == {"folder": None} | inside


def test_a_folder_may_hold_what_is_called_as_it_is(here: Path, current: Store) -> None:
    (here / "folder/folder").mkdir()
    assert fetched(here / "folder") == FOLDER | {"folder": None}


def test_a_link_to_a_file_or_folder_is_followed(here: Path, current: Store) -> None:
    (here / "a").symlink_to("folder")
    (here / "b").symlink_to("plain.txt")
    assert fetched(here / "a") == FOLDER
    assert fetched(here / "b", mode="as-is") == {"b": (b"text", False)}


def test_the_content_is_the_identity_and_the_path_is_not(here: Path, tmp_path: Path) -> None:
    shutil.copytree(here, tmp_path / "there", symlinks=True)
    for name in ("x.tar.gz", "plain.txt", "folder"):
        assert dref_of(here / name) == dref_of(tmp_path / "there" / name)
    before = dref_of(here / "folder")
    (here / "folder/tool").write_bytes(b"changed")
    assert dref_of(here / "folder") != before


@pytest.mark.parametrize(
    "change",
    ["chmod -x tool", "rmdir below", "mv tool other", "ln -sf below link", "touch new"],
)
def test_whatever_changes_in_a_folder_changes_its_identity(change: str, here: Path) -> None:
    before = dref_of(here / "folder")
    assert os.system(f"cd '{here}/folder' && {change}") == 0
    assert dref_of(here / "folder") != before


def test_times_and_the_x_bit_of_a_single_file_do_not_count(here: Path, current: Store) -> None:
    before = dref_of(here / "plain.txt"), fetched(here / "plain.txt", mode="as-is")
    (here / "plain.txt").chmod(0o755)
    os.utime(here / "plain.txt", (1, 1))
    assert (dref_of(here / "plain.txt"), fetched(here / "plain.txt", mode="as-is")) == before


def test_a_given_hash_is_the_same_identity(here: Path) -> None:
    assert dref_of(here / "x.tar.gz", SHA256) == dref_of(here / "x.tar.gz")


def test_with_a_hash_the_path_need_not_exist_once_realized(here: Path, current: Store) -> None:
    assert fetched(here / "x.tar.gz", SHA256) == UNPACKED
    (here / "x.tar.gz").unlink()
    assert fetched(here / "x.tar.gz", SHA256) == UNPACKED


def test_a_source_that_is_gone_when_realized_is_an_error(here: Path, current: Store) -> None:
    cause = cause_of(here / "gone.tar", SHA256)
    assert isinstance(cause, NoSource)
    assert str(here / "gone.tar") in str(cause)


def test_a_source_that_changed_since_it_was_hashed_is_an_error(here: Path, current: Store) -> None:
    for name in ("plain.txt", "folder"):
        closure = instantiate(fetchlocal, here / name, mode="as-is")
        (here / name / "new" if name == "folder" else here / name).write_bytes(b"changed")
        with pytest.raises(BuildFailed) as failed:
            realize(closure)
        assert isinstance(failed.value.__cause__, HashMismatch)
        assert str(here / name) in str(failed.value.__cause__)


def test_a_wrong_hash_is_an_error(here: Path, current: Store) -> None:
    assert isinstance(cause_of(here / "x.tar.gz", "0" * 64), HashMismatch)


def test_a_missing_path_is_an_error_at_once(here: Path) -> None:
    with pytest.raises(NoSource, match="No such file") as missing:
        dref_of(here / "missing")
    assert isinstance(missing.value, FetchError)


def test_a_fifo_is_refused(here: Path) -> None:
    os.mkfifo(here / "folder/pipe")
    for path in (here / "folder", here / "folder/pipe"):
        with pytest.raises(InvalidOutput):
            dref_of(path)


def test_a_relative_path_is_of_the_folder_where_it_was_given(
    here: Path, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    closure = instantiate(fetchlocal, "x.tar.gz", SHA256)
    monkeypatch.chdir("/")
    assert realize(closure)


def test_a_variable_may_name_the_path(
    here: Path, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATASET", str(here / "x.tar.gz"))
    assert fetched(envname="DATASET") == UNPACKED
    assert dref_of(envname="DATASET") == dref_of(here / "x.tar.gz")


def test_a_variable_that_is_not_set_is_an_error_that_names_it() -> None:
    for environ in ({}, {"DATASET": ""}, None):
        with pytest.raises(NoSource, match="set DATASET"):
            room.fetchlocal(envname="DATASET", environ=environ, r=Registry())


def test_with_hash_and_file_name_a_variable_is_needed_only_to_build(
    here: Path, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = {"envname": "DATASET", "sha256": SHA256, "filename": "x.tar.gz"}
    monkeypatch.delenv("DATASET", raising=False)
    cause = cause_of(**arguments)
    assert isinstance(cause, NoSource)
    assert "set DATASET" in str(cause)
    monkeypatch.setenv("DATASET", str(here / "x.tar.gz"))
    assert fetched(**arguments) == UNPACKED
    monkeypatch.delenv("DATASET")
    assert fetched(**arguments) == UNPACKED


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "path="),
        ({"path": "x", "envname": "X"}, "not both"),
        ({"path": "x", "mode": "copy"}, "'as-is', 'unpack', 'unpack,remove'"),
        ({"path": "x", "sha256": "XYZ"}, "64 lower-case hex digits"),
        ({"path": "x", "sha256": SHA256, "filename": "a/b"}, "filename"),
        ({"path": "/", "sha256": SHA256}, "filename="),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments: dict[str, str], match: str) -> None:
    with pytest.raises(InvalidValue, match=match):
        dref_of(**arguments)
