"""The parser of the command line, made of the families of commands; loads none of these."""

from __future__ import annotations

import os
from argparse import (
    SUPPRESS,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
    _SubParsersAction,
)
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from pylightnix.core.version import VERSION

from .exits import USAGE
from .foreign import command_at, is_plugin, unknown
from .out import complain, say
from .words import Add, folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# Whose commands are declared where: `args_*`.
FAMILIES = {
    "store": "init du rm",
    "realize": "realize plan check why why-depends",
    "run": "run",
    "look": "ls cat path find",
    "tell": "show config context deps diff",
    "table": "table",
    "work": "log shell",
    "keep": "gc root",
    "health": "verify doctor index",
    "plugins": "plugins",
    "tenants": "tenant",
}

REFS = """\
REF is a DRef or an RRef, whole or cut short, the name of a derivation, or the beginning of a hash;
a whole name wins."""

CODES = """\
exit codes: 0 done, 1 the thing asked is not so, 2 usage, 3 not found, 4 damaged"""

MORE = "`pylightnix COMMAND --help` tells more, and what --json gives."
CLOSING = f"{REFS}\n\n{CODES}\n\n{MORE}"


class Formatter(RawDescriptionHelpFormatter):
    """Knows its width: argparse would load a module to find it out that costs more than itself."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=_width())


class Parser(ArgumentParser):
    """Says what is wrong in one sentence, as everything else here does."""

    commands: frozenset[str] = frozenset()  # of the whole program, where it is the parser of that

    def format_help(self) -> str:
        """Tell of the commands that plugins have too."""
        if self.commands:
            from .foreign import listed

            self.epilog = f"{listed()}{CLOSING}"
        return super().format_help()

    def _print_message(self, message: str, file: object = None) -> None:
        # Some versions of argparse let a reader that has gone away through, some do not.
        say(message.rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        complain(f"{message} (see `{self.prog} --help`)")
        raise SystemExit(USAGE)


def _width() -> int:
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return min(max(columns - 2, 40), 100) if columns else 98


def parsed(words: Sequence[str]) -> Namespace:
    """Parse the words of a command line; ends the program where there is nothing left to do.

    Arguments of a stage may stand behind options too, where argparse does not look for them.
    """
    at = command_at(words)
    parser = make_parser(_needed(words, at))
    if at is not None and is_plugin(words[at], parser.commands):
        return _of_plugin(words, at)
    if at is not None and words[at] not in parser.commands:
        parser.error(unknown(words[at], parser.commands))
    args, rest = parser.parse_known_args(words)
    if rest and (not hasattr(args, "arguments") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        args.arguments.extend(rest)
    return args


def _needed(words: Sequence[str], at: int | None) -> Iterable[str]:
    """Tell which families have to do with it: to make them all takes longer than most commands."""
    if words[:1] == ["--version"]:
        return ()
    if at is None or not {"-h", "--help"}.isdisjoint(words[:at]):
        return FAMILIES
    return [name for name, ours in FAMILIES.items() if words[at] in ours.split()] or FAMILIES


def _of_plugin(words: Sequence[str], at: int) -> Namespace:
    """Parse what stands before a command that a plugin has; the rest is the plugin's."""
    parser = Parser(prog="pylightnix", formatter_class=Formatter, allow_abbrev=False)
    _add_shared(parser)
    own = Namespace(store=None, json=False, run="cmd_plugins:foreign")
    args = parser.parse_args(words[:at], own)
    args.command, args.argv = words[at], list(words[at + 1 :])
    return args


def make_parser(families: Iterable[str] = FAMILIES) -> Parser:
    """Make the parser; its namespaces hold `run`, the place of a command: `module:function`."""
    top = Parser(
        prog="pylightnix",
        description="Look at a store of immutable, content-addressed data, and keep it in order.",
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"pylightnix {VERSION}")
    top.set_defaults(store=None, json=False)
    _add_shared(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for family in families:
        import_module(f".args_{family}", __package__).declare(_adder(commands))
    top.commands = frozenset(commands.choices)
    return top


def _adder(commands: _SubParsersAction[Parser]) -> Add:
    """Give the function that adds a command to these."""

    def add(
        name: str,
        run: str,
        summary: str,
        *,
        json: str,
        details: str = "",
        below: Callable[[Add], None] | None = None,
    ) -> ArgumentParser:
        sentence = f"{summary[0].upper()}{summary[1:]}."
        parser = commands.add_parser(
            name,
            help=summary,
            description=f"{sentence}\n\n{details}" if details else sentence,
            epilog="\n  ".join(("--json gives:", *json.splitlines())),
            formatter_class=Formatter,
            allow_abbrev=False,
        )
        parser.set_defaults(run=run)
        _add_shared(parser)
        if below is not None:
            title = "commands"
            below(_adder(parser.add_subparsers(title=title, metavar="COMMAND", required=True)))
        return parser

    return add


def _add_shared(parser: ArgumentParser) -> None:
    """Add options that may stand before or after the command, neither place hiding the other."""
    parser.add_argument(
        "--store",
        metavar="ROOT",
        type=folder,
        default=SUPPRESS,
        help="the folder that holds the store, instead of what the environment says",
    )
    parser.add_argument(
        "--json", action="store_true", default=SUPPRESS, help="one line of JSON, for programs"
    )
