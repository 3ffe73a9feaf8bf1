"""A tenant as a folder, its environment, and what is kept of it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from pylightnix import BuildFailed, Store, gc, gcroots, lsref
from pylightnix.engine.events import Event, Started
from pylightnix.store.layout import rref_path
from pylightnix.store.usage import tree_bytes
from pylightnix.tenants import (
    BrokenSettings,
    NoTenant,
    NotInstalled,
    QuotaExceeded,
    RunFailed,
    Tenant,
    TenantExists,
)
from tenants.conftest import Making, scratch_of, written

JOB = """
import greet

def main(x=1):
    return greet.hello("you") * x
"""


def test_a_tenant_is_a_folder(make: Making) -> None:
    made = make("one", packages=["greet<2"], quota_bytes=1 << 20)
    found = {".lock", "runs", "scratch", "tenant.toml", "usermodules"}
    assert set(os.listdir(made.folder)) == found
    assert os.stat(made.folder).st_mode & 0o777 == 0o700
    assert made.settings.packages == ("greet<2",)
    assert "one" in repr(made)


def test_tenants_are_found_again_and_listed(make: Making, tmp_path: Path) -> None:
    root = tmp_path / "tenants"
    assert Tenant.list(root) == ()
    for name in ("b", "a", "c"):
        make(name)
    (root / "file").write_text("")
    (root / ".hidden").mkdir()
    assert [one.name for one in Tenant.list(root)] == ["a", "b", "c"]
    assert Tenant.open("b", root).folder == str(root / "b")
    with pytest.raises(NoTenant, match="a, b, c"):
        Tenant.open("d", root)
    with pytest.raises(TenantExists, match=r"Tenant\.open"):
        make("a")
    assert not [name for name in os.listdir(root) if name.startswith(".new")]


def test_packages_are_missing_installed_and_used(make: Making, wheels: Path) -> None:
    one = make("one", JOB, packages=["greet<2", "needy"], find_links=wheels)
    assert one.missing() == ("greet<2", "needy")
    assert one.installed() == {}
    with pytest.raises(NotInstalled, match="greet<2, needy"):
        one.load("job.py")
    heard: list[Event] = []
    one.install(heard.append)
    assert any(isinstance(event, Started) for event in heard)
    assert one.missing() == ()
    assert one.installed() == {"greet": "1.0", "needy": "1.0"}
    assert "pytest" in one.platform() and "pytest" not in one.installed()
    with one.load("job.py") as job:
        assert job.main(x=2) == "hello youhello you"


def test_other_packages_are_missing_until_they_are_installed(make: Making, wheels: Path) -> None:
    one = make("one", packages=["greet<2"], find_links=wheels)
    one.install()
    one.change(packages=("greet>=2",))
    assert one.missing() == ("greet>=2",)
    one.install()
    assert one.installed() == {"greet": "2.0"}


def test_a_tenant_without_packages_needs_no_install(make: Making) -> None:
    with make("one", "def main(): return 1\n").load("job.py") as job:
        assert job.main() == 1


def test_packages_that_no_index_has_are_an_error_that_says_so(make: Making, wheels: Path) -> None:
    one = make("one", packages=["nowhere"], find_links=wheels)
    with pytest.raises(BuildFailed, match="nowhere"):
        one.install()
    assert one.missing() == ("nowhere",)


def test_tenants_with_equal_locks_share_an_environment(
    make: Making, wheels: Path, store: Store
) -> None:
    one = make("one", packages=["greet==2.0"], find_links=wheels)
    two = make("two", packages=["greet>=1"], find_links=wheels)
    env = one.install()
    before = tree_bytes(store.objects)
    assert two.install() == env
    # Two requests were locked, one environment was made.
    assert tree_bytes(store.objects) - before < 4096
    three = make("three", packages=["greet==2.0"], find_links=wheels)
    before = tree_bytes(store.objects)
    assert three.install() == env
    assert tree_bytes(store.objects) == before


def test_a_quota_counts_what_is_shared_as_well(make: Making, wheels: Path) -> None:
    given = {"packages": ["greet<2"], "find_links": wheels, "quota_bytes": 1 << 20}
    made, other = make("one", **given), make("two", **given)
    made.install()
    other.install()
    used = [made.quota(), other.quota()]
    assert used[0] == used[1]
    parts = dict(used[0].parts)
    env = next(ref for name, ref in gcroots().items() if name.endswith("one-env"))
    assert tree_bytes(lsref_path(env)) <= parts["env"] < tree_bytes(lsref_path(env)) + 20_000
    scratch_of(made).joinpath("file").write_bytes(b"x" * 1000)
    assert dict(made.quota().parts)["scratch"] == 1000
    left = made.quota().left_bytes
    assert left == (1 << 20) - used[1].used_bytes - 1000


def lsref_path(ref: str) -> str:
    from pylightnix.api.ambient import current_store
    from pylightnix.core.refs import RRef

    assert lsref(RRef(ref))
    return rref_path(current_store(), RRef(ref))


def test_an_installation_beyond_the_quota_is_refused_before_it_is_a_root(
    make: Making, wheels: Path
) -> None:
    one = make("one", packages=["greet<2"], find_links=wheels, quota_bytes=10_000)
    with pytest.raises(QuotaExceeded) as caught:
        one.install()
    assert dict(caught.value.used)["env"] > 10_000
    assert "10,000" in str(caught.value) and "installation" in str(caught.value)
    assert not gcroots()
    assert one.missing() == ("greet<2",)
    one.change(quota_bytes=10_000_000)
    one.install()
    assert one.missing() == ()


def test_modules_beyond_the_quota_are_refused(make: Making) -> None:
    one = make("one", "x = 1\n", quota_bytes=60_000)
    one.install()
    written(one, "big.py", "#" * 60_000)
    with pytest.raises(QuotaExceeded, match=r"loading job\.py"):
        one.load("job.py")


def test_what_only_a_deleted_tenant_needed_goes_and_what_is_shared_stays(
    make: Making, wheels: Path, store: Store
) -> None:
    one = make("one", JOB, packages=["greet<2"], find_links=wheels)
    two = make("two", JOB, packages=["greet<2"], find_links=wheels)
    three = make("three", JOB, packages=["greet>=2"], find_links=wheels)
    envs = [each.install() for each in (one, two, three)]
    written(three, "more.py", "x = 3\n")
    three.load("job.py").main()
    with two.load("job.py") as job:
        one.delete()
        assert not os.path.exists(one.folder)
        assert os.path.exists(rref_path(store, envs[0]))
        assert job.main() == "hello you"
    assert {one.ref for one in gc(grace_s=0.0).dead}.isdisjoint(set(envs))
    three.delete()
    gone = {one.ref for one in gc(grace_s=0.0).dead}
    assert envs[2] in gone and envs[1] not in gone
    assert any("tenant-source" in str(ref) for ref in gone)
    assert os.path.exists(rref_path(store, envs[1]))
    with two.load("job.py") as job:
        assert job.main() == "hello you"


def test_a_run_that_outlives_its_tenant_leaves_nothing(make: Making, tmp_path: Path) -> None:
    one = make("one", "def main(): open('f', 'w').close(); return 1\n")
    with one.load("job.py") as job:
        one.delete()
        with pytest.raises(NoTenant):
            job.main()
    assert not (tmp_path / "tenants" / "one").exists()


def test_a_run_of_a_deleted_tenant_leaves_nothing_to_its_namesake(make: Making) -> None:
    text = "import time\ndef main(): open('f', 'w').close(); time.sleep(1)\n"
    one = make("one", text)
    with one.load("job.py") as job:
        future = job.main.submit()
        while not one.log()[-1].function:
            time.sleep(0.01)
        one.delete()
        make("one", text)
        assert future.exception() is None
        with pytest.raises(NoTenant):
            job.main()
    assert not list(scratch_of(one).iterdir())
    assert Tenant.open("one", Path(one.folder).parent).log() == ()


def test_a_folder_copied_elsewhere_has_roots_of_its_own(
    make: Making, wheels: Path, tmp_path: Path
) -> None:
    one = make("one", packages=["greet<2"], find_links=wheels)
    one.install()
    shutil.copytree(tmp_path / "tenants", tmp_path / "others")
    other = Tenant.open("one", tmp_path / "others")
    assert other.missing() == ("greet<2",)
    other.install()
    one.delete()
    assert other.missing() == ()


def test_damaged_settings_are_named(make: Making) -> None:
    one = make("one")
    Path(one.folder, "tenant.toml").write_text("nothing")
    with pytest.raises(BrokenSettings, match=r"tenant\.toml"):
        one.load("job.py")


def test_a_file_that_cannot_be_imported_says_where(make: Making) -> None:
    one = make("one", "import nowhere_to_be_found\n")
    with pytest.raises(RunFailed) as caught:
        one.load("job.py")
    assert caught.value.type_name == "ModuleNotFoundError"
    assert 'File "/code/job.py", line 1' in caught.value.traceback
    assert one.log()[-1].state == "raised"
