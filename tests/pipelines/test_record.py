"""The cases of the decision record on relative pipelines, with real folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines import record
from pipelines.conftest import Write
from pipelines.record import CASES, STEP, seen
from pylightnix import pipelines


def set_to(value: str) -> str:
    return f"steps: [{{name: set, in: {{set: {{where: {value}}}}}}}]"


def calls(name: object) -> str:
    return f"steps: [{{name: pype, in: {{pype: {{name: {name}}}}}}}]"


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    """The name of a case."""
    return str(request.param)


@pytest.fixture
def root(case: str, write: Write) -> str:
    """The root below which its folders are."""
    root = str(write({"root/keep": ""}) / "root")
    write({f"root/{name}": text.replace("ROOT", root) for name, text in CASES[case].files.items()})
    return root


def test_it_holds_from_each_working_folder_in_turn(
    case: str, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = CASES[case]
    path, modules = list(sys.path), set(sys.modules)
    for folder in (*known.seen, *known.seen):
        monkeypatch.chdir(f"{root}/{folder}")
        assert seen(known, root) == known.seen[folder]
    assert sys.path == path
    assert not {"mystep", "sharedcode", "customstep", "shelf"} & (set(sys.modules) - modules)


def test_it_holds_in_threads_that_run_at_the_same_time(
    case: str, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = CASES[case]
    for folder, expected in known.seen.items():
        monkeypatch.chdir(f"{root}/{folder}")
        start = threading.Barrier(4)

        def work(start: threading.Barrier = start) -> list[object]:
            start.wait()
            return [seen(known, root) for _ in range(5)]

        with ThreadPoolExecutor(4) as pool:
            found = [job.result() for job in [pool.submit(work) for _ in range(4)]]
        assert found == [[expected] * 5] * 4


def test_it_holds_in_a_second_process(case: str, root: str) -> None:
    known = CASES[case]
    env = {**os.environ, "RECORD_ROOT": root}
    for folder, expected in known.seen.items():
        done = subprocess.run(
            [sys.executable, record.__file__, case],
            cwd=f"{root}/{folder}",
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(done.stdout) == expected


def test_threads_with_a_folder_each_are_all_right(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(dict(CASES["mystep twice"].files))
    monkeypatch.chdir(root)
    start = threading.Barrier(2)

    def work(name: str) -> set[str]:
        start.wait()
        folder = root / name
        runs = [pipelines.run(str(folder / "pipe"), py_dir=folder) for _ in range(20)]
        return {each for context in runs for each in context["seen"]}

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, ("dir1", "dir2"))) == [{"dir1"}, {"dir2"}]


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
