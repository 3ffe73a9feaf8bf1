"""Names that tenants give, and that lead nowhere but into their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pylightnix import Store
from pylightnix.tenants import InvalidTenant, NoTenant, Tenant, TenantError, source
from pylightnix.tenants.naming import inner_path, module_file, tenant_name
from tenants.conftest import Making

TRICKS = [
    "", ".", "..", "../x", "a/../../b", "/etc", "a/b", "a\\b", "a\0b", "a\n", " a", "-rf", "_x",
    "\u202ea", "\u00fcser", "a" * 65, "a.b", "~root", "$HOME", "*",
]  # fmt: skip
ODD: list[object] = [None, 7, b"user", Path("user"), ["user"], True]


@given(st.text())
@example("a\n")
@example("..")
def test_a_name_that_is_taken_is_one_folder_below_the_root(name: str) -> None:
    try:
        taken = tenant_name(name)
    except InvalidTenant:
        return
    assert os.path.normpath(f"/root/{taken}") == f"/root/{taken}"
    assert os.path.dirname(f"/root/{taken}") == "/root"
    assert taken.isascii() and 0 < len(taken) <= 64


@given(st.text(alphabet="ab./\\\0\n~-", max_size=12))
def test_a_path_that_is_taken_stays_in_its_folder(path: str) -> None:
    try:
        taken = inner_path("a path", path)
    except InvalidTenant:
        return
    assert os.path.normpath(f"/root/{taken}") == f"/root/{taken}"
    assert os.path.normpath(f"/root/{taken}").startswith("/root/")


@pytest.mark.parametrize("name", [*TRICKS, *ODD], ids=repr)
def test_a_trick_is_no_name_and_nothing_is_made(name: object, tmp_path: Path, store: Store) -> None:
    with pytest.raises(InvalidTenant, match="name of a tenant"):
        Tenant.create(name, tmp_path / "tenants", store=store)  # type: ignore[arg-type]
    with pytest.raises(InvalidTenant):
        Tenant.open(name, tmp_path / "tenants", store=store)  # type: ignore[arg-type]
    assert not (tmp_path / "tenants").exists()


@pytest.mark.parametrize("path", ["../job.py", "/etc/passwd", "job", "job.txt", "a//job.py", ".py",
                                  "./job.py", "a/../job.py", "1x.py", "a-b.py", "x" * 300 + ".py",
                                  "job.py\0", "\ud800.py", 7], ids=repr)  # fmt: skip
def test_a_trick_is_no_file_of_a_job(path: object) -> None:
    with pytest.raises(InvalidTenant, match="the file of a job"):
        module_file(path)


def test_a_file_may_lie_in_a_folder_and_have_any_identifier_as_name() -> None:
    assert module_file("tools/grüße.py") == "tools/grüße.py"
    assert module_file(Path("tools") / "job.py") == "tools/job.py"


def test_a_tenant_that_is_a_link_is_none(tmp_path: Path, make: Making, store: Store) -> None:
    made = make("real")
    os.symlink(made.folder, tmp_path / "tenants" / "other")
    with pytest.raises(NoTenant):
        Tenant.open("other", tmp_path / "tenants", store=store)


@pytest.mark.parametrize("target", ["/etc/hostname", "../../other/scratch/secret", "job.py"])
def test_a_link_among_the_modules_is_refused(target: str, make: Making) -> None:
    tenant = make("one", "def main(): pass\n")
    for place in ("link.py", "folder/link.txt"):
        path = Path(tenant.folder, "usermodules", place)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)
        with pytest.raises(InvalidTenant, match="a link"):
            tenant.load("job.py")
        path.unlink()


def test_a_folder_of_modules_that_is_a_link_is_not_followed(tmp_path: Path, make: Making) -> None:
    tenant = make("one", "def main(): pass\n")
    other = make("other", "SECRET = 1\n")
    Path(tenant.folder, "usermodules", "theirs").symlink_to(f"{other.folder}/usermodules")
    with pytest.raises(InvalidTenant, match="theirs"):
        tenant.load("job.py")
    Path(tenant.folder, "usermodules", "theirs").unlink()
    Path(tenant.folder, "usermodules").rename(tmp_path / "away")
    Path(tenant.folder, "usermodules").symlink_to(tmp_path / "away")
    with pytest.raises(TenantError):
        tenant.load("job.py")


def test_modules_of_unreasonable_size_or_number_are_refused(
    make: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make("one", "def main(): pass\n")
    with open(f"{tenant.folder}/usermodules/hole.bin", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InvalidTenant, match=r"hole\.bin"):
        tenant.load("job.py")
    os.unlink(f"{tenant.folder}/usermodules/hole.bin")
    monkeypatch.setattr(source, "_MOST_FILES", 0)
    with pytest.raises(InvalidTenant, match="more than 0 files"):
        tenant.load("job.py")


def test_a_pipe_among_the_modules_is_refused_and_keeps_nobody_waiting(make: Making) -> None:
    tenant = make("one", "def main(): pass\n")
    os.mkfifo(f"{tenant.folder}/usermodules/pipe.py")
    with pytest.raises(InvalidTenant, match="no plain file"):
        tenant.load("job.py")
