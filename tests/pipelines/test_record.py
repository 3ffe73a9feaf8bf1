"""The cases of the decision record on relative pipelines, with real folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pipelines.conftest import Write
from pylightnix import pipelines

STEP = """
import sharedcode


def run_step(context):
    context.setdefault("seen", []).append(sharedcode.NAME)
"""
TWO_FOLDERS = {
    "dir1/pipe.yaml": "steps: [mystep]",
    "dir1/mystep.py": STEP,
    "dir1/sharedcode.py": "NAME = 'one'",
    "dir2/pipe.yaml": "steps: [mystep]",
    "dir2/mystep.py": STEP,
    "dir2/sharedcode.py": "NAME = 'two'",
    "both.yaml": """
        steps:
          - {name: pype, in: {pype: {name: dir1/pipe}}}
          - {name: pype, in: {pype: {name: dir2/pipe}}}
          - {name: pype, in: {pype: {name: dir1/pipe}}}
    """,
}
SHARED = {
    "shared/mydir/b.yaml": """
        steps:
          - customstep
          - {name: pype, in: {pype: {name: c}}}
    """,
    "shared/mydir/c.yaml": "steps: [{name: set, in: {set: {c: was here}}}]",
    "shared/mydir/customstep.py": "def run_step(context):\n    context['custom'] = __file__",
}


def set_to(value: str) -> str:
    return f"steps: [{{name: set, in: {{set: {{where: {value}}}}}}}]"


def calls(name: object) -> str:
    return f"steps: [{{name: pype, in: {{pype: {{name: {name}}}}}}}]"


def in_new_process(folder: Path, *words: str) -> dict[str, Any]:
    program = (
        "import json, sys; from pylightnix import pipelines; "
        "print(json.dumps(pipelines.run(*sys.argv[1:])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_child_is_looked_for_in_four_places_in_this_order(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(
        {
            "home/parent.yaml": calls("child"),
            "home/child.yaml": set_to("beside the parent"),
            "work/child.yaml": set_to("working folder"),
            "work/pipelines/child.yaml": set_to("its folder pipelines"),
        }
    )
    monkeypatch.chdir(root / "work")
    parent = str(root / "home" / "parent.yaml")
    seen = []
    for place in ("home/child.yaml", "work/child.yaml", "work/pipelines/child.yaml"):
        seen.append(pipelines.run(parent)["where"])
        (root / place).unlink()
    assert seen == ["beside the parent", "working folder", "its folder pipelines"]
    (root / "home" / "parent.yaml").write_text(calls("nothing"))
    assert dict(pipelines.run(parent)) == {}  # one of those that come with it


def test_an_absolute_name_is_looked_for_nowhere_else(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"far/child.yaml": set_to("far"), "child.yaml": set_to("near")})
    (root / "parent.yaml").write_text(calls(root / "far" / "child"))
    monkeypatch.chdir(root)
    assert pipelines.run("parent")["where"] == "far"
    with pytest.raises(pipelines.PipelineNotFound) as caught:
        pipelines.run(str(root / "far" / "nope"))
    assert caught.value.tried == (str(root / "far" / "nope.yaml"),)


def test_a_child_that_is_nowhere_names_every_place_tried(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"home/parent.yaml": calls("child"), "work/keep": ""})
    monkeypatch.chdir(root / "work")
    with pytest.raises(pipelines.StepFailed) as caught:
        pipelines.run(str(root / "home" / "parent"))
    error = caught.value.__cause__
    assert isinstance(error, pipelines.PipelineNotFound)
    folders = [root / "home", root / "work", root / "work" / "pipelines"]
    assert error.tried[:3] == tuple(str(folder / "child.yaml") for folder in folders)
    assert len(error.tried) == 4


@pytest.mark.parametrize("project", ["git/myproject/pipelines", "git/another"])
def test_a_shared_folder_works_from_two_projects_unchanged(
    project: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(SHARED)
    (root / project).mkdir(parents=True)
    (root / project / "a.yaml").write_text(calls(root / "shared" / "mydir" / "b"))
    for folder, name in ((root / project, "a"), (root, f"{project}/a")):
        monkeypatch.chdir(folder)
        context = pipelines.run(name)
        assert context["c"] == "was here"
        assert context["custom"] == str(root / "shared" / "mydir" / "customstep.py")
        assert in_new_process(folder, name) == dict(context)


def test_two_folders_each_have_a_step_of_one_name(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(TWO_FOLDERS)
    monkeypatch.chdir(root)
    path = list(sys.path)
    assert pipelines.run("both")["seen"] == ["one", "two", "one"]
    assert "mystep" not in sys.modules and "sharedcode" not in sys.modules
    assert sys.path == path
    assert in_new_process(root, "both")["seen"] == ["one", "two", "one"]


def test_a_change_of_the_working_folder_between_two_runs_is_seen(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"a/pipe.yaml": set_to("a"), "b/pipe.yaml": set_to("b")})
    seen = []
    for name in "abab":
        monkeypatch.chdir(root / name)
        seen.append(pipelines.run("pipe")["where"])
    assert seen == ["a", "b", "a", "b"]


def test_two_threads_in_two_folders_are_both_right(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(TWO_FOLDERS)
    monkeypatch.chdir(root)
    start = threading.Barrier(2)
    seen: dict[str, set[str]] = {"dir1": set(), "dir2": set()}

    def work(name: str) -> None:
        start.wait()
        for _ in range(20):
            context = pipelines.run(str(root / name / "pipe"), py_dir=root / name)
            seen[name].update(context["seen"])

    threads = [threading.Thread(target=work, args=(name,)) for name in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"dir1": {"one"}, "dir2": {"two"}}


def test_pipelines_of_one_name_from_two_loaders_never_meet(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(
        {
            "pipe.yaml": set_to("file"),
            "shelf.py": """
                def get_pipeline_definition(pipeline_name, parent):
                    step = {"name": "set", "in": {"set": {"where": "shelf"}}}
                    return {"steps": [step]}
            """,
        }
    )
    monkeypatch.chdir(root)
    seen = [pipelines.run("pipe", loader=loader)["where"] for loader in (None, "shelf", None)]
    other = pipelines.Loader("other", lambda name, parent: {"steps": []})
    assert seen == ["file", "shelf", "file"]
    assert dict(pipelines.run("pipe", loader=other)) == {}
    assert pipelines.run("pipe", loader="shelf")["where"] == "shelf"


def test_a_pipeline_that_calls_itself_is_told_so(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"a.yaml": calls("sub/b"), "sub/b.yaml": calls("../a")})
    monkeypatch.chdir(root)
    with pytest.raises(pipelines.StepFailed) as caught:
        pipelines.run("a")
    error = caught.value.__cause__
    assert isinstance(error, pipelines.PipelineCycleError)
    assert error.loop == ("../a", "sub/b", "../a")
    assert "a.yaml:1 pype > sub/b.yaml:1 pype > a.yaml:1 pype" in str(caught.value)


def test_a_pipeline_may_call_itself_if_that_ends(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        steps:
          - {name: default, in: {defaults: {left: 5}}}
          - {name: set, in: {set: {left: !py left - 1}}}
          - {name: pype, skip: !py left == 0, in: {pype: {name: countdown}}}
    """
    monkeypatch.chdir(write({"countdown.yaml": text}))
    assert pipelines.run("countdown")["left"] == 0


def test_an_edited_pipeline_is_read_again(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write({"pipe.yaml": set_to("old"), "mystep.py": STEP, "sharedcode.py": "NAME = 'x'"})
    monkeypatch.chdir(root)
    assert pipelines.run("pipe")["where"] == "old"
    (root / "pipe.yaml").write_text("steps: [mystep]")
    assert pipelines.run("pipe")["seen"] == ["x"]
    (root / "sharedcode.py").write_text("NAME = 'edited'")
    assert pipelines.run("pipe")["seen"] == ["edited"]


def test_a_definition_is_shared_while_its_file_is_the_same(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(
        {
            "pipe.yaml": "steps: [note]",
            "note.py": """
                def run_step(context):
                    context["definition"] = context.current_pipeline.definition
            """,
        }
    )
    monkeypatch.chdir(root)
    one, two = (pipelines.run("pipe")["definition"] for _ in range(2))
    assert one is two
    assert one.info.path == os.path.realpath("pipe.yaml")
    assert (one.info.loader, one.info.parent) == ("file", str(root))


STACK = """
def run_step(context):
    root, here = context.get_root_pipeline(), context.current_pipeline
    context["stack"] = (root.name, here.name, context.get_stack_depth())
"""


def test_the_call_stack_is_there_to_be_asked_and_is_gone_after_an_error(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = """
        steps:
          - note
          - {name: py, in: {py: raise ValueError}}
    """
    root = write(
        {
            "top.yaml": """
                steps:
                  - {name: pype, swallow: true, in: {pype: {name: sub/fails}}}
                  - {name: contextcopy, in: {contextCopy: {inner: stack}}}
                  - note
            """,
            "sub/fails.yaml": fails,
            "sub/note.py": STACK,
            "note.py": STACK,
        }
    )
    monkeypatch.chdir(root)
    context = pipelines.run("top")
    assert context["inner"] == ("top", "sub/fails", 2)
    assert context["stack"] == ("top", "top", 1)
    assert not context.is_in_pipeline_scope
    assert context.current_pipeline is None and context.get_root_pipeline() is None


def test_py_dir_adds_one_more_place_for_steps_and_none_for_pipelines(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(
        {
            "pipe.yaml": "steps: [mystep]",
            "code/mystep.py": STEP,
            "code/sharedcode.py": "NAME = 'code'",
            "code/other.yaml": "steps: []",
        }
    )
    monkeypatch.chdir(root)
    assert pipelines.run("pipe", py_dir="code")["seen"] == ["code"]
    with pytest.raises(pipelines.StepFailed, match="there is no step 'mystep'"):
        pipelines.run("pipe")
    with pytest.raises(pipelines.PipelineNotFound):
        pipelines.run("other", py_dir="code")
