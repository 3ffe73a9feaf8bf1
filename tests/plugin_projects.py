"""Distributions with plugins, environments to install them in, and metadata without installers.

An environment has what pip needs to build there without network, and this very tree as the
installed pylightnix, entry points of its build hooks included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import dedent

import pytest

import pylightnix

ROOT = Path(__file__).parents[1]
SOURCES = Path(pylightnix.__file__).parents[1]
NEEDED = {"pip": 22, "setuptools": 77, "hatchling": 1}


@dataclass(frozen=True)
class Environment:
    """A Python environment of its own, with a home of its own.

    Attributes:
        folder: that holds it.
    """

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(self, *words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run its interpreter."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYLIGHTNIX_", "PYTHON"))}
        (self.folder / "home").mkdir(exist_ok=True)
        home = str(self.folder / "home")
        done = subprocess.run(
            [self.python, *map(str, words)],
            env=clean | {"HOME": home, "PYLIGHTNIX_ROOT": f"{home}/store"} | optimized(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def cli(self, *words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the program pylightnix in it."""
        return self.run("-m", "pylightnix", *words, check=check)

    def pip(self, *words: object) -> None:
        """Run pip in it, without network."""
        self.run("-m", "pip", "--disable-pip-version-check", *words)

    def install(self, project: Path, *, editable: bool = False) -> None:
        """Build and install a project, as a front end does."""
        offline = ("--no-build-isolation", "--no-index", "--no-deps")
        self.pip("install", "-q", *offline, *(["-e"] if editable else []), project)


def optimized() -> dict[str, str]:
    return {"PYTHONOPTIMIZE": str(sys.flags.optimize)} if sys.flags.optimize else {}


def need_builders() -> None:
    """Skip where a project cannot be built without network."""
    lacking = [name for name, least in NEEDED.items() if _major(name) < least]
    if lacking:
        needs = ", ".join(f"{name}>={NEEDED[name]}" for name in lacking)
        pytest.skip(f"building a distribution needs {needs}: pip install -e '.[dev]'")


def _major(name: str) -> int:
    """The first number of a version; 0 if it is not installed."""
    try:
        return int(version(name).partition(".")[0])
    except PackageNotFoundError:
        return 0


def mkenvironment(folder: Path) -> Environment:
    """Make an environment that finds what the tests have, after its own."""
    need_builders()
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, env=os.environ
    )
    made = Environment(folder)
    paths = {str(SOURCES), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (made.site / "tests.pth").write_text("\n".join([str(SOURCES), *sorted(paths)]) + "\n")
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    mkdist(
        made.site,
        "pylightnix",
        {group: [f"{k} = {v}" for k, v in names.items()] for group, names in points.items()},
        version=pylightnix.__version__,
    )
    return made


def mkdist(site: Path, name: str, points: Mapping[str, list[str]], *, version: str = "1.0") -> Path:
    """Write the metadata of a distribution, as an installer leaves it."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(head)
    groups = [f"[{group}]\n" + "".join(f"{line}\n" for line in points[group]) for group in points]
    if groups:
        (info / "entry_points.txt").write_text("\n".join(groups))
    return info


def mkfiles(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files, folders included."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    return folder


def settle(*paths: Path) -> None:
    """Wait until what changed is old enough for the index to believe what it read of it."""
    newest = max(inner.stat().st_ctime for path in paths for inner in path.rglob("*"))
    time.sleep(max(0.0, newest + 2.05 - time.time()))
