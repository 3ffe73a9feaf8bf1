"""Files that a platform writes for its tenants: in their place, counted, whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import Store
from pylightnix.tenants import InvalidTenant, NoTenant, QuotaExceeded, Tenant, scratch, upload
from pylightnix.tenants.place import quota
from tenants.conftest import Making
from tenants.test_scratch import got

PARTS = st.sampled_from(["a", "b.py", "\u00e9 x", "-", "CON", "..."])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
DATA = st.binary(max_size=40) | st.text(max_size=20).filter(lambda text: text.isprintable())


@pytest.fixture
def one(tmp_path: Path, store: Store) -> Tenant:
    """A tenant that may have 10,000 bytes."""
    if find_spec("packaging") is None:
        pytest.skip("tenants need packaging: pip install pylightnix[tenants]")
    return Tenant.create("one", tmp_path / "tenants", quota_bytes=10_000, store=store)


def state(tenant: Tenant) -> object:
    """All that is in its folder."""
    return got(Path(tenant.folder))


def placed(tree: dict[str, Any], path: str, data: bytes) -> bool:
    """Write into a tree of dictionaries; tells whether nothing was in the way."""
    *parents, name = path.split("/")
    for part in parents:
        if not isinstance(tree.get(part, {}), dict):
            return False
        tree = tree.setdefault(part, {})
    if isinstance(tree.get(name), dict):
        return False
    tree[name] = data
    return True


@given(st.lists(st.tuples(st.sampled_from(["usermodules", "scratch"]), PATHS, DATA), max_size=6))
def test_what_was_written_is_there_and_nothing_else(
    writes: list[tuple[str, str, bytes | str]],
) -> None:
    expected: dict[str, dict[str, Any]] = {"usermodules": {}, "scratch": {}}
    with TemporaryDirectory() as base:
        tenant = Tenant.create("one", base, store=Store.open(f"{base}/store", create=True))
        for into, path, data in writes:
            raw = data if isinstance(data, bytes) else data.encode()
            before = {name: dict(tree) for name, tree in expected.items()}
            if placed(expected[into], path, raw):
                tenant.write(path, data, into)
            else:
                expected = before
                with pytest.raises(InvalidTenant):
                    tenant.write(path, data, into)
        for into, tree in expected.items():
            assert files(got(Path(tenant.folder, into))) == files(tree)
        assert not os.path.lexists(f"{tenant.folder}/.upload")


def files(tree: Any, prefix: str = "") -> dict[str, bytes]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    found = [files(inner, f"{prefix}/{name}") for name, inner in tree.items()]
    return {path: data for one in found for path, data in one.items()}


@pytest.mark.parametrize("path", [
    "../x.py", "a/../../x.py", "/etc/passwd", "", ".", "..", "a//b", "a/", "a\0b", "a\nb", "a\\b",
    "\ud800.py", "x" * 256, "/".join("abcdefgh" * 5), "/".join(["x" * 200] * 6), 7, None, b"x.py",
], ids=repr)  # fmt: skip
@pytest.mark.parametrize("into", ["usermodules", "scratch"])
def test_a_path_that_could_lead_elsewhere_is_refused(path: Any, into: str, one: Tenant) -> None:
    before = state(one)
    with pytest.raises(InvalidTenant, match="a file of a tenant"):
        one.write(path, "x", into)
    assert state(one) == before


@pytest.mark.parametrize("into", ["", ".", "runs", "tenant.toml", "../two/scratch", "scratch/a", 7])
def test_no_other_folder_is_written_to(into: Any, one: Tenant) -> None:
    with pytest.raises(InvalidTenant, match="usermodules or scratch"):
        one.write("x", "x", into)


@pytest.mark.parametrize("data", [None, 7, ["x"], Path("x"), "\ud800"], ids=repr)
def test_contents_are_bytes_or_text(data: Any, one: Tenant) -> None:
    with pytest.raises(InvalidTenant, match="the contents"):
        one.write("x.py", data)
    assert os.listdir(f"{one.folder}/usermodules") == []


def a_link_to_a_file(folder: Path, outside: Path) -> None:
    (folder / "x").symlink_to(outside / "file")


def a_link_to_nothing(folder: Path, outside: Path) -> None:
    (folder / "x").symlink_to(outside / "new")


def a_link_to_a_folder(folder: Path, outside: Path) -> None:
    (folder / "x").symlink_to(outside)


def a_folder(folder: Path, _: Path) -> None:
    (folder / "x").mkdir()


def a_pipe(folder: Path, _: Path) -> None:
    os.mkfifo(folder / "x")


@pytest.mark.parametrize(
    ("obstacle", "path"),
    [
        (a_link_to_a_file, "x"),
        (a_link_to_nothing, "x"),
        (a_link_to_a_folder, "x/file"),
        (a_link_to_a_folder, "x/new/file"),
        (a_folder, "x"),
        (a_pipe, "x"),
        (a_pipe, "x/y"),
    ],
)
def test_what_is_in_the_way_is_named_and_stays(
    obstacle: Callable[[Path, Path], None], path: str, one: Tenant, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("old")
    obstacle(Path(one.folder, "scratch"), outside)
    with pytest.raises(InvalidTenant, match=r"x is (a link|a folder|no plain file)"):
        one.write(path, "new", "scratch")
    assert got(outside) == {"file": b"old"}
    assert os.listdir(f"{one.folder}/scratch") == ["x"]


def test_a_folder_of_a_tenant_that_is_a_link_is_not_written_to(one: Tenant, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    os.rmdir(f"{one.folder}/usermodules")
    os.symlink(tmp_path / "outside", f"{one.folder}/usermodules")
    with pytest.raises(InvalidTenant, match="no link"):
        one.write("job.py", "x")
    assert os.listdir(tmp_path / "outside") == []


@pytest.mark.parametrize("into", ["usermodules", "scratch"])
def test_what_does_not_fit_is_refused_and_leaves_nothing(into: str, one: Tenant) -> None:
    one.write("a", b"x" * 6_000, into)
    assert one.quota().used_bytes == 6_000
    before = state(one)
    with pytest.raises(QuotaExceeded, match=f"to write new/b into {into}") as caught:
        one.write("new/b", b"x" * 4_001, into)
    assert caught.value.used_bytes == 10_001
    assert state(one) == before
    one.write("new/b", b"x" * 4_000, into)
    one.write("a", b"y" * 6_000, into)
    assert one.quota().left_bytes == 0
    one.change(quota_bytes=100)
    one.write("a", b"y" * 5_999, into)  # who has too much may have less
    with pytest.raises(QuotaExceeded):
        one.write("a", b"y" * 6_000, into)


def test_modules_and_scratch_share_one_quota(one: Tenant) -> None:
    one.write("job.py", b"#" * 6_000)
    one.write("data", b"x" * 4_000, "scratch")
    assert dict(one.quota().parts) == {"source": 6_000, "scratch": 4_000}
    for into in ("usermodules", "scratch"):
        with pytest.raises(QuotaExceeded):
            one.write("more", b"x", into)


def test_files_of_no_length_have_an_end_too(one: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MOST_ENTRIES", 3)
    one.write("a/b", "")
    one.write("c", "")
    one.write("c", "other")
    for path in ("d", "a/d"):
        with pytest.raises(QuotaExceeded, match="more than 3 files"):
            one.write(path, "")
    assert got(Path(one.folder, "usermodules")) == {"a": {"b": b""}, "c": b"other"}


def test_more_files_than_are_taken_are_told_whoever_put_them_there(
    make: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make("one", "def main(): return 1\n")
    with one.load("job.py") as job:
        monkeypatch.setattr(scratch, "MOST_ENTRIES", 3)
        for number in range(5):
            Path(one.folder, "scratch", str(number)).touch()
        for deed in (job.main, one.quota, lambda: one.write("a", "x", "scratch")):
            with pytest.raises(QuotaExceeded, match="more than 3 files"):
                deed()
        Path(one.folder, "scratch/0").unlink()
        Path(one.folder, "scratch/1").unlink()
        assert job.main() == 1


def test_a_disk_that_fails_leaves_what_was_there(
    one: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.write("a", "old")
    before = state(one)

    def rename(*_: object, **__: object) -> None:
        raise OSError(5, "a bad disk")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", rename)
        for path in ("a", "new/folder/b"):
            with pytest.raises(OSError, match="a bad disk"):
                one.write(path, "new")
    assert state(one) == before


def test_many_who_write_at_once_stay_within_the_quota(one: Tenant) -> None:
    def write(number: int) -> int:
        try:
            one.write(f"{number % 3}/{number}", b"x" * 700, ("scratch", "usermodules")[number % 2])
        except QuotaExceeded:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(write, range(60))) == 10_000 // 700
    assert one.quota().used_bytes == 10_000 // 700 * 700
    assert not os.path.lexists(f"{one.folder}/.upload")


@pytest.mark.parametrize("path", ["x/file", "x/deep/file", "x"])
def test_who_changes_a_folder_into_a_link_just_now_leads_nobody_elsewhere(
    path: str, one: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As code could to which a policy grants the tenant's own folder."""
    outside, place = tmp_path / "outside", Path(one.folder, "scratch/x")
    outside.mkdir()
    (outside / "deep").mkdir()
    if path != "x":
        place.mkdir()
    seen = quota

    def swapped(*args: Any, **more: Any) -> Any:
        """Comes between the look at what is there and the writing."""
        with suppress(FileNotFoundError):
            place.rmdir()
        place.symlink_to(outside)
        return seen(*args, **more)

    monkeypatch.setattr(upload, "quota", swapped)
    if path == "x":
        one.write(path, "new", "scratch")
        assert not place.is_symlink() and place.read_text() == "new"
    else:
        with pytest.raises(InvalidTenant, match="changed just now"):
            one.write(path, "new", "scratch")
    assert got(outside) == {"deep": {}}
    assert not os.path.lexists(f"{one.folder}/.upload")


def test_what_a_killed_platform_left_is_in_nobodys_way(one: Tenant) -> None:
    Path(one.folder, ".upload").write_text("half")
    one.write("job.py", "whole")
    assert got(Path(one.folder, "usermodules")) == {"job.py": b"whole"}
    assert not Path(one.folder, ".upload").exists()


def test_a_deleted_tenant_gets_nothing(one: Tenant, tmp_path: Path, store: Store) -> None:
    one.delete()
    with pytest.raises(NoTenant):
        one.write("job.py", "x")
    other = Tenant.create("one", tmp_path / "tenants", store=store)
    with pytest.raises(NoTenant):  # of that name is another one
        one.write("job.py", "x")
    assert os.listdir(f"{other.folder}/usermodules") == []


def test_a_run_sees_what_was_written_and_leaves_what_was_written_meanwhile(make: Making) -> None:
    one = make("one")
    one.write("tools/job.py", "def main(): return open('given').read(), open('new', 'w').close()")
    one.write("given", "from outside", "scratch")
    with one.load("tools/job.py") as job:
        assert job.main()[0] == "from outside"
        one.write("given", "changed", "scratch")
        assert job.main()[0] == "changed"
    assert got(Path(one.folder, "scratch")) == {"given": b"changed", "new": b""}


def test_who_loads_meanwhile_has_one_file_or_the_other(make: Making) -> None:
    one, stop = make("one", "def main(): return 0\n"), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            one.write("job.py", f"def main(): return {number}\n" + "#" * 100_000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            with one.load("job.py") as job:
                assert job.main() >= 0
    finally:
        stop.set()
        writer.join()
