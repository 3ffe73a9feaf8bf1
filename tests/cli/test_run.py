"""`pylightnix run`, and `why` of a pipeline."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from cli.shop import Run
from pylightnix import RRef, rref2path, store_initialize

pytestmark = pytest.mark.skipif(
    find_spec("yaml") is None, reason="PyYAML is not installed: pip install 'pylightnix[pipelines]'"
)

PIPE = """\
context_parser: keyvaluepairs
steps:
  - name: default
    in: {defaults: {text: hi}}
  - name: data
    uses: mkfile
    with: {name: data, contents: '{text}'}
  - name: echo
    in: {echoMe: 'said {text}'}
other:
  - {name: echo, in: {echoMe: other}}
good:
  - {name: echo, in: {echoMe: good}}
fails:
  - {name: py, in: {py: raise ValueError('no')}}
bad:
  - {name: echo, in: {echoMe: bad}}
"""


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> Path:
    store_initialize()
    (tmp_path / "pipe.yaml").write_text(PIPE)
    (tmp_path / "child.yaml").write_text("steps: [{name: pype, in: {pype: {name: pipe}}}]")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_runs_and_takes_words(pipe: Path, run: Run) -> None:
    for name in ("pipe", "pipe.yaml", str(pipe / "pipe")):
        done = run("run", name, "text=ho")
        assert (done.status, done.out, done.err) == (0, "said ho\n", "")


def test_groups_can_be_chosen(pipe: Path, run: Run) -> None:
    assert run("run", "pipe", "--groups", "other", "--success", "good").out == "other\ngood\n"
    done = run("run", "pipe", "--groups", "fails", "--failure", "bad")
    assert (done.status, done.out) == (1, "bad\n")
    assert "pipe.yaml:15:5: py: ValueError: no" in done.err


def test_json_tells_the_context_in_one_line(pipe: Path, run: Run) -> None:
    done = run("run", "pipe", "--json")
    context = json.loads(done.out)["context"]
    assert context["text"] == "hi" and context["data"].startswith("/")


def test_events_are_told_on_request(pipe: Path, run: Run) -> None:
    assert "data" in run("run", "pipe", "--events", "plain", "-j", "2").err


def test_a_dry_run_shows_the_plan_with_lines_and_does_nothing(pipe: Path, run: Run) -> None:
    done = run("run", "pipe", "--dry-run")
    assert done.out.startswith("build   data ")
    assert "[pipe.yaml:5 data]" in done.out and "not run: pipe.yaml:8 echo" in done.out
    assert run("ls").out == ""
    found = json.loads(run("run", "pipe", "--dry-run", "--json").out)
    assert list(found["places"].values()) == ["pipe.yaml:5 data"]
    assert found["skipped"] == ["pipe.yaml:8 echo"]


def test_why_names_the_line_of_the_pipeline(pipe: Path, run: Run) -> None:
    run("run", "pipe")
    (pipe / "pipe.yaml").write_text(PIPE.replace("text: hi", "text: hello"))
    done = run("why", "pipe.yaml")
    assert "[pipe.yaml:5 data]" in done.out and done.status == 0
    assert "ref" in json.loads(run("why", "pipe.yaml", "--json").out)


def test_a_pipeline_is_a_target_like_a_stage(pipe: Path, run: Run) -> None:
    planned = run("plan", "pipe.yaml", "text=ho")
    assert planned.out.startswith("build   data ") and "[pipe.yaml:5 data]" in planned.out
    assert run("ls").out == ""
    done = run("realize", "pipe.yaml", "text=ho", "-j", "2", "--out-link", "out")
    assert done.status == 0 and (pipe / "out" / "data").read_text() == "ho"
    assert "said" not in done.out + done.err  # its effects are not run
    assert run("realize", str(pipe / "pipe.yaml"), "text=ho").out == done.out
    found = json.loads(run("plan", "pipe.yaml", "text=ho", "--json").out)
    assert [item["verdict"] for item in found["items"]] == ["hit"]
    assert list(found["places"].values()) == ["pipe.yaml:5 data"]
    assert run("plan", "pipe.yaml", "--dot").out.startswith("digraph")
    assert run("gc", "--dry-run").status == 0


def test_a_target_may_be_built_again_by_its_pipeline(pipe: Path, run: Run) -> None:
    (rref,) = run("realize", "pipe.yaml").out.split()
    data = rref2path(RRef(rref)) / "data"
    data.chmod(0o644)
    data.write_text("damaged")
    assert run("verify", "--repair", "--target", "pipe.yaml").out.count("repaired") >= 1


def test_mistakes_of_a_pipeline_as_a_target_are_told_as_ever(pipe: Path, run: Run) -> None:
    (pipe / "bad.yaml").write_text("steps: [{name: a, uses: mkfil}]")
    for command in ("realize", "plan", "why"):
        assert "did you mean 'mkfile'" in run(command, "bad.yaml").err
        assert "there is no pipeline" in run(command, "nowhere.yaml").err


def test_check_is_silent_if_nothing_is_wrong_and_draws_on_request(pipe: Path, run: Run) -> None:
    done = run("run", "--check", "child")
    assert (done.status, done.out, done.err) == (0, "", "")
    drawn = run("run", "--graph", "child").out
    assert drawn.startswith("graph LR\n") and "-->|pype|" in drawn and "-->|mkfile|" in drawn


WRONG = """\
context_parser: keyvaluepair
steps:
  - ecoh
  - {name: call, in: {call: [gruop, steps]}}
  - {name: switch, in: {switch: [{case: true, call: gruop}]}}
  - {name: pype, in: {pype: {name: nowhere}}}
  - {name: a, uses: './none.py:a'}
  - {name: b, uses: nowhere}
  - {name: pype, in: {pype: {name: broken}}}
group: []
"""


def test_check_tells_all_that_is_wrong_and_runs_nothing(pipe: Path, run: Run) -> None:
    (pipe / "wrong.yaml").write_text(WRONG)
    (pipe / "broken.yaml").write_text("steps: [{nmae: x}]")
    done = run("run", "--check", "wrong")
    assert done.status == 1
    for place in ("1:1", "3:5", "4:5", "5:5", "6:5", "7:5", "8:5"):
        assert f"wrong.yaml:{place}: " in done.err
    assert "broken.yaml:1:10: a step has no 'nmae'; did you mean 'name'?" in done.err
    found = json.loads(run("run", "--check", "--json", "wrong").out)
    assert {issue["line"] for issue in found["issues"]} >= {1, 3, 4, 5, 6, 7, 8}
    (pipe / "worse.yaml").write_text("steps: {")
    assert run("run", "--check", "worse").status == 1


def test_codes_are_one_for_a_failure_and_two_for_usage(pipe: Path, run: Run) -> None:
    assert run("run", "nowhere").status == 1
    assert run("run").status == 2
    assert run("run", "pipe", "--no-such-option").status == 2
    assert run("run", "pipe", "--store", str(pipe / "nothing")).status == 3


def test_an_interrupt_is_130(pipe: Path, run: Run) -> None:
    (pipe / "stop.yaml").write_text("steps: [{name: py, in: {py: raise KeyboardInterrupt}}]")
    assert run("run", "stop").status == 130


def test_a_loader_and_a_folder_of_steps_can_be_named(pipe: Path, run: Run) -> None:
    (pipe / "code").mkdir()
    (pipe / "code" / "shout.py").write_text(
        "def run_step(context):\n    context.session.say('shouted')\n"
    )
    (pipe / "shelf.py").write_text(
        "def get_pipeline_definition(name, parent):\n    return {'steps': [name]}\n"
    )
    assert run("run", "shout", "--loader", "shelf", "--dir", "code").out == "shouted\n"
