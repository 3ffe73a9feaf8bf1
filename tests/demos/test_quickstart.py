"""`make demo` in a place of its own: it tells its story, and tells it again without building."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

QUICKSTART = Path(__file__).parents[2] / "demos" / "quickstart.py"
NEEDED = ("cc", "make")


def run(folder: Path, **env: str) -> list[str]:
    """The three parts of what the demo prints, run inside `folder`."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PYLIGHTNIX_")}
    done = subprocess.run(
        [sys.executable, QUICKSTART],
        cwd=folder,
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    parts = re.split(r"^[123]\. ", done.stdout, flags=re.MULTILINE)
    assert len(parts) == 4
    return parts[1:]


def built(part: str) -> list[str]:
    return re.findall(r"built now: (.*)", part)


NOTHING = "nothing, all of it is in the store"


def test_the_second_run_builds_nothing_but_one_more_climb(tmp_path: Path) -> None:
    lacking = [program for program in NEEDED if shutil.which(program) is None]
    if lacking:
        pytest.skip(f"the demo's first part needs {' and '.join(lacking)} (Debian: gcc, make)")
    root = str(tmp_path / "there")
    first = run(tmp_path, PYLIGHTNIX_ROOT=root)
    assert built(first[0]) == ["1 x greet-source, 1 x greet"]
    assert "Good day, world." in first[0]
    assert built(first[1])[:2] == ["10 x climb", "1 x postcard"]

    second = run(tmp_path, PYLIGHTNIX_ROOT=root)
    assert second[0] == first[0].replace(built(first[0])[0], NOTHING)
    assert built(second[1])[:3] == [NOTHING, NOTHING, "1 x climb"]
    assert os.listdir(tmp_path) == ["there"]


def test_the_postcard_is_from_the_highest_climb(tmp_path: Path) -> None:
    climbs = run(tmp_path)[1]
    heights = re.search(r"altitudes: (.*) m", climbs)
    cards = re.findall(r"Greetings from (.*) m!", climbs)
    last = re.search(r"it ended at (\S+) m", climbs)
    assert heights is not None and last is not None
    before = max(map(float, heights[1].split(", ")))
    assert list(map(float, cards)) == [before, max(before, float(last[1]))]


def test_without_a_compiler_the_rest_runs_in_the_working_folder(tmp_path: Path) -> None:
    program, climbs, store = run(tmp_path, PATH=str(tmp_path / "empty"))
    assert "left out: there is no cc and no make here" in program
    assert built(climbs)[0] == "10 x climb"
    assert f"{tmp_path}/_pylightnix/store-v1" in store
    assert "2 derivations" in store and "the postcard holds card.txt" in store
    assert re.search(r"^climb +[0-9a-f]{8} +11 realizations", store, re.MULTILINE)
