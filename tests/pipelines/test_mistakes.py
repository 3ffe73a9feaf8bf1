"""What users are told of their mistakes, kept as golden files.

`PYLIGHTNIX_GOLDEN=write pytest tests/pipelines/test_mistakes.py` writes them anew; read the
difference before it is committed.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from pylightnix import Store, pipelines
from pylightnix.core.errors import PylightnixError

MISTAKES = Path(__file__).parent / "mistakes"
NAMES = sorted(path.name for path in MISTAKES.iterdir() if path.is_dir())
WRITES = os.environ.get("PYLIGHTNIX_GOLDEN") == "write"
LIBRARY = os.path.join(os.path.dirname(pipelines.__file__), "library")


def told(folder: Path, store: Store) -> str:
    try:
        pipelines.run("pipe", store=store)
    except PylightnixError as error:
        text = str(error)
    else:
        text = "nothing is wrong"
    for path, name in ((str(folder), "HERE"), (LIBRARY, "LIBRARY")):
        text = text.replace(path, name)
    # What is said of a failed build is the engine's, and shown in its own tests.
    text = re.sub(r"its folder is kept.*?(?=\n  in )", "...", text, flags=re.DOTALL)
    return re.sub(r"[0-9a-f]{32}", "...", text) + "\n"


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_told_with_file_line_column_stack_and_advice(
    name: str, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / name
    shutil.copytree(MISTAKES / name, folder)
    shutil.copy(MISTAKES / "steps.py", folder)
    monkeypatch.chdir(folder)
    golden = MISTAKES / name / "told.txt"
    text = told(folder, store)
    if WRITES:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_told_begins_with_a_place(name: str) -> None:
    golden = (MISTAKES / name / "told.txt").read_text(encoding="utf-8")
    assert re.match(r"[\w/.]+\.yaml:\d+:\d+: ", golden)
