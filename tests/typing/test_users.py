"""What users write passes `mypy --strict`, and their mistakes do not."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

USERS = Path(__file__).with_name("users.py")
STAGES = Path(__file__).with_name("stages.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("mypy") is None, reason="mypy is not installed; it comes with the extra `dev`"
    ),
]


def mypy(program: Path, cache: Path) -> str:
    """Check a program as somebody would who only installed the library; gives what mypy says."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--enable-error-code=ignore-without-code"),
            *("--config-file=", f"--cache-dir={cache}", "--no-error-summary", program.name),
        ],
        cwd=program.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy-cache")


def test_a_users_program_is_well_typed_and_its_marked_mistakes_are_mistakes(cache: Path) -> None:
    assert mypy(USERS, cache) == ""


def test_a_mistake_that_is_not_marked_is_seen(cache: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    text = USERS.read_text(encoding="utf-8")
    marked = "rref2path(dref)  # type: ignore[arg-type]"
    program.write_text(text.replace(marked, "rref2path(dref)"), encoding="utf-8")
    assert 'has incompatible type "DRef"; expected "RRef"' in mypy(program, cache)


def test_a_mark_where_there_is_no_mistake_is_seen(cache: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    text = USERS.read_text(encoding="utf-8")
    right = "status: int = shellref(rref)"
    program.write_text(text.replace(right, f"{right}  # type: ignore[misc]"), encoding="utf-8")
    assert 'Unused "type: ignore" comment' in mypy(program, cache)


def test_stages_that_are_functions_have_types_too(cache: Path) -> None:
    assert mypy(STAGES, cache) == ""
