"""What `uses` may name, and what of a stage's source its name is made of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipelines.conftest import Write
from pipelines.lab import Builds, edit
from pylightnix import Store, pipelines

STAGE = """
    from pylightnix import build_outpath, build_wrapper, match_only, mkconfig, mkdrv


    def written(text):
        def build(b):
            import helper
            from pack import near
            from pack.sub import far

            (build_outpath(b) / "x").write_text(helper.loud(text) + near.MARK + far.MARK)

        config = mkconfig({"name": "written", "text": text})
        return mkdrv(config, match_only(), build_wrapper(build))
"""
BESIDE = {
    "helper.py": "def loud(text):\n    return text.upper()",
    "pack/__init__.py": "",
    "pack/near.py": "from .mark import MARK",
    "pack/mark.py": "MARK = '!'",
    "pack/sub/__init__.py": "",
    "pack/sub/far.py": "from .. import mark\n\nMARK = mark.MARK",
    "other.py": "X = 1",
}


@pytest.mark.parametrize("in_one_process", [True, False])
def test_what_a_builder_imports_counts_before_it_has_been_imported(
    in_one_process: bool, write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "steps: [{name: a, uses: './steps.py:written', with: {text: hi}}]"
    root = write({"pipe.yaml": text, "steps.py": STAGE, **BESIDE})
    monkeypatch.chdir(root)
    builds = Builds()

    def built() -> list[str]:
        pipelines.run("pipe", on_event=builds, jobs=1 if in_one_process else 2)
        return builds.taken()

    assert built() == ["written"]
    assert built() == []  # by now all of them are loaded
    for file, old, new in (
        ("helper.py", "upper", "title"),
        ("pack/mark.py", "'!'", "'?'"),
        ("pack/sub/far.py", "mark.MARK", "mark.MARK * 2"),
    ):
        edit(root / file, old, new)
        assert built() == ["written"], file
    edit(root / "other.py", "1", "2")
    assert built() == []
    assert Path(pipelines.run("pipe")["a"], "x").read_text() == "Hi???"


ELSEWHERE = """
    from pylightnix import build_outpath, build_wrapper, match_only, mkconfig, mkdrv


    def written(text, r=None):
        def build(b):
            (build_outpath(b) / "x").write_text(text)

        config = mkconfig({"name": "written", "text": text})
        return mkdrv(config, match_only(), build_wrapper(build), r)
"""
MINE = """
    from functools import partial

    from package_of_stages import written as renamed
    from package_of_stages import written

    OTHER = 1


    def unused():
        pass


    hi = partial(written, text="hi")
"""


@pytest.mark.parametrize(
    ("uses", "edits"),
    [
        # An installed stage: what it comes to of its own module.
        ("package_of_stages:written", {"text))": False, "(text)": True, "OTHER = 1": False}),
        # Taken over by a module beside the pipeline, all of which may have to do with it.
        ("./mine.py:renamed", {"(text)": True, "OTHER = 1": True}),
        # Made by something, of what the module says.
        ("./mine.py:hi", {'"hi"': True, "OTHER = 1": False, "def unused": False}),
    ],
)
def test_the_source_of_a_stage_is_where_it_is_written(
    uses: str,
    edits: dict[str, bool],
    write: Write,
    current: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = "" if uses.endswith("hi") else ", with: {text: hi}"
    text = f"steps: [{{name: a, uses: '{uses}'{given}}}]"
    root = write({"pipe.yaml": text, "mine.py": MINE, "site/package_of_stages.py": ELSEWHERE})
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(str(root / "site"))

    def target() -> object:
        monkeypatch.delitem(sys.modules, "package_of_stages", raising=False)
        return pipelines.instantiate("pipe").targets

    new = {"(text)": "(text + '!')", '"hi"': '"ho"', "OTHER = 1": "OTHER = 2"}
    for old, counts in edits.items():
        before = target()
        for file in (root / "mine.py", root / "site" / "package_of_stages.py"):
            if old in file.read_text():
                edit(file, old, new.get(old, f"{old}  "))
        assert (target() != before) is counts, old
    monkeypatch.delitem(sys.modules, "package_of_stages", raising=False)


def test_a_local_file_is_looked_for_beside_the_pipeline(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "steps: [{name: data, uses: fetchlocal, with: {path: data.txt, mode: as-is}}]"
    root = write({"lab/pipe.yaml": text, "lab/data.txt": "mine", "data.txt": "not mine"})
    for folder in (root, root / "lab", root.parent):
        monkeypatch.chdir(folder)
        data = pipelines.run(str(root / "lab" / "pipe"))["data"]
        assert Path(data, "data.txt").read_text().strip() == "mine"


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        ("nowhere.at_all:stage", "no module nowhere.at_all beside the pipeline"),
        ("./steps.py:no stage", "expected ./file.py:stage or package.module:stage"),
        ("broken:stage", "No module named 'missing_by_it'"),
        ("odd:number", "the stage odd:number: missing a required argument"),
        ("odd:strange", "it did not make here"),
    ],
)
def test_what_is_no_stage_is_told_in_words(
    uses: str, said: str, write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = """
        def number(n, /, m):
            return n


        def strange():
            from pylightnix import DRef

            return DRef("dref:" + "0" * 32 + "-x")
    """
    text = f"steps: [{{name: a, uses: '{uses}'}}]"
    root = write({"pipe.yaml": text, "broken.py": "import missing_by_it", "odd.py": odd})
    monkeypatch.chdir(root)
    with pytest.raises(pipelines.StepFailed, match=said):
        pipelines.run("pipe")
