"""The same pipelines here and under pypyr 5.9: the same output, the same context at the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
COMMON = HERE / "common"
NAMES = sorted(path.stem for path in COMMON.glob("*.yaml"))
# What pypyr said of each, recorded; the last test here compares that with a pypyr of today.
RECORDED: dict[str, Any] = json.loads((COMMON / "expected.json").read_text(encoding="utf-8"))
# Keys of `in` that it leaves behind when a step fails, jumps or stops. Here they go, always.
LEFT_BEHIND = {
    "09_stop_in_handler": ["py"],
    "12_jump_release": ["jump"],
    "13_groups_success": ["py"],
    "17_child_fails": ["py"],
    "38_stop_everything": ["pype"],
}
CLASSES = {"AssertionError": "AssertionFailed"}


def pypyr_python() -> str | None:
    """An interpreter that has pypyr 5.9: `make bench` makes one."""
    places = [os.environ.get("PYPYR_PYTHON"), HERE.parents[1] / ".venv-bench" / "bin" / "python"]
    probe = "from importlib.metadata import version as v; print(v('pypyr'))"
    for place in places:
        if place is not None and Path(place).exists():
            done = subprocess.run([place, "-c", probe], capture_output=True, text=True, check=False)
            if done.stdout.startswith("5.9"):
                return str(place)
    return None


def outcomes(python: str, library: str, folder: Path) -> dict[str, Any]:
    shutil.copytree(COMMON, folder / "common")
    out = folder / "out.json"
    program = HERE / "side_by_side.py"
    subprocess.run(
        [python, program, library, folder / "common", out], check=True, capture_output=True
    )
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return outcomes(sys.executable, "pylightnix", tmp_path_factory.mktemp("ours"))


def wanted(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(RECORDED[name]))
    if "raised" in found:
        found["raised"] = CLASSES.get(found["raised"], found["raised"])
    for key in LEFT_BEHIND.get(name, []):
        del found["context"][key]
    return found


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 30
    assert sorted(RECORDED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_written_for_pypyr_comes_out_the_same(name: str, ours: dict[str, Any]) -> None:
    assert ours[name] == wanted(name)


@pytest.mark.slow
def test_what_is_recorded_is_what_pypyr_does(tmp_path: Path) -> None:
    python = pypyr_python()
    if python is None:
        pytest.skip(
            "no pypyr 5.9 here: `make bench` installs it, or set PYPYR_PYTHON to its python"
        )
    assert outcomes(python, "pypyr", tmp_path) == RECORDED
