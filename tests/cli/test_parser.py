from __future__ import annotations

import re

import pytest

from cli.shop import Run
from pylightnix import __version__
from pylightnix.cli import parser
from pylightnix.cli.entry import _command

COMMANDS = [
    "init",
    "realize",
    "plan",
    "check",
    "why",
    "why-depends",
    "ls",
    "cat",
    "du",
    "rm",
    "find",
    "diff",
    "table",
    "show",
    "path",
    "config",
    "context",
    "deps",
    "log",
    "shell",
    "gc",
    "root",
    "verify",
    "doctor",
    "index",
    "plugins",
    "run",
    "tenant",
]
# What a command wants behind it; otherwise a reference.
WORDS = {
    "cat": ["r", "p"],
    "diff": ["a", "b"],
    "why-depends": ["a", "b"],
    "root": ["add", "n", "r"],
    "index": ["--rebuild"],
    "plugins": ["list"],
    "tenant": ["list"],
    **{name: [] for name in ("ls", "init", "du", "find", "gc", "table", "verify", "doctor")},
}


def test_the_version_is_printed(run: Run) -> None:
    assert (run("--version").status, run("--version").out) == (0, f"pylightnix {__version__}\n")


def test_help_lists_every_command_and_the_exit_codes(run: Run) -> None:
    done = run("--help")
    assert done.status == 0
    assert set(re.findall(r"^    ([a-z-]+)(?: |$)", done.out, re.MULTILINE)) == set(COMMANDS)
    assert "4 damaged" in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_tells_what_json_gives(command: str, run: Run) -> None:
    done = run(command, "--help")
    assert done.status == 0
    assert "\n--json gives:\n  " in done.out
    assert max(map(len, done.lines)) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_loaded(command: str) -> None:
    args = parser.make_parser().parse_args([command, *WORDS.get(command, ["r"])])
    assert callable(_command(args.run))


@pytest.mark.parametrize("family", parser.FAMILIES)
def test_a_family_declares_the_commands_that_it_is_known_for(family: str) -> None:
    assert parser.make_parser([family]).commands == set(parser.FAMILIES[family].split())


@pytest.mark.parametrize("words", [["--help", "ls"], ["--json", "-h", "ls"]])
def test_help_before_a_command_is_that_of_the_program(words: list[str], run: Run) -> None:
    assert run(*words).out == run("--help").out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("lss", "ls"), ("realise", "realize"), ("GC", "gc"), ("why-depnds", "why-depends")],
)
def test_a_mistyped_command_is_told_which_was_meant(typed: str, meant: str, run: Run) -> None:
    done = run("--json", typed, "--store")
    assert done.status == 2
    assert f"there is no command {typed!r}; did you mean {meant!r}?" in done.err


def test_what_is_no_command_at_all_is_told_which_there_are(run: Run) -> None:
    done = run("xyz")
    assert done.status == 2
    assert all(command in done.err for command in COMMANDS)


@pytest.mark.parametrize("words", [["add", "n", "r"], ["list"], ["rm", "n"]], ids=" ".join)
def test_a_command_may_have_commands_of_its_own(words: list[str], run: Run) -> None:
    for line in (
        ["--json", "root", *words],
        ["root", "--json", *words],
        ["root", *words, "--json"],
    ):
        args = parser.make_parser().parse_args(line)
        assert args.json
        assert callable(_command(args.run))
    done = run("root", words[0], "--help")
    assert done.status == 0
    assert "\n--json gives:\n  " in done.out


@pytest.mark.parametrize("words", [["--json", "ls"], ["ls", "--json"], ["--json", "ls", "--json"]])
def test_options_may_stand_before_and_after_the_command(words: list[str]) -> None:
    args = parser.make_parser().parse_args(["--store", "/a", *words])
    assert (args.json, args.store) == (True, "/a")


def test_the_later_store_goes_first() -> None:
    args = parser.make_parser().parse_args(["--store", "/a", "ls", "--store", "/b"])
    assert args.store == "/b"


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    args = parser.make_parser().parse_args(["--store=~/s", "ls"])
    assert args.store == "/home/ann/s"
    assert parser.make_parser().parse_args(["init", "~/s"]).path == "/home/ann/s"


def test_nothing_is_taken_for_granted() -> None:
    args = parser.make_parser().parse_args(["ls"])
    assert (args.json, args.store, args.ref, args.path) == (False, None, None, None)


def test_arguments_of_a_stage_may_stand_behind_options(run: Run) -> None:
    args = parser.parsed(["plan", "a.py:b", "x=1", "--json", "y=2", "--force", "r", "z=3"])
    assert args.arguments == ["x=1", "y=2", "z=3"]
    for words in (["plan", "a.py:b", "--bogus", "x=1"], ["ls", "r", "p", "more"]):
        done = run(*words)
        assert done.status == 2
        assert "unrecognized arguments" in done.err
