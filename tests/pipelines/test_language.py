"""What the words of the language do, and what they refuse."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from pipelines.conftest import Write
from pylightnix import Store, pipelines
from pylightnix.core.errors import PylightnixError
from pylightnix.pipelines.context import own_context
from pylightnix.pipelines.decorators import pauses
from pylightnix.pipelines.formatting import Scribe
from pylightnix.pipelines.handles import Realized
from pylightnix.pipelines.model import Retry
from pylightnix.pipelines.session import Session
from pylightnix.pipelines.tags import Jsonify, Py, Sic

RREF = "rref:" + "0" * 32 + "-" + "1" * 32 + "-x"
STAGE = "uses: mkfile, with: {name: a, contents: x}"


def run_text(text: str, **values: Any) -> pipelines.Context:
    return pipelines.run(text, loader="string", dict_in=values)


# A step, and what is said of it.
REFUSED = {
    "{name: echo, in: 5}": "`in` takes a mapping",
    "{name: echo, retry: 5}": "'retry' takes a mapping",
    "{in: {a: 1}}": "a step needs a `name`",
    "{name: a-b, uses: mkfile}": "needs a `name` that others can refer to",
    "{name: a, uses: [x]}": "`uses` takes the name of a stage",
    "{name: a, uses: mkfile, with: 5}": "`with` takes a mapping",
    "{name: set, in: {set: 5}}": "'set' must be a mapping",
    "{name: set, in: {set: {a: '{}'}}}": "an expression needs a name",
    "{name: set, in: {set: {a: '{set:d}'}}}": "unsupported format string",
    "{name: set, in: {set: {a: '{set!x}'}}}": "there is no conversion !x",
    "{name: set, in: {set: {a: '{set.nothing}'}}}": "has no attribute 'nothing'",
    "{name: set, in: {set: {a: 'x {set:d}'}}}": "unsupported format string",
    "{name: echo, while: {max: many}, in: {echoMe: x}}": "`while.max` takes a number",
    "{name: assert, in: {assert: {that: 1}}}": "it needs `this`",
    "{name: cmd, in: {cmd: {save: true}}}": "cmd needs `run`",
    "{name: cmd, in: {cmd: {run: x, sav: true}}}": "did you mean 'save'",
    "{name: cmd, in: {cmd: no-such-program-here}}": "could not be started",
    "{name: cmds, in: {cmds: {run: ['true', 'false'], save: true}}}": "ended with 1",
    "{name: env, in: {env: {nothing: 1}}}": "env needs `get`, `set` or `unset`",
    "{name: env, in: {env: {get: {a: NO_SUCH_VARIABLE}}}}": "there is no variable",
    "{name: envget, in: {envGet: {env: X}}}": "envget needs `env` and `key`",
    "{name: fetchjson, in: {fetchJson: {key: a}}}": "needs a `path`",
    "{name: fetchjson, in: {fetchJson: ''}}": "needs a path",
    "{name: fetchjson, in: {fetchJson: list.json}}": "say with `key` where to put it",
    "{name: fetchjson, in: {fetchJson: nowhere.json}}": "No such file",
    "{name: glob, in: {glob: []}}": "glob needs a pattern",
    "{name: call, in: {call: {success: a}}}": "call needs `groups`",
    "{name: call, in: {call: [1]}}": "takes the name of a group",
    "{name: switch, in: {switch: [x]}}": "a list of cases",
    "{name: switch, in: {switch: [{case: true}]}}": "a case needs `case` and `call`",
    "{name: pype, in: {pype: x}}": "pype needs a mapping",
    "{name: pype, in: {pype: {name: x, out: a, useParentContext: true}}}": "leave out useParent",
    "{name: pype, in: {pype: '{given}'}, }": "pype has no 'nmae'",
    "{name: pype, in: {pype: {name: x, loader: no_such_loader}}}": "there is no loader",
    "{name: pype, in: {pype: {name: x, loader: json}}}": "it has no function get_pipeline_def",
    "{name: a, uses: 'x:y-z'}": "expected ./file.py:stage",
    "{name: a, uses: 'no_such_module:x'}": "no module no_such_module beside the pipeline",
    "{name: a, uses: mkfile, with: {name: a}}": "missing a required argument",
    f"{{name: a, {STAGE}, matcher: 5}}": "`matcher` takes the name of one",
    "{name: a, uses: 'json:dumps', with: {obj: 1}}": "a stage must return a DRef",
    "json": "has no function run_step",
}


@pytest.mark.parametrize("step", REFUSED)
def test_a_step_that_cannot_be_is_refused_in_words(
    step: str, tmp_path: Path, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(PylightnixError) as caught:
        run_text(f"steps: [{step}]", given={"nmae": 1, "name": "x"})
    assert REFUSED[step] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("context_parser: [1]", "must be the name of one"),
        ("1: []", "the group name 1 is not text"),
        ("steps: 5", "must have a list of steps"),
        ("stesp: 5", "did you mean 'steps'"),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_words(text: str, what: str) -> None:
    with pytest.raises(pipelines.InvalidPipeline, match=what):
        run_text(text)


@pytest.mark.parametrize(
    ("parser", "words", "what"),
    [
        ("json", ["{"], "cannot read"),
        ("json", ["[1]"], "wants keys and values at the top"),
        ("jsonfile", ["list.json"], "wants keys and values at the top"),
    ],
)
def test_words_that_a_parser_cannot_take_are_refused(
    parser: str, words: list[str], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(pipelines.StepFailed, match=what):
        pipelines.run(f"context_parser: {parser}", words, loader="string")


@pytest.mark.parametrize("parser", ["json", "jsonfile", "yamlfile", "tomlfile", "keys"])
def test_no_words_are_no_values(parser: str) -> None:
    assert dict(pipelines.run(f"context_parser: {parser}", loader="string")) == {}


def test_what_a_key_hid_comes_back_however_the_step_ends() -> None:
    context = run_text(
        """
        steps:
          - {name: py, swallow: true, in: {py: raise ValueError, kept: hidden}}
          - {name: jump, in: {jump: next, kept: hidden}}
        next:
          - {name: call, in: {call: last, kept: hidden}}
        last:
          - {name: stop, in: {kept: hidden}}
        """,
        kept="here",
    )
    assert context.pop("runErrors")[0]["swallowed"] is True
    assert dict(context) == {"kept": "here"}


@pytest.mark.parametrize(
    ("retry", "waits"),
    [
        (Retry(sleep=2), [2, 2, 2]),
        (Retry(sleep=[1, 5]), [1, 5, 5]),
        (Retry(sleep=2, backoff="linear"), [2, 4, 6]),
        (Retry(sleep=1, backoff="exponential"), [2, 4, 8]),
        (Retry(sleep=1, backoff="exponential", sleep_max=3), [2, 3, 3]),
        (Retry(sleep=1, backoff="exponential", backoff_args={"base": 3}), [3, 9, 27]),
        (Retry(sleep="{pause}"), [0.5, 0.5, 0.5]),
        (Retry(sleep=2, backoff="jitter", jrc=1), [2, 2, 2]),
    ],
)
def test_how_long_it_waits(retry: Retry, waits: list[float]) -> None:
    context = own_context({"pause": "0.5"}, Session(None, {}), planning=False)
    pause = pauses(retry, context)
    assert [pause(count) for count in (1, 2, 3)] == waits


def test_jitter_stays_in_its_range() -> None:
    context = own_context({}, Session(None, {}), planning=False)
    pause = pauses(Retry(sleep=10, backoff="linearjitter", jrc=0.5), context)
    assert all(10 <= pause(2) <= 20 for _ in range(50))


@pytest.mark.parametrize(
    ("how", "attempts"),
    [("stopOn: ValueError", 1), ("retryOn: [KeyError]", 1), ("retryOn: ValueError", 3), ("", 3)],
)
def test_after_which_errors_it_tries_again(how: str, attempts: int) -> None:
    retry = f"{{max: 3, {how}}}" if how else "{max: 3}"
    text = f"steps: [{{name: py, swallow: true, retry: {retry}, in: {{py: raise ValueError}}}}]"
    assert run_text(text)["retryCounter"] == attempts


def test_a_loop_that_must_end_in_time() -> None:
    loop = "{max: 2, sleep: 0.001, errorOnMax: true}"
    with pytest.raises(pipelines.StepFailed, match="came to its max, 2"):
        run_text(f"steps: [{{name: echo, while: {loop}, in: {{echoMe: x}}}}]")


def test_a_handler_that_fails_does_not_hide_the_error(caplog: pytest.LogCaptureFixture) -> None:
    text = """
        steps: [{name: py, in: {py: raise ValueError('first')}}]
        on_failure: [{name: py, in: {py: raise KeyError('second')}}]
    """
    with pytest.raises(pipelines.StepFailed, match="first"):
        run_text(text)
    assert "the group 'on_failure' failed too" in caplog.text


def test_a_handler_may_jump_and_one_that_is_not_there_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = """
        steps: [{name: py, in: {py: raise ValueError('first')}}]
        on_failure: [{name: jump, in: {jump: other}}]
        other: [{name: set, in: {set: {there: true}}}]
        asks: [{name: call, in: {call: {groups: steps, failure: nowhere}}}]
    """
    with pytest.raises(pipelines.StepFailed, match="first"):
        run_text(text)
    with pytest.raises(pipelines.StepFailed, match="first"):
        pipelines.run(text, loader="string", groups="asks")
    assert "no group 'nowhere'" in caplog.text


def test_a_parser_that_fails_is_handled_too() -> None:
    text = "context_parser: json\non_failure: [{name: set, in: {set: {a: 1}}}, stopstepgroup]"
    assert dict(pipelines.run(text, ["{"], loader="string")) == {"a": 1}


def test_where_output_of_programs_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    context = run_text(
        """
        steps:
          - {name: cmd, in: {cmd: {run: echo one, stdout: out/log.txt}}}
          - {name: cmd, in: {cmd: {run: [echo two, echo three], stdout: out/log.txt, append: true}}}
          - {name: shell, in: {cmd: {run: 'echo no; echo no >&2', stdout: /dev/null,
             stderr: /dev/stdout}}}
          - {name: cmd, in: {cmd: {run: printf x, save: true, bytes: true}}}
          - {name: contextcopy, in: {contextCopy: {raw: cmdOut}}}
          - {name: cmd, in: {cmd: {run: [echo a, echo b], save: true}}}
        """
    )
    assert (tmp_path / "out" / "log.txt").read_text() == "one\ntwo\nthree\n"
    assert context["raw"].stdout == b"x"
    assert [out.stdout for out in context["cmdOut"]] == ["a", "b"]
    with pytest.raises(AttributeError):
        print(context["raw"].nothing)


def test_the_whole_context_is_written_if_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_text(
        """
        steps:
          - {name: filewritejson, in: {fileWriteJson: {path: a.json}}}
          - {name: filewriteyaml, in: {fileWriteYaml: a.yaml}}
        """,
        a=1,
        b=(1, 2),
        c="{a}",
    )
    assert (tmp_path / "a.json").read_text().replace("\n", "").replace(" ", "") == (
        '{"a":1,"b":[1,2],"c":1}'
    )
    assert (tmp_path / "a.yaml").read_text() == "a: 1\nb:\n- 1\n- 2\nc: 1\n"


def test_formatting_keeps_types_and_makes_new_containers() -> None:
    names = {"a": [1, {"b": {2}}], "t": ("{n}", "x"), "n": 3}
    scribe = Scribe(names)
    assert scribe.value({"{n}": "{a}", "s": {"{n}"}}) == {3: [1, {"b": {2}}], "s": {3}}
    assert scribe.value(("{n}", "{t[0]:ff}")) == (3, "{n}")
    assert scribe.text("{n:>{n}}") == "  3"
    assert scribe.value("{a}") is not names["a"]


def test_tags_are_values() -> None:
    assert Py("a + 1").formatted({"a": 1}, str) == 2
    assert Sic("{a}") == Sic("{a}") and Sic("x") != Py("x") and len({Sic("x"), Sic("x")}) == 1
    assert repr(Jsonify([1])) == "!jsonify [1]"


def test_a_loader_that_gives_no_pipeline_is_told_so() -> None:
    loader = pipelines.Loader("odd", lambda name, parent: [1])
    with pytest.raises(PylightnixError, match="gave list for 'x'"):
        pipelines.run("x", loader=loader)


def test_a_loader_is_asked_once_until_it_forgets() -> None:
    asked = []

    def get(name: str, parent: Any) -> dict[str, Any]:
        asked.append(name)
        return {"steps": []}

    loader = pipelines.Loader("counting", get)
    for _ in range(2):
        pipelines.run("x", loader=loader)
    loader.clear()
    pipelines.run("x", loader=loader)
    assert asked == ["x", "x"]


def test_a_loader_may_be_an_object_and_give_a_definition(write: Write) -> None:
    info = pipelines.PipelineInfo("x", "own", None, is_loader_cascading=False)
    body = pipelines.run("steps: [{name: py, in: {py: pass}}]", loader="string")
    assert dict(body) == {}

    class Shelf:
        def get_pipeline_definition(self, name: str, parent: Any) -> Any:
            from pylightnix.pipelines.language import compile_pipeline

            steps = [{"name": "set", "in": {"set": {"name": name}}}]
            return pipelines.PipelineDefinition(compile_pipeline({"steps": steps}, "own"), info)

    assert pipelines.run("abc", loader=Shelf())["name"] == "abc"


def test_a_context_formats_as_a_type() -> None:
    context = own_context({"n": "3", "f": "False"}, Session(None, {}), planning=False)
    assert context.get_formatted_as_type("{n}", out_type=int) == 3
    assert context.get_formatted_as_type(None, "{f}", bool) is False
    assert context.get_formatted_as_type(None) is None


def test_a_path_that_is_realized_knows_its_name_also_after_a_trip() -> None:
    from pylightnix import RRef

    path = pickle.loads(pickle.dumps(Realized("/x", RRef(RREF))))
    assert (path, path.rref, path.path) == ("/x", RREF, "/x")


def test_errors_survive_a_trip(current: Store) -> None:
    for step in ("ecoh", "{name: echo, in: {echoMe: '{nope}'}}", "{name: a, uses: nope}"):
        with pytest.raises(pipelines.StepFailed) as caught:
            run_text(f"steps: [{step}]")
        for error in (caught.value, caught.value.__cause__):
            assert str(pickle.loads(pickle.dumps(error))) == str(error)
