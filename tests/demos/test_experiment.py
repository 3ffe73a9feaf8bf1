"""The experiment of the demos, in a script, in IPython, in a notebook; again nothing is built."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from web.looking import has_colour, inked, rows_of, screenshot

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "demos" / "experiment.py"
SOURCE = SCRIPT.read_text(encoding="utf-8")
RREF = re.compile(r"rref:[0-9a-f]{32}-[0-9a-f]{32}-picture")
LINES = 40

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a store, into which the experiment was run as a script."""
    for module in ("numpy", "matplotlib"):
        pytest.importorskip(module, reason=f"{module} is not installed: the extra `demos` has it")
    home = tmp_path_factory.mktemp("home")
    assert "the best of ten: 0.9" in run(home, sys.executable, SCRIPT)
    return home


def environment(home: Path) -> dict[str, str]:
    places = ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    return {
        **os.environ,
        **{name: str(home / name.lower()) for name in places},
        "MPLCONFIGDIR": str(home / "mpl"),
        "MPLBACKEND": "agg",
        "PYLIGHTNIX_ROOT": str(home / "store"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONWARNINGS": "ignore",
    }


def run(home: Path, *command: str | Path) -> str:
    """Run a program; gives all that it says."""
    done = subprocess.run(
        command,
        env=environment(home),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def realizations(home: Path) -> set[str]:
    found = (home / "store" / "store-v1").glob("*/*")
    return {str(path) for path in found if path.name != "config.json"}


def test_it_is_short() -> None:
    assert sum(bool(line.strip()) for line in SOURCE.splitlines()) < LINES


def test_the_script_builds_all_once(home: Path) -> None:
    before = realizations(home)
    assert sum("-train/" in path for path in before) == 10
    assert "the best of ten" in run(home, sys.executable, SCRIPT)
    assert realizations(home) == before
    told = run(home, sys.executable, "-m", "pylightnix", "plan", f"{SCRIPT}:picture", "--json")
    assert {item["verdict"] for item in json.loads(told)["items"]} == {"hit"}


def decorators(node: ast.stmt) -> list[ast.expr]:
    return node.decorator_list if isinstance(node, ast.FunctionDef) else []


def cells() -> list[str]:
    """The script as it would be typed: a cell for each definition."""
    body = ast.parse(SOURCE).body[:-1]
    lines = SOURCE.splitlines()
    first = [min([node.lineno, *(d.lineno for d in decorators(node))]) for node in body]
    ends = [*(line - 1 for line in first[1:]), body[-1].end_lineno or 0]
    return ["\n".join(lines[start - 1 : end]) for start, end in zip(first, ends, strict=True)]


def test_in_ipython_it_is_the_same_experiment(home: Path) -> None:
    pytest.importorskip("IPython", reason="IPython is not installed: the extra `notebook` has it")
    session = home / "session.ipy"
    last = ["%load_ext pylightnix", "r = %realize picture", "print(r)"]
    session.write_text("\n".join([*cells(), *last]))
    command = (sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", session)
    first = run(home, *command)
    second = run(home, *command)
    assert RREF.findall(first)[-1] == RREF.findall(second)[-1]
    assert "started" not in second and "built" not in second


def notebook(jobs: str) -> Any:
    """The experiment as a notebook, ending in its results."""
    v4 = pytest.importorskip("nbformat.v4", reason="nbformat is not installed: `dev` has it")
    last = [
        "%load_ext pylightnix",
        "%realize picture --plan",
        f"%realize picture {jobs}",
        "instantiate(picture)",
    ]
    return v4.new_notebook(cells=[v4.new_code_cell(text) for text in [*cells(), *last]])


def executed(home: Path, book: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Execute a notebook without a browser; gives the outputs of all cells."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: `dev` has it")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: `dev` has it")
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    return [output for cell in book.cells for output in cell.outputs]


def shown(outputs: list[dict[str, Any]]) -> list[str]:
    return [out["data"]["text/html"] for out in outputs if "text/html" in out.get("data", {})]


def said(outputs: list[dict[str, Any]]) -> str:
    return "".join(out.get("text", "") for out in outputs)


@pytest.mark.filterwarnings("ignore")  # of the event loop of the client
def test_a_notebook_shows_the_figure_and_its_second_run_builds_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another store: so that this is a first run.
    monkeypatch.setattr(sys.modules[__name__], "environment", elsewhere(tmp_path / "store"))
    run(home, sys.executable, "-m", "pylightnix", "init")
    outputs = executed(home, notebook("-j2"), monkeypatch)
    plan, page, closure = shown(outputs)[0], shown(outputs)[-2], shown(outputs)[-1]
    assert "to build" in plan
    assert "data:image/png;base64," in page
    assert "3 derivations" in closure
    again = executed(home, notebook(""), monkeypatch)
    assert "0 to build" in shown(again)[0] and "3 there" in shown(again)[0]
    assert "built" not in said(again)
    assert RREF.findall(shown(again)[-2])[0] == RREF.findall(page)[0]
    pictures = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    rows = rows_of(screenshot("<hr>".join(shown(outputs)), pictures, "notebook", height=1500))
    assert inked(rows) > 300
    assert has_colour(rows, 0xFF, 0xCC, 0x80)  # the plan: to be built


def elsewhere(store: Path) -> Any:
    ours = environment
    return lambda home: {**ours(home), "PYLIGHTNIX_ROOT": str(store)}
