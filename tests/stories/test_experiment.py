"""An experiment in less than forty lines: dataset, ten noisy trainings, the best, a report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("experiment.py")


def run(root: Path, program: Path = PROGRAM) -> list[str]:
    """Run it as a script, all of it printed in this order."""
    env = {**os.environ, "PYLIGHTNIX_ROOT": str(root), "PYLIGHTNIX_DURABILITY": "none"}
    done = subprocess.run(
        [sys.executable, "-W", "error", program], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    subprocess.run(
        [sys.executable, "-m", "pylightnix", "init", made], check=True, capture_output=True
    )
    return made


def test_it_takes_less_than_forty_lines() -> None:
    lines = PROGRAM.read_text().splitlines()
    assert len([line for line in lines if line.strip()]) < 40


def test_the_best_of_ten_is_used_and_nothing_is_built_twice(root: Path) -> None:
    first = run(root)
    assert [line for line in first if "trained" in line] == [f"trained {i}" for i in range(10)]
    assert first[-2:] == ["slope 3.0", "10 trainings"]
    assert run(root) == ["slope 3.0", "10 trainings"]


def test_an_edited_helper_builds_what_uses_it_and_why_tells(root: Path, tmp_path: Path) -> None:
    program = tmp_path / "experiment.py"
    program.write_text(PROGRAM.read_text())
    run(root, program)
    program.write_text("# moved down\n\n" + program.read_text())
    assert run(root, program) == ["slope 3.0", "10 trainings"]
    program.write_text(program.read_text().replace("tuple(map", "list(map"))
    assert "config.__source__.load: " in why(root, f"{program}:train")
    again = run(root, program)
    assert [line for line in again if "trained" in line] == [f"trained {i}" for i in range(10)]
    assert again[-1] == "20 trainings"


def why(root: Path, what: str) -> str:
    """What the command of that name says."""
    call = [sys.executable, "-m", "pylightnix", "--store", str(root), "why", what]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
