from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import InvalidConfig, PylightnixError, Store, realize
from pylightnix.cli.exits import exit_code
from pylightnix.cli.loading import (
    NoSuchTarget,
    TargetRaised,
    at_home,
    closure_of,
    module_name,
    stage_of,
)
from pylightnix.cli.target import InvalidTarget, Target, parse_target

STAGES = """\
from functools import partial
from shutil import copytree

from pylightnix import DRef, Registry, match_only, mkconfig, mkdrv, mkfile, build_wrapper, redefine
from helper_beside import TEXT

NUMBER = 5


def build(b):
    import helper_later
    (b.outpath / "x").write_text(helper_later.TEXT)


def model(r: Registry, lr: float = 0.1, tag: str = "none") -> DRef:
    print("loud")
    return mkfile("model", f"{TEXT} {lr!r} {tag!r}", r=r)


def wrong(r=None):
    return mkdrv(mkconfig({"name": "a b"}), match_only(), build, r)


def broken(r=None):
    return 1 / 0


other = redefine(model, new_config=lambda config: config)
bound = partial(model, lr=0.5)
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file of stages and what these import."""
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "stages.py").write_text(STAGES)
    (folder / "helper_beside.py").write_text("TEXT = 'beside'\n")
    before, paths = set(sys.modules), list(sys.path)
    yield folder
    assert sys.path == paths
    for name in set(sys.modules) - before:
        if name.startswith(("target_", "helper_", "pack_")):
            del sys.modules[name]


def closure(store: Store, *words: str) -> object:
    target = parse_target(words)
    with at_home(target):
        return closure_of(target, store).targets


def loaded(*words: str) -> object:
    target = parse_target(words)
    with at_home(target):
        return stage_of(target)


def message(kind: type[PylightnixError], *words: str) -> str:
    with pytest.raises(kind) as caught:
        loaded(*words)
    return str(caught.value)


def test_a_target_is_a_file_or_a_module_and_a_stage_with_arguments() -> None:
    assert parse_target(["a/b.py:c"]) == Target("a/b.py", True, "c", {})
    assert parse_target(["b.py:c"]).is_file
    assert parse_target(["./b:c"]).is_file
    assert parse_target(["pack.mod:c"]) == Target("pack.mod", False, "c", {})
    assert parse_target(["/x:y/b.py:c"]).place == "/x:y/b.py"


def test_an_argument_is_json_or_text() -> None:
    words = ["n=1", "x=0.5", "t=true", "z=null", "l=[1]", 'q="1"', "w=word", "e=", "s=a=b", "d={"]
    assert parse_target(["m:s", *words]).arguments == {
        "n": 1,
        "x": 0.5,
        "t": True,
        "z": None,
        "l": [1],
        "q": "1",
        "w": "word",
        "e": "",
        "s": "a=b",
        "d": "{",
    }


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_json_comes_through(value: object) -> None:
    assert parse_target(["m:s", f"k={json.dumps(value)}"]).arguments == {"k": value}


@given(st.lists(st.text(), min_size=1))
def test_no_words_make_it_fail_in_another_way(words: list[str]) -> None:
    try:
        parse_target(words)
    except InvalidTarget as error:
        assert exit_code(error) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "FILE.py:STAGE"),
        (["b.py"], "FILE.py:STAGE"),
        (["b.py:"], "FILE.py:STAGE"),
        (["b.py:a b"], "FILE.py:STAGE"),
        ([":s"], "FILE.py:STAGE"),
        (["a b:s"], "FILE.py:STAGE"),
        (["m..n:s"], "FILE.py:STAGE"),
        (["m:s", "lr"], "KEY=VALUE"),
        (["m:s", "=1"], "KEY=VALUE"),
        (["m:s", "a-b=1"], "KEY=VALUE"),
        (["m:s", "lr=1", "lr=2"], "twice"),
        (["m:s", "r=1"], "leave it out"),
        (["m:s", "store=1"], "leave it out"),
    ],
)
def test_other_words_are_refused(words: list[str], said: str) -> None:
    with pytest.raises(InvalidTarget, match=said):
        parse_target(words)


def test_a_stage_in_a_file_becomes_a_closure(lab: Path, store: Store) -> None:
    target = parse_target([f"{lab}/stages.py:model", "lr=0.25", "tag=new"])
    with at_home(target):
        made = realize(closure_of(target, store))
    text = Path(f"{store.objects}/{made[38:]}/{made[5:37]}/model").read_text()
    assert text == "beside 0.25 'new'"


def test_what_a_target_prints_is_not_on_standard_output(
    lab: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    closure(store, f"{lab}/stages.py:model")
    assert capsys.readouterr() == ("", "loud\n")


def test_the_module_of_a_file_has_a_name_that_hangs_on_its_path_only(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = loaded(f"{lab}/stages.py:model")
    name = module_name(os.path.realpath(lab / "stages.py"))
    assert getattr(stage, "__module__", "") == name
    assert getattr(sys.modules[name], "model", None) is stage
    monkeypatch.chdir(lab)
    (tmp_path / "link.py").symlink_to(lab / "stages.py")
    for place in ("stages.py", "./stages.py", str(tmp_path / "link.py")):
        assert loaded(f"{place}:model") is stage


def test_neighbours_can_be_imported_later_too(lab: Path) -> None:
    target = parse_target([f"{lab}/stages.py:model"])
    with at_home(target):
        stage_of(target)
        (lab / "helper_later.py").write_text("TEXT = 'later'\n")
        assert __import__("helper_later").TEXT == "later"
    with pytest.raises(ModuleNotFoundError):
        __import__("helper_nowhere")


def test_a_file_is_read_as_it_is_now(lab: Path) -> None:
    (lab / "once.py").write_text("def stage(): return 1\n")
    first = loaded(f"{lab}/once.py:stage")
    assert callable(first) and first() == 1
    del sys.modules[module_name(os.path.realpath(lab / "once.py"))]
    (lab / "once.py").write_text("def stage(): return 2\n")  # as long, and in the same second
    second = loaded(f"{lab}/once.py:stage")
    assert callable(second) and second() == 2


def test_a_module_is_found_from_the_working_folder(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lab / "pack_a").mkdir()
    (lab / "pack_a" / "__init__.py").touch()
    (lab / "pack_a" / "stages.py").write_text("from . import rest\ndef stage(): return rest.X\n")
    (lab / "pack_a" / "rest.py").write_text("X = 7\n")
    monkeypatch.chdir(lab)
    stage = loaded("pack_a.stages:stage")
    assert callable(stage) and stage() == 7


def test_a_module_that_is_installed_is_found(store: Store) -> None:
    target = parse_target(["pylightnix:mkfile", "name=it", "contents=text"])
    with at_home(target):
        (dref,) = closure_of(target, store).targets
    assert dref.endswith("-it")


def test_a_file_that_is_not_there(lab: Path) -> None:
    assert f"no file {os.path.realpath(lab)}/gone.py" in message(NoSuchTarget, f"{lab}/gone.py:x")
    assert "no file" in message(NoSuchTarget, f"{lab}/:x")
    assert "no file" in message(NoSuchTarget, f"{lab}:x")


def test_a_module_that_is_not_there(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lab)
    said = message(NoSuchTarget, "pack_gone.mod:stage")
    assert "no module pack_gone" in said
    assert "path/to/file.py:stage" in said
    (lab / "pack_b.py").touch()
    assert "no module pack_b.mod" in message(NoSuchTarget, "pack_b.mod:stage")


def test_a_name_that_is_not_there_is_answered_with_those_that_are(lab: Path) -> None:
    said = message(NoSuchTarget, f"{lab}/stages.py:modle")
    assert "modle" in said
    assert said.endswith("it has bound, broken, build, model, other, wrong")
    (lab / "empty.py").touch()
    assert "no functions" in message(NoSuchTarget, f"{lab}/empty.py:model")


def test_what_is_no_function_is_no_stage(lab: Path) -> None:
    said = message(InvalidTarget, f"{lab}/stages.py:NUMBER")
    assert "but 5" in said
    assert "model" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n\ny = 1 / 0  # here\n", ["line 3", "y = 1 / 0  # here", "ZeroDivisionError"]),
        ("def f(:\n", ["line 1", "def f(:", "SyntaxError"]),
        ("import helper_gone\n", ["import helper_gone", "No module named 'helper_gone'"]),
        ("raise SystemExit('no main')\n", ["SystemExit: no main"]),
        ("from pylightnix import PylightnixError as P\nraise P('own')\n", ["P('own')", "own"]),
        (b"\xff", ["SyntaxError"]),
    ],
)
def test_what_loading_raises_is_shown_with_the_lines_of_the_user(
    text: str | bytes, said: list[str], lab: Path
) -> None:
    file = lab / "raises.py"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    shown = message(TargetRaised, f"{file}:stage")
    assert all(word in shown for word in said)
    assert "loading.py" not in shown
    assert shown.startswith(f"importing {os.path.realpath(file)} raised what follows")
    assert module_name(os.path.realpath(file)) not in sys.modules


def test_what_a_module_imports_and_is_not_there_is_not_taken_for_the_module(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lab)
    (lab / "pack_c.py").write_text("import pack_gone\n")
    assert "No module named 'pack_gone'" in message(TargetRaised, "pack_c:stage")


def test_what_a_stage_raises_is_shown_with_its_lines(lab: Path, store: Store) -> None:
    with pytest.raises(TargetRaised) as caught:
        closure(store, f"{lab}/stages.py:broken")
    assert "return 1 / 0" in str(caught.value)
    assert "closure.py" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_what_we_say_of_a_stage_is_said_as_it_is(lab: Path, store: Store) -> None:
    with pytest.raises(PylightnixError) as caught:
        closure(store, f"{lab}/stages.py:wrong")
    assert not isinstance(caught.value, TargetRaised)
    assert isinstance(caught.value, InvalidConfig) or "a b" in str(caught.value)


@pytest.mark.parametrize("words", [["x=1"], ["lr=1", "rate=2"]])
def test_arguments_that_a_stage_does_not_take_are_refused_with_those_it_takes(
    words: list[str], lab: Path, store: Store
) -> None:
    with pytest.raises(InvalidTarget) as caught:
        closure(store, f"{lab}/stages.py:model", *words)
    assert words[-1].partition("=")[0] in str(caught.value)
    assert "lr: float = 0.1" in str(caught.value)
    assert "r: Registry" not in str(caught.value)


def test_an_argument_that_is_missing_is_named(lab: Path, store: Store) -> None:
    with pytest.raises(InvalidTarget, match="'name'"):
        closure(store, "pylightnix:mkfile", "contents=x")


def test_every_mistake_has_its_exit_code(lab: Path) -> None:
    for kind, code in ((NoSuchTarget, 3), (TargetRaised, 1), (InvalidTarget, 2)):
        assert exit_code(kind("a", "b")) == code
