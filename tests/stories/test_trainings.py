"""Three trainings in pods with different packages, the best of them, a report: one pipeline."""

from __future__ import annotations

import runpy
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from pipelines.lab import Builds, edit
from pylightnix import Store, gc, instantiate, mkfile, pipelines, plan, realize, store_initialize
from pylightnix.api import ambient
from pylightnix.cli import main

LACKING = [name for name in ("yaml", "uv", "bson") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(LACKING), reason=f"{LACKING} are missing: pip install pylightnix[pods,pipelines]"
)
DEMO = Path(__file__).parents[2] / "demos" / "trainings"
REPORT = """\
best: 27.0 with tinyml 2.0
all:
  18.0 with tinyml 1.0
  27.0 with tinyml 2.0
  22.5 with tinyml 3.0
"""
ENVS, FITS = ["pod-env"] * 3 + ["pod-lock"] * 3, ["fit"] * 3
ALL = ["best", "data", *FITS, *ENVS, "report"]


class Done(NamedTuple):
    """What became of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo, in a folder of its own, in a working folder elsewhere; and its wheels."""
    folder = tmp_path / "lab"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("wheels", "__pycache__"))
    runpy.run_path(str(folder / "wheels.py"), run_name="__main__")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def test_an_edit_builds_what_follows_and_nothing_else(lab: Path, current: Store) -> None:
    builds = Builds()

    def built() -> list[str]:
        pipelines.run(str(lab / "train"), jobs=2, on_event=builds)
        return builds.taken()

    assert built() == ALL
    assert built() == []
    edit(lab / "steps.py", "best: {score", "the best: {score")
    assert built() == ["report"]
    edit(lab / "lib" / "training.py", "with tinyml {", "by tinyml {")
    assert built() == ["best", *FITS, "report"]
    edit(lab / "train.yaml", "['1.0', '2.0', '3.0']", "['1.0', '3.0']")
    assert built() == ["best", "report"]
    edit(lab / "train.yaml", "rows: 8", "rows: 9")
    assert built() == ["best", "data", *FITS[:2], "report"]


def test_the_programs_words_work_on_it(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYLIGHTNIX_ROOT", str(tmp_path / "root"))
    store_initialize()
    pipe = str(lab / "train.yaml")

    def program(*words: str) -> Done:
        capfd.readouterr()
        return Done(main(words), *capfd.readouterr())

    dry = program("run", pipe, "--dry-run")
    assert "12 to build, 0 there" in dry.out
    assert f"[{lab}/train.yaml:9 model > {lab}/lib/train.yaml:2 fit]" in dry.out
    assert dry.out.endswith(f"not run: {lab}/train.yaml:20 shell\n")
    assert program("ls").out == ""
    first = program("run", pipe, "-j2", "--events", "plain")
    assert (first.status, first.out) == (0, REPORT)
    assert first.err.count(" built in ") == len(ALL)
    again = program("run", pipe, "-j2", "--events", "plain")
    assert (again.out, again.err.count(" built in ")) == (REPORT, 0)
    edit(lab / "lib" / "training.py", "with tinyml {", "by tinyml {")
    why = program("why", pipe).out
    assert f"[{lab}/train.yaml:9 model > {lab}/lib/train.yaml:2 fit]" in why
    assert "__source__" in why
    planned = program("plan", pipe).out
    assert "5 to build" in planned and f"[{lab}/train.yaml:17 report]" in planned
    made = program("realize", pipe, "-j2", "--out-link", str(tmp_path / "out"))
    assert made.status == 0 and "by tinyml 2.0" in (tmp_path / "out" / "report.txt").read_text()


def test_its_closure_is_one_as_any(lab: Path, current: Store) -> None:
    closure = pipelines.instantiate(str(lab / "train"))
    assert [dref[38:] for dref in closure.targets] == ["report"]
    rref = realize(closure, jobs=2)
    assert plan(closure).builds == ()
    realize(instantiate(mkfile, "other", "x"))
    ambient._let_go()  # what a live process uses is kept anyway
    assert {victim.ref[-5:] for victim in gc([rref], grace_s=0).dead} == {"other"}
    assert pipelines.run(str(lab / "train"))["report"].rref == rref
