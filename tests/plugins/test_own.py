"""Plugins of this library: executors, stages, commands by a name that is not built in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.shop import Run
from plugins.conftest import Install
from pylightnix import (
    InvalidValue,
    Registry,
    Store,
    instantiate,
    mkconfig,
    mkdrv,
    mkfile,
    realize,
    store_initialize,
)
from pylightnix.engine.crew import Crew
from pylightnix.executors.choice import crew_for
from pylightnix.plugins import (
    KINDS,
    NoSuchPlugin,
    NotCallable,
    PluginError,
    PluginFailed,
    lookup,
    matcher,
    names,
    stage,
)

POINTS = {
    "pylightnix.executors": ["pool = extras:pool", "broken-pool = extras:broken"],
    "pylightnix.matchers": ["newest = extras:newest"],
    "pylightnix.stages": ["note-of = extras:note"],
    "pylightnix.commands": [
        "hello = extras:hello",
        "leave = extras:leave",
        "fail = extras:fail",
        "ls = extras:quiet",
        "quiet = extras:quiet",
    ],
    "pylightnix.loaders": ["odd = extras:Odd"],
}
FILES = {
    "extras.py": """
        import sys
        from concurrent.futures import ThreadPoolExecutor
        from pylightnix import InvalidValue, current_store, match_latest, mkfile
        from pylightnix.plugins import Plugin, plugin

        @plugin("pylightnix.executors")
        def pool(address):
            return ThreadPoolExecutor(int(address or 1))

        @plugin("pylightnix.executors", "broken-pool", load=lambda: 1 / 0)
        def broken(address): ...

        def newest(n=1):
            return match_latest(n)

        @plugin("pylightnix.stages", "note-of")
        def note(r, text="nothing"):
            return mkfile("note", text, r=r)

        @plugin("pylightnix.commands")
        def hello(argv):
            '''Say hello.

            To all of them.
            '''
            print("hello", *argv, current_store().objects)
            return len(argv)

        def leave(argv):
            sys.exit(7 if argv else "no words")

        def fail(argv):
            if argv:
                raise InvalidValue("they are too many")
            return {}[0]

        def quiet(argv): ...

        class Odd(Plugin):
            namespace = "pylightnix.loaders"
            name = "odd"
        """
}


@pytest.fixture
def extras(install: Install) -> Path:
    return install("extras", POINTS, FILES)


def test_every_kind_has_its_namespace(extras: Path) -> None:
    kinds = "stages, matchers, executors, remotes, pods, steps, loaders, commands"
    assert ", ".join(KINDS) == kinds
    assert names("executors") == ["broken-pool", "pool"]
    assert names("pods") == []
    with pytest.raises(PluginError, match="no plugins of the kind 'spells'"):
        names("spells")


def test_an_executor_of_a_plugin_is_used_and_shut_down(extras: Path, store: Store) -> None:
    with crew_for("pool:3", None, Crew(), dict(os.environ), store) as crew:
        pool = crew.executor
        assert pool is not None
        assert pool._max_workers == 3  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(print)


def test_a_stage_is_realized_by_an_executor_and_with_a_matcher_of_plugins(
    extras: Path, current: Store
) -> None:
    rref = realize(instantiate(stage("note-of"), text="x"), executor="pool")

    def latest(r: Registry) -> object:
        return mkdrv(mkconfig({"name": "n"}), matcher("newest", n=1), lambda *_: [], r)

    assert rref.endswith("-note")
    assert instantiate(latest).targets


def test_an_executor_that_nobody_has_is_a_wrong_value(extras: Path, store: Store) -> None:
    for name in ("poool", "poool:3"):
        with (
            pytest.raises(InvalidValue, match="there is no executor 'poool"),
            crew_for(name, None, Crew(), {}, store),
        ):
            pass
    with (
        pytest.raises(PluginFailed, match="division by zero"),
        crew_for("broken-pool", None, Crew(), {}, store),
    ):
        pass


def test_who_had_an_executor_that_is_gone_is_said(extras: Path, store: Store) -> None:
    names("executors")
    shutil.rmtree(extras)
    with (
        pytest.raises(NoSuchPlugin, match=r"the distribution extras 1\.0 had it"),
        crew_for("pool", None, Crew(), {}, store),
    ):
        pass


def test_a_broken_plugin_does_not_break_the_store(install: Install, current: Store) -> None:
    install("extras", POINTS, {"extras.py": "raise SystemExit\n"})
    with pytest.raises(PluginFailed):
        stage("note-of")

    def own(r: Registry) -> object:
        return mkfile("own", "x", r=r)

    assert realize(instantiate(own)).endswith("-own")


def test_what_cannot_be_called_is_said_to_be_of_no_use(extras: Path) -> None:
    with pytest.raises(NotCallable, match=r"as loader\(name, \.\.\.\) -> pipeline"):
        lookup("loaders", "odd")


@pytest.fixture
def shell(extras: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Run:
    monkeypatch.setenv("PYLIGHTNIX_ROOT", str(tmp_path / "root"))
    store_initialize()
    return run


def test_a_command_of_a_plugin_is_run_with_its_words(shell: Run, tmp_path: Path) -> None:
    done = shell("hello")
    assert (done.status, done.out) == (0, f"hello {tmp_path}/root/store-v1\n")
    done = shell("--json", "hello", "--loud")
    assert (done.status, done.out) == (2, f"hello --json --loud {tmp_path}/root/store-v1\n")
    Store.open(tmp_path / "other", create=True)
    for words in (["--store", str(tmp_path / "other")], [f"--store={tmp_path}/other"]):
        assert shell(*words, "hello").out == f"hello {tmp_path}/other/store-v1\n"
    assert shell("--store", str(tmp_path / "nowhere"), "hello").status == 3
    assert shell("quiet").status == 0


def test_its_docstring_is_its_help(shell: Run) -> None:
    usage = "usage: pylightnix hello ...\n\nSay hello.\n\nTo all of them.\n"
    assert shell("hello", "--help").out == usage
    assert "no help" in shell("quiet", "-h").out
    assert "commands of plugins: fail, hello, leave, ls, quiet\n" in shell("--help").out
    assert "commands of plugins" not in shell("realize", "--help").out


def test_how_it_ends_becomes_an_exit_code(shell: Run) -> None:
    assert shell("leave", "now").status == 7
    assert shell("leave").status == 1
    done = shell("fail")
    assert done.status == 1
    assert "the command fail raised what follows" in done.err
    assert "KeyError" in done.err
    done = shell("fail", "x")
    assert (done.status, done.err) == (2, "pylightnix: they are too many\n")


def test_ours_goes_first_and_what_nobody_has_is_a_mistake(shell: Run) -> None:
    assert "hello" not in shell("ls").out
    done = shell("helllo")
    assert done.status == 2
    assert "did you mean 'hello'?" in done.err
    assert shell("--bogus", "hello").status == 2


def test_a_stage_of_a_plugin_is_realized_from_the_shell(shell: Run) -> None:
    done = shell("realize", "plugin:note-of", "text=hi")
    assert done.status == 0
    assert shell("cat", done.out.strip(), "note").out == "hi"
    assert shell("plan", "plugin:note-of", "text=hi").out.startswith("hit")
    done = shell("realize", "plugin:note")
    assert done.status == 3
    assert "there is no plugin 'note' in pylightnix.stages; there are note-of" in done.err


def test_what_is_installed_can_be_listed_shown_and_resolved(shell: Run) -> None:
    listed = shell("plugins", "list").lines
    assert len(listed) == sum(map(len, POINTS.values()))
    assert shell("plugins", "list", "--namespace", "pylightnix.stages", "--json").json == [
        {
            "distribution": "extras 1.0",
            "name": "note-of",
            "namespace": "pylightnix.stages",
            "value": "extras:note",
        }
    ]
    assert "extras" not in sys.modules
    shown = shell("plugins", "show", "pool")
    assert "extras:pool" in shown.out
    assert "extras_1.0" not in shown.err
    assert shell("plugins", "show", "pool", "--json").json[0]["place"].endswith(".dist-info")
    assert shell("plugins", "show", "nothing").status == 3
    assert shell("plugins", "resolve", "pool", "newest").status == 0
    assert shell("plugins", "resolve", "nothing").status == 3
    assert len(shell("plugins", "resolve", "--json").json) == len(listed)
    done = shell("plugins", "doctor", "--json")
    assert [one["name"] for one in done.json if not one["ok"]] == ["broken-pool"]


def test_resolving_tells_what_is_broken(install: Install, run: Run) -> None:
    install("one", {"pylightnix.steps": ["a = gone_module:A", "b = extras:quiet"]}, FILES)
    install("two", {"pylightnix.steps": ["b = extras:quiet"]})
    done = run("plugins", "resolve")
    assert done.status == 1
    assert "No module named 'gone_module'" in done.lines[0]
    assert "there are 2 plugins 'b'" in done.lines[1]


LOADED = """
import sys
from pylightnix import instantiate, mkfile, realize, store_initialize
store_initialize()
realize(instantiate(lambda r: mkfile("x", "y", r=r)))
realize(instantiate(lambda r: mkfile("x", "y", r=r)))
from pylightnix.cli import main
main(["ls"])
main(["plugins", "list"]) if sys.argv[1:] else None
print([name for name in sys.modules if name.startswith("pylightnix.plugins")])
"""


def test_who_has_no_plugins_loads_nothing_of_them(tmp_path: Path) -> None:
    env = {**os.environ, "PYLIGHTNIX_ROOT": str(tmp_path / "r"), "HOME": str(tmp_path)}

    def loaded(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", LOADED, *words],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()[-1]

    assert loaded() == "[]"
    assert "pylightnix.plugins.index" in loaded("list")
