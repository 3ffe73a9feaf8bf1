"""What is installed, and what is missing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pylightnix import BuildFailed, Store
from pylightnix.tenants import InvalidTenant, Tenant
from pylightnix.tenants.packages import found_in, installed_in, packages_of, unmet
from wheels_for_tests import sdist


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages; nothing but what says of them."""

    def put(name: str, version: str, needs: Sequence[str] = ()) -> None:
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        (folder / "METADATA").write_text(
            "\n".join([*lines, *(f"Requires-Dist: {need}" for need in needs), ""])
        )

    put("Plain", "1.5")
    put("with-extra", "2.0", ["Plain>=1", 'absent>=3; extra == "more"', 'plain<1; extra == "old"'])
    put("by_marker", "1.0", ['nowhere; python_version < "3"', 'plain; python_version >= "3"'])
    put("chain", "1.0", ["with_extra[more]"])
    put("pre", "2.0rc1")
    put("broken", "1.0", ["this is no requirement"])
    return tmp_path


@pytest.mark.parametrize("asked, lacking", [
    (["plain"], []),
    (["PLAIN>=1,<2"], []),
    (["plain>=2"], ["plain>=2"]),
    (["absent"], ["absent"]),
    (["with.extra"], []),
    (["with-extra[more]"], ["absent>=3"]),
    (["with-extra[more,old]"], ["absent>=3", "plain<1"]),
    (["by-marker"], []),
    (["chain"], ["absent>=3"]),
    (["chain", "with-extra[more]", "plain"], ["absent>=3"]),
    (["gone; python_version < '3'"], []),
    (["gone; python_version > '3'"], ['gone; python_version > "3"']),
    (["pre>=2.0rc1"], []),
    (["broken"], []),
    ([], []),
])  # fmt: skip
def test_missing_is_what_no_package_meets(asked: list[str], lacking: list[str], site: Path) -> None:
    known = found_in([str(site)])
    assert unmet(map(Requirement, asked), known) == lacking


def test_names_are_normalized_and_in_order(site: Path) -> None:
    assert list(installed_in([str(site)])) == [
        "broken", "by-marker", "chain", "plain", "pre", "with-extra",
    ]  # fmt: skip
    assert installed_in([str(site)])["pre"] == "2.0rc1"
    assert installed_in([]) == {}


def test_the_platform_is_what_this_process_has() -> None:
    assert "pytest" in installed_in()


def test_an_environment_keeps_its_packages_below_lib(tmp_path: Path) -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (tmp_path / "lib" / version).mkdir(parents=True)
    assert packages_of(str(tmp_path)) == [f"{tmp_path}/lib/{version}/site-packages"]
    assert packages_of(str(tmp_path / "lib" / version)) == []


def test_without_the_extra_an_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from pylightnix.tenants import Settings
    from pylightnix.tenants.extra import NoPackaging

    monkeypatch.setitem(sys.modules, "packaging", None)
    with pytest.raises(NoPackaging, match=r"Install pylightnix\[tenants\]"):
        Settings("one", ("greet",))


@pytest.mark.parametrize("by_place", [False, True])
def test_nothing_is_built_for_a_tenant(
    by_place: bool, tmp_path: Path, store: Store, wheels: Path
) -> None:
    path = sdist(wheels, tmp_path / "was-built")
    asked = f"builds @ {path.as_uri()}" if by_place else "builds"
    with pytest.raises((BuildFailed, InvalidTenant)):
        Tenant.create(
            "one", tmp_path / "tenants", [asked], find_links=wheels, store=store
        ).install()
    assert not (tmp_path / "was-built").exists()
