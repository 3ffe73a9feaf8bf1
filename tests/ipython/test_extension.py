"""The magics, in a shell of IPython."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    Build,
    DRef,
    Store,
    build_cattrs,
    build_outpath,
    build_wrapper,
    config_dict,
    instantiate,
    match_latest,
    mkconfig,
    mkdrv,
    rref2path,
    store_config,
    use_store,
)
from pylightnix.ipython.cells import cell_source, indented
from pylightnix.ipython.completion import refs_for
from pylightnix.ipython.words import UsageError, parse

NEEDS = "IPython is not installed: the extra `notebook` has it"


def greet(b: Build) -> None:
    c = build_cattrs(b)
    (build_outpath(b) / "words.txt").write_text(f"{c.word} " * c.times)


def greeting(word: str = "hello", times: int = 2) -> DRef:
    config = mkconfig({"name": "greeting", "word": word, "times": times})
    return mkdrv(config, match_latest(), build_wrapper(greet))


@pytest.fixture
def shell(
    current: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Any]:
    """A shell of its own, with the extension loaded and a stage in it."""
    pytest.importorskip("IPython", reason=NEEDS)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    from IPython.core import interactiveshell
    from traitlets.config import Config

    kind: Any = interactiveshell.InteractiveShell

    config = Config()
    config.HistoryManager.enabled = False
    made = kind(config=config)
    made.user_ns["greeting"] = greeting
    made.run_line_magic("load_ext", "pylightnix")
    yield made
    made.atexit_operations()
    atexit.unregister(made.atexit_operations)  # it can be called but once
    made.restore_sys_module_state()


def run(shell: Any, cell: str) -> Any:
    """Run a cell as a user would; gives what is shown as its result."""
    done = shell.run_cell(cell)
    done.raise_error()
    return done.result


def words(rref: Any) -> str:
    return (rref2path(rref) / "words.txt").read_text()


def test_realize_takes_arguments_and_options(shell: Any) -> None:
    rref = run(shell, "%realize greeting word=hi times=3")
    assert words(rref) == "hi hi hi "
    assert run(shell, "r = %realize greeting word=hi times=3\nr") == rref
    assert run(shell, "%realize greeting word=hi times=3 -j2 --keep-going") == rref
    assert run(shell, "%realize --force greeting word=hi times=3") == rref


def test_arguments_may_be_variables(shell: Any) -> None:
    shell.user_ns["mine"] = "good day"
    assert words(run(shell, "%realize greeting word=mine times=1")) == "good day "


def test_a_plan_can_be_asked_for(shell: Any) -> None:
    shown = run(shell, "%realize greeting --plan")
    assert [item.verdict for item in shown.items] == ["build"]
    assert "to build" in shell.display_formatter.format(shown)[0]["text/html"]


def test_results_are_shown_as_pages(shell: Any) -> None:
    rref = run(shell, "%realize greeting")
    data, _ = shell.display_formatter.format(rref)
    assert "words.txt" in data["text/html"]
    assert data["text/plain"] == repr(rref)


def test_lsref_lists_the_store_a_derivation_and_a_realization(shell: Any) -> None:
    rref = run(shell, "x = %realize greeting\nx")
    (dref,) = instantiate(greeting).targets
    assert run(shell, "%lsref") == [dref]
    assert run(shell, "%lsref greeting") == run(shell, f"%lsref {dref}")
    assert run(shell, "%lsref x") == ["words.txt"]
    assert run(shell, f"%lsref {rref}") == ["words.txt"]


def test_why_tells_of_a_stage_and_of_what_was_built(shell: Any) -> None:
    run(shell, "%realize greeting")
    told = run(shell, "%why greeting word=hi")
    assert "word" in repr(told) and "hi" in repr(told)
    assert repr(run(shell, "%why greeting"))


def test_what_the_shell_adds_to_the_names_does_not_count(shell: Any) -> None:
    run(shell, "%%stage opens\nwith open(f'{out}/x', 'w') as file:\n    file.write('1')")
    (dref,) = instantiate(shell.user_ns["opens"]).targets
    assert list(config_dict(store_config(dref))["__source__"]) == ["opens"]


def test_a_cell_becomes_a_stage(shell: Any) -> None:
    cell = '''%%stage shout of=greeting mark="!" count=2
text = (of.path / "words.txt").read_text()
with open(out + "/words.txt", "w") as file:
    file.write(text.upper() + mark * count + """
as it
  stands""")
'''
    run(shell, cell)
    rref = run(shell, "%realize shout")
    assert words(rref) == "HELLO HELLO !!\nas it\n  stands"
    run(shell, "# run again, with another comment\n" and cell.replace("text =", "text  =  "))
    assert run(shell, "%realize shout") == rref
    assert [item.verdict for item in run(shell, "%realize shout --plan").items] == ["hit", "hit"]
    run(shell, cell.replace("upper", "title"))
    assert words(run(shell, "%realize shout")).startswith("Hello Hello !!")
    assert words(run(shell, "%realize shout count=1")).startswith("Hello Hello !\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%realize", "names nothing"),
        ("%realize nothing_here", "is not a stage that is defined here"),
        ("%realize greeting times", "KEY=VALUE"),
        ("%realize greeting -jx", "says no number"),
        ("%realize greeting --loud", "is no option"),
        ("%realize 'greeting", "cannot be read"),
        ("%%stage 1x\npass", "cannot be the name"),
        ("%%stage x out=1\npass", "which the cell has anyway"),
    ],
)
def test_a_mistake_is_told_in_a_line(
    shell: Any, line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from IPython.core.error import UsageError as Usage

    done = shell.run_cell(line)
    assert isinstance(done.error_in_exec, Usage)
    assert told in str(done.error_in_exec) and "usage: %" in str(done.error_in_exec)
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


def test_references_are_completed(shell: Any) -> None:
    from IPython.core.completer import provisionalcompleter

    rref = run(shell, "%realize greeting")
    (dref,) = instantiate(greeting).targets
    for line, wanted in [
        ("%lsref gre", "greeting"),
        ("%why gr", "greeting"),
        (f"%lsref {dref[:9]}", dref),
        (f'catref("{rref[:9]}', rref),
    ]:
        with provisionalcompleter():
            found = [line[: c.start] + c.text for c in shell.Completer.completions(line, len(line))]
        assert any(text.endswith(wanted) for text in found), (line, found)
        assert all(text.startswith(line) for text in found)
    assert refs_for("catref(gre") == ("gre", [])


def test_without_a_store_nothing_is_completed(tmp_path: Path) -> None:
    with use_store(Store.open(tmp_path / "a", create=True)):
        os.rename(tmp_path / "a", tmp_path / "b")
        assert refs_for("%lsref x") == ("x", [])


def test_it_can_be_unloaded_and_loaded_again(shell: Any) -> None:
    shell.run_line_magic("reload_ext", "pylightnix")
    ours = [m for m in shell.Completer.custom_matchers if hasattr(m, "matcher_identifier")]
    assert len(ours) == 1
    shell.run_line_magic("unload_ext", "pylightnix")
    assert "realize" not in shell.magics_manager.magics["line"]
    assert "stage" not in shell.magics_manager.magics["cell"]
    assert not [m for m in shell.Completer.custom_matchers if hasattr(m, "matcher_identifier")]


def test_texts_of_several_lines_are_not_indented() -> None:
    cell = 'x = """a\n  b\nc"""\ny = f"""d\n{x}\n  e"""\nif x:\n    y += "f"\n'
    space: dict[str, Any] = {}
    exec(cell, space)
    whole: dict[str, Any] = {}
    exec(f"def f():\n{indented(cell)}    return x, y\n", whole)
    assert whole["f"]() == (space["x"], space["y"])


def test_a_cell_that_is_no_python_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        indented("def")


def test_an_empty_cell_is_a_body() -> None:
    compile(cell_source("name k=1", "# nothing", {}), "cell", "exec")


def test_words_are_read_in_any_order() -> None:
    word = parse("--force -j 3 a.b k=[1] t=text", {"a": json}, "")
    assert word.jobs == 3 and word.has("force") and not word.has("plan")
    assert word.arguments == {"k": [1], "t": "text"}
    assert parse("a.dumps", {"a": json}, "").value is json.dumps
    with pytest.raises(UsageError):
        parse("-j", {}, "")
