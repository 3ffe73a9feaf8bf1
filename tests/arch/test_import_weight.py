"""What `import pylightnix` may not cost: rooms and libraries that most programs never use."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROOMS = ["executors", "remotes", "pods", "sandbox", "plugins", "pipelines", "tenants", "cli", "web"]
ROOMS += ["ipython", "imports"]
LIBRARIES = ["dask", "distributed", "yaml", "IPython", "rich", "sqlite3", "filelock", "cloudpickle"]
HEAVY = [
    "urllib.request",
    "tarfile",
    "zipfile",
    "subprocess",
    "multiprocessing",
    "ctypes",
    "asyncio",
]
FORBIDDEN = [f"pylightnix.{room}" for room in ROOMS] + LIBRARIES + HEAVY

# What a measuring interpreter (coverage, a debugger) has loaded before is not our doing.
PROBE = "import sys; before = set(sys.modules); import {}; print(*set(sys.modules) - before)"


def loaded_by(module: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(module)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def loaded_by_the_package() -> set[str]:
    return loaded_by("pylightnix")


@pytest.mark.parametrize("module", FORBIDDEN)
def test_importing_the_package_does_not_load(module: str, loaded_by_the_package: set[str]) -> None:
    assert "pylightnix" in loaded_by_the_package
    assert module not in loaded_by_the_package


def test_the_probe_sees_what_an_import_loads() -> None:
    assert "tarfile" in loaded_by("tarfile")
