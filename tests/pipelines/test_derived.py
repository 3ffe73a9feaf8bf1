"""Steps that become derivations: what is built, when, what it is called, and what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.conftest import Write
from pipelines.lab import LAB, Builds, edit
from pylightnix import Closure, DRef, Store, config_dict, gc, isrref, pipelines, plan, realize, why
from pylightnix.core.errors import PylightnixError
from pylightnix.pipelines.handles import BadReference
from pylightnix.store.query import config_of

ALL = ["best", "clean", "data", "fit-1", "fit-2", "fit-3", "report"]


@pytest.fixture
def lab(write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write(LAB)
    monkeypatch.chdir(root)
    return root


def test_a_run_builds_everything_and_a_second_one_nothing(
    lab: Path, current: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    builds = Builds()
    first = pipelines.run("lab", on_event=builds)
    assert builds.taken() == ALL
    assert first["text"] == "30"
    said = capsys.readouterr().out
    again = pipelines.run("lab", on_event=builds)
    assert builds.taken() == []
    assert capsys.readouterr().out == said
    assert again["report"] == first["report"]


def test_an_effect_sees_paths_and_their_names(lab: Path, current: Store) -> None:
    context = pipelines.run("lab")
    best = context["best"]
    assert os.path.isfile(f"{best}/score.txt")
    assert isrref(best.rref) and best.path == str(best) and best.dref.endswith("-best")
    assert [os.path.isdir(model) for model in context["model"]] == [True] * 3


def test_two_workers_make_the_same(lab: Path, current: Store) -> None:
    builds = Builds()
    two = pipelines.run("lab", jobs=2, on_event=builds)
    assert builds.taken() == ALL
    one = pipelines.run("lab", on_event=builds)
    assert builds.taken() == []
    assert one["report"] == two["report"]


def test_another_process_in_another_folder_finds_it_all(lab: Path, current: Store) -> None:
    pipelines.run("lab")
    root = os.path.dirname(current.objects)
    words = ["-m", "pylightnix", "--store", root, "run", str(lab / "lab"), "--events", "plain"]
    done = subprocess.run(
        [sys.executable, *words], cwd="/", capture_output=True, text=True, check=True
    )
    assert "built" not in done.stderr and done.stdout.startswith("best is rref:")


@pytest.mark.parametrize(
    ("file", "old", "new", "built"),
    [
        ("steps.py", "OFFSET = 1", "OFFSET = 2", sorted(set(ALL) - {"data"})),
        ("sharedcode.py", "2 * n", "n + n", sorted(set(ALL) - {"data"})),
        ("lib/train.py", 'write_text("30")', 'write_text("31")', ["best", "report"]),
        ("lab.yaml", "scale: 2", "scale: 3", sorted(set(ALL) - {"data"})),
        ("lab.yaml", "seeds: [1, 2, 3]", "seeds: [1, 2, 4]", ["best", "fit-4", "report"]),
        ("steps.py", '"""Double every number."""', '"""Another docstring."""', []),
        ("steps.py", "OFFSET = 1", "OFFSET = 1  # a comment", []),
        ("lab.yaml", "best is", "the best is", []),
    ],
)
def test_an_edit_rebuilds_only_what_follows(
    file: str, old: str, new: str, built: list[str], lab: Path, current: Store
) -> None:
    builds = Builds()
    pipelines.run("lab", on_event=builds)
    builds.taken()
    edit(lab / file, old, new)
    pipelines.run("lab", on_event=builds)
    assert builds.taken() == built


def test_moving_the_folder_changes_no_name(
    lab: Path, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pipelines.instantiate("lab").targets
    moved = lab / "moved"
    shutil.copytree(lab, moved, ignore=shutil.ignore_patterns("root", "moved"))
    monkeypatch.chdir(moved)
    assert pipelines.instantiate("lab").targets == before


def test_instantiate_gives_a_closure_that_everything_else_takes(lab: Path, current: Store) -> None:
    closure = pipelines.instantiate("lab")
    assert isinstance(closure, Closure)
    assert [dref[38:] for dref in closure.targets] == ["report"]
    assert len(plan(closure).builds) == len(ALL)
    rref = realize(closure, jobs=2)
    assert plan(closure).builds == ()
    assert "would not be built" in str(why(closure))
    assert isrref(rref)
    assert pipelines.run("lab")["report"].rref == rref
    gc(dry_run=True)


def test_the_result_can_be_named(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = """
        result: {}
        steps:
          - {{name: a, uses: mkfile, with: {{name: a, contents: x}}}}
          - {{name: b, uses: mkfile, with: {{name: b, contents: y}}}}
    """
    root = write({"all.yaml": two.format("null"), "one.yaml": two.format("'{a}'")})
    monkeypatch.chdir(root)
    assert set(pipelines.instantiate("all").result) == {"a", "b"}
    assert isinstance(pipelines.instantiate("one").result, DRef)


def test_planning_runs_no_effect_and_says_which(
    lab: Path, current: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    made = pipelines.planned("lab")
    assert made.skipped == ("lab.yaml:17 echo", "lab.yaml:22 py")
    assert capsys.readouterr().out == ""
    assert made.places[made.closure.targets[0]] == "lab.yaml:19 report"
    fit = next(place for dref, place in made.places.items() if dref.endswith("-fit-1"))
    assert fit == "lab.yaml:10 model > lib/train.yaml:2 fit"


def test_what_a_skipped_effect_would_have_set_is_missed_with_a_hint(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        steps:
          - {name: py, in: {py: save(x=1)}}
          - {name: a, uses: mkfile, with: {name: a, contents: '{x}'}}
    """
    monkeypatch.chdir(write({"pipe.yaml": text}))
    with pytest.raises(pipelines.StepFailed, match="Effects are left out here"):
        pipelines.instantiate("pipe")


def test_a_reference_is_an_edge_and_a_path_in_one_too(lab: Path, current: Store) -> None:
    closure = pipelines.instantiate("lab")
    named = {str(drv.dref[38:]): drv for drv in closure.derivations}
    clean = named["clean"].dref
    fit = config_dict(config_of(current, named["fit-1"].dref))
    assert fit["data"] == [clean, "clean.json"]
    assert named["fit-1"].config.deps == (clean,)
    assert set(named["best"].config.deps) == {named[f"fit-{n}"].dref for n in (1, 2, 3)}


def test_a_path_in_the_store_given_as_text_is_refused(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        steps:
          - {name: a, uses: mkfile, with: {name: a, contents: x}}
          - {name: set, in: {set: {path: '{a}/a'}}}
          - {name: b, uses: mkfile, with: {name: b, contents: '{path}'}}
    """
    monkeypatch.chdir(write({"pipe.yaml": text}))
    with pytest.raises(pipelines.StepFailed) as caught:
        pipelines.run("pipe")
    assert isinstance(caught.value.__cause__, BadReference)
    with pytest.raises(pipelines.StepFailed, match="before it is realized"):
        pipelines.instantiate("pipe")


def test_a_matcher_chooses_among_what_there_is(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = """
        import random

        from pylightnix import build_outpath, build_wrapper, match_only, mkconfig, mkdrv


        def noisy(r=None):
            def build(b):
                (build_outpath(b) / "score.txt").write_text(str(random.random()))

            return mkdrv(mkconfig({"name": "noisy"}), match_only(), build_wrapper(build), r)
    """
    text = """
        steps:
          - {name: best, uses: './noisy.py:noisy', matcher: MATCHER}
    """
    root = write({"pipe.yaml": text.replace("MATCHER", "{best: score.txt}"), "noisy.py": noisy})
    monkeypatch.chdir(root)
    for _ in range(2):
        realize(pipelines.instantiate("pipe"), force_rebuild=True)
    best = pipelines.run("pipe")["best"]
    (root / "pipe.yaml").write_text(text.replace("MATCHER", "all"))
    every = pipelines.run("pipe")["best"]
    assert len(every) == 2 and best in every
    scores = {path: float(Path(path, "score.txt").read_text()) for path in every}
    assert scores[best] == max(scores.values())


def test_a_failed_build_names_the_line_of_the_pipeline(
    lab: Path, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(lab / "lib" / "train.py", "build_cattrs(b).seed * 10", "1 / 0")
    with pytest.raises(pipelines.StepFailed) as caught:
        pipelines.run("lab")
    assert caught.value.line == 2 and caught.value.file.endswith("lib/train.yaml")
    assert "lab.yaml:10 model > lib/train.yaml:2 fit" in str(caught.value)


def test_a_handler_is_not_stopped_by_what_could_not_be_built(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        steps:
          - {name: a, uses: './bad.py:bad'}
          - {name: echo, in: {echoMe: '{a}'}}
        on_failure:
          - {name: set, in: {set: {handled: true}}}
          - {name: echo, in: {echoMe: handled}}
          - stop
    """
    bad = """
        from pylightnix import build_wrapper, match_only, mkconfig, mkdrv


        def bad(r=None):
            def build(b):
                raise ValueError("no")

            return mkdrv(mkconfig({"name": "bad"}), match_only(), build_wrapper(build), r)
    """
    monkeypatch.chdir(write({"pipe.yaml": text, "bad.py": bad}))
    assert pipelines.run("pipe")["handled"] is True


def test_a_pipeline_of_effects_needs_no_store(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write({"pipe.yaml": "steps: [{name: set, in: {set: {a: 1}}}]"}))
    assert pipelines.run("pipe")["a"] == 1
    with pytest.raises(PylightnixError, match="no store"):
        pipelines.instantiate("pipe")


def test_stages_that_are_derived_and_not_built_are_run_and_skipped_by_conditions(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        steps:
          - {name: a, uses: mkfile, run: false, with: {name: a, contents: x}}
          - {name: b, uses: mkfile, skip: !py 1 == 2, with: {name: b, contents: x}}
          - {name: c, uses: mkfile, foreach: [1, 2, 3], skip: !py i == 2,
             with: {name: 'c{i}', contents: x}}
    """
    monkeypatch.chdir(write({"pipe.yaml": text}))
    names = {str(dref[38:]) for dref in pipelines.instantiate("pipe").targets}
    assert names == {"b", "c1", "c3"}


AUTO = """
    from pylightnix import autostage, selfref

    from helper import shouted


    @autostage(out=[selfref, "words.txt"])
    def words(out, text="hi"):
        with open(out, "w") as file:
            file.write(shouted(text))


    @autostage(out=[selfref, "count.txt"])
    def count(out, words):
        with open(words.out) as file, open(out, "w") as into:
            into.write(str(len(file.read())))
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_functions_that_are_stages_are_used_as_they_are(
    jobs: int, write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        steps:
          - {name: words, uses: 'auto:words', with: {text: hello}}
          - {name: count, uses: './auto.py:count', with: {words: '{words}'}}
    """
    helper = "def shouted(text):\n    return text.upper()"
    root = write({"pipe.yaml": text, "auto.py": AUTO, "helper.py": helper})
    monkeypatch.chdir(root)
    builds = Builds()
    count = pipelines.run("pipe", jobs=jobs, on_event=builds)["count"]
    assert Path(count, "count.txt").read_text() == "5"
    assert builds.taken() == ["count", "words"]
    edit(root / "auto.py", "str(len(", "repr(len(")
    pipelines.run("pipe", jobs=jobs, on_event=builds)
    assert builds.taken() == ["count"]
    edit(root / "helper.py", "upper", "title")
    pipelines.run("pipe", jobs=jobs, on_event=builds)
    assert builds.taken() == ["count", "words"]
