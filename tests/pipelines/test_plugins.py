"""Steps, stages, matchers and loaders of a distribution that is really installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.lab import edit
from plugin_projects import Environment, mkenvironment, mkfiles

pytestmark = pytest.mark.slow

PROJECT = {
    "pyproject.toml": """
        [build-system]
        requires = ["setuptools"]
        build-backend = "setuptools.build_meta"

        [project]
        name = "paperclips"
        version = "1.0"

        [tool.setuptools]
        py-modules = ["paperclips"]

        [project.entry-points."pylightnix.steps"]
        shout = "paperclips:shout"
        echo = "paperclips:shout"

        [project.entry-points."pylightnix.stages"]
        note-of = "paperclips:note_of"

        [project.entry-points."pylightnix.matchers"]
        lowest = "paperclips:lowest"

        [project.entry-points."pylightnix.loaders"]
        shelf = "paperclips:on_shelf"
        box = "paperclips:BOX"
        """,
    "paperclips.py": """
        from pylightnix import match_only, mkfile
        from pylightnix.pipelines import Loader


        def shout(context):
            context.session.say(context.get_formatted("shoutMe").upper())


        def note_of(text, r=None):
            return mkfile("note", text, r=r)


        def lowest():
            return match_only()


        def on_shelf(pipeline_name, parent):
            return {"steps": [{"name": "shout", "in": {"shoutMe": pipeline_name}}]}


        BOX = Loader("box", on_shelf)
        """,
}
FOLDER = {
    "pipe.yaml": """
        steps:
          - name: note
            uses: note-of
            with: {text: hello}
            matcher: lowest
          - name: shout
            in: {shoutMe: 'it is {note.rref}'}
          - name: echo
            in: {echoMe: ours}
          - name: pype
            in: {pype: {name: from the shelf, loader: shelf}}
          - name: pype
            in: {pype: {name: from the box, loader: box}}
        """,
    "wrong.yaml": """
        steps:
          - {name: note, uses: note-of, with: {txt: hello}}
        """,
    "beside/pipe.yaml": "steps: [{name: shout, in: {shoutMe: quiet}}]",
    "beside/shout.py": """
        def run_step(context):
            context.session.say(context["shoutMe"])
        """,
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    root = tmp_path_factory.mktemp("paperclips")
    made = mkenvironment(root / "env")
    made.install(mkfiles(root / "project", PROJECT))
    made.cli("init")
    yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return mkfiles(tmp_path, FOLDER)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_all_kinds_of_plugins_are_found_by_their_names(
    jobs: str, environment: Environment, folder: Path
) -> None:
    edit(folder / "pipe.yaml", "hello", f"hello {jobs}")  # not what the other one has built
    lines = environment.cli("run", folder / "pipe", "-j", jobs).stdout.splitlines()
    assert lines[0].startswith("IT IS RREF:") and lines[0].endswith("-NOTE")
    assert lines[1:] == ["ours", "FROM THE SHELF", "FROM THE BOX"]
    assert environment.cli("run", "--check", folder / "pipe").stderr == ""


def test_a_loader_can_be_named_on_the_command_line(environment: Environment) -> None:
    assert environment.cli("run", "anything", "--loader", "box").stdout == "ANYTHING\n"


def test_what_is_beside_a_pipeline_wins(environment: Environment, folder: Path) -> None:
    assert environment.cli("run", folder / "beside" / "pipe").stdout == "quiet\n"


def test_mistakes_with_a_plugins_stage_name_the_line(
    environment: Environment, folder: Path
) -> None:
    done = environment.cli("run", folder / "wrong", check=False)
    assert done.returncode == 1
    assert "wrong.yaml:2:5: note: the stage note-of has no parameter 'txt'" in done.stderr


def test_what_is_uninstalled_is_told_of(environment: Environment, folder: Path) -> None:
    environment.pip("uninstall", "-q", "-y", "paperclips")
    done = environment.cli("run", folder / "pipe", check=False)
    environment.install(mkfiles(environment.folder.parent / "project", PROJECT))
    assert done.returncode == 1 and "there is no stage 'note-of'" in done.stderr
