"""The tutorial, the woven documents and the script are made of the same code."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMOS, TUTORIAL = ROOT / "demos", ROOT / "docs" / "tutorial"
PAGES = {"EXPERIMENT": "experiment", "REPL": "stop-in-the-middle"}
BLOCK = re.compile(r"^```python(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path) -> list[str]:
    """The pieces of code that a reader sees."""
    found = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [code for options, code in found if "echo=False" not in options]


def parts(source: str) -> list[str]:
    """The statements of a program, whatever their place and spelling."""
    return [ast.unparse(node) for node in ast.parse(source).body]


@pytest.mark.parametrize("document", PAGES)
def test_a_page_of_the_tutorial_has_the_code_of_its_demo(document: str) -> None:
    woven = blocks(DEMOS / f"{document}.pmd")
    assert len(woven) > 5
    assert blocks(TUTORIAL / f"{PAGES[document]}.md") == woven


def test_the_experiment_is_the_script() -> None:
    docstring, *script, _ = parts((DEMOS / "experiment.py").read_text(encoding="utf-8"))
    shown = parts("".join(blocks(DEMOS / "EXPERIMENT.pmd")))
    assert docstring.startswith("'")
    assert [part for part in shown if part in script] == script


def weaver() -> str:
    """An interpreter that has what the demos need."""
    probe = "import pweave, numpy, matplotlib"
    for python in (str(ROOT / ".venv-demos" / "bin" / "python"), sys.executable):
        command = [python, "-c", probe]
        if (
            Path(python).exists()
            and not subprocess.run(command, capture_output=True, check=False).returncode
        ):
            return python
    pytest.skip("Pweave is not installed: `make demos` makes an environment that has it")


@pytest.mark.slow
@pytest.mark.parametrize("document", PAGES)
def test_the_document_runs_from_end_to_end(document: str, tmp_path: Path) -> None:
    program = (
        "import json, pathlib, sys; sys.path.insert(0, sys.argv[1]); import weave; "
        "weave.OUT = pathlib.Path(sys.argv[3]); weave.weave.__defaults__ = (weave.OUT,); "
        "print(json.dumps(weave.woven(pathlib.Path(sys.argv[2]))))"
    )
    names = ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")
    done = subprocess.run(
        [weaver(), "-c", program, DEMOS, DEMOS / f"{document}.pmd", tmp_path / "out"],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        | {name: str(tmp_path / name) for name in names},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
    page = (tmp_path / "out" / f"{document}.md").read_text(encoding="utf-8")
    told = {
        "EXPERIMENT": ("the best of ten: 0.9", "](data:image/png;base64,", "0 to build, 3 there"),
        "REPL": ("missing: numbers.json", "3 readings, 21.2 on average", "rref:"),
    }
    for text in told[document]:
        assert text in page
