"""The cases of the decision record on relative pipelines: folders, and what comes of them.

Called as a program it runs one of them, in the working folder that it is given: `record.py CASE`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from pylightnix import pipelines


class Case(NamedTuple):
    """One case.

    Attributes:
        files: below the root.
        seen: working folder, below the root -> what its runs have noted, or an error has said.
        runs: what is run there: names of pipelines, and loaders; `ROOT` stands for the root.
    """

    files: Mapping[str, str]
    seen: Mapping[str, object]
    runs: tuple[tuple[str, str | None], ...]


def notes(word: str) -> str:
    return f"steps: [{{name: contextmerge, in: {{contextMerge: {{seen: [{word}]}}}}}}]\n"


def calls(*names: object) -> str:
    steps = "".join(f"  - {{name: pype, in: {{pype: {{name: {name}}}}}}}\n" for name in names)
    return f"steps:\n  - {{name: default, in: {{defaults: {{seen: []}}}}}}\n{steps}"


STEP = """
import sharedcode


def run_step(context):
    context.setdefault("seen", []).append(sharedcode.NAME)
"""
FILE_STEP = """
import os


def run_step(context):
    context["seen"].append(os.path.basename(os.path.dirname(__file__)))
"""
SHELF = """
def get_pipeline_definition(pipeline_name, parent):
    step = {"name": "set", "in": {"set": {"seen": ["shelf"]}}}
    return {"steps": [step]}
"""
CASES = {
    "four-level look-up": Case(
        {
            "home/parent.yaml": calls("a", "b", "c", "nothing", "ROOT/far/a"),
            "home/a.yaml": notes("beside the parent"),
            "far/a.yaml": notes("absolute"),
            **{
                f"{place}/{name}.yaml": notes(f"{name} {place}")
                for folder in ("work", "other")
                for place, names in ((folder, "ab"), (f"{folder}/pipelines", "abc"))
                for name in names
            },
            "work/nothing.yaml": notes("not ours"),
        },
        {
            "work": ["beside the parent", "b work", "c work/pipelines", "not ours", "absolute"],
            "other": ["beside the parent", "b other", "c other/pipelines", "absolute"],
        },
        (("ROOT/home/parent", None),),
    ),
    "a shared folder, two projects": Case(
        {
            "one/a.yaml": calls("../shared/mydir/b"),
            "deep/er/two/pipelines/a.yaml": calls("ROOT/shared/mydir/b"),
            "shared/mydir/b.yaml": "steps: [customstep, {name: pype, in: {pype: {name: c}}}]",
            "shared/mydir/c.yaml": notes("c"),
            "shared/mydir/customstep.py": FILE_STEP,
        },
        {"one": ["mydir", "c"], "deep/er/two": ["mydir", "c"]},
        (("a", None),),
    ),
    "mystep twice": Case(
        {
            "both.yaml": calls("dir1/pipe", "dir2/pipe", "dir1/pipe"),
            "away/keep": "",
            **{
                f"{folder}/{name}": text
                for folder in ("dir1", "dir2")
                for name, text in (
                    ("pipe.yaml", "steps: [mystep]"),
                    ("mystep.py", STEP),
                    ("sharedcode.py", f"NAME = '{folder}'"),
                )
            },
        },
        {folder: ["dir1", "dir2", "dir1"] for folder in (".", "away", "dir2")},
        (("ROOT/both", None),),
    ),
    "chdir": Case(
        {f"{name}/pipe.yaml": calls("child") for name in "abc"}
        | {f"{name}/child.yaml": notes(name) for name in "abc"},
        {name: [name] for name in "abc"},
        (("pipe", None),),
    ),
    "loaders of one name": Case(
        {
            f"{folder}/{name}": text
            for folder in ("here", "there")
            for name, text in (
                ("pipe.yaml", calls("child")),
                ("child.yaml", notes(folder)),
                ("shelf.py", SHELF),
            )
        },
        {folder: [folder, "shelf", folder, "shelf"] for folder in ("here", "there")},
        (("pipe", None), ("pipe", "shelf"), ("pipe", None), ("pipe", "shelf")),
    ),
    "self-call": Case(
        {"x/a.yaml": calls("sub/b"), "x/sub/b.yaml": calls("../a"), "y/keep": ""},
        {folder: "../a > sub/b > ../a" for folder in ("x", "y")},
        (("ROOT/x/a", None),),
    ),
}


def seen(case: Case, root: str) -> object:
    """Run a case in the working folder; gives what it noted."""
    noted: list[Any] = []
    for name, loader in case.runs:
        try:
            noted += pipelines.run(name.replace("ROOT", root), loader=loader)["seen"]
        except pipelines.StepFailed as error:
            assert isinstance(error.__cause__, pipelines.PipelineCycleError)
            return " > ".join(error.__cause__.loop)
    return noted


if __name__ == "__main__":
    print(json.dumps(seen(CASES[sys.argv[1]], os.environ["RECORD_ROOT"])))
