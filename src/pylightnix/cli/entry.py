"""`main`: parse, run one command, and turn every error into a sentence and an exit code."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module

from pylightnix.core.errors import PylightnixError

from .exits import INTERRUPTED, NOT_SO, exit_code
from .out import complain, finish, ready, sentence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program `pylightnix`.

    Args:
        argv: the words after the program's name; by default those of this process.

    Returns:
        The exit code: 0 done, 1 the thing asked is not so, 2 usage, 3 not found, 4 damaged; 130
        when interrupted.

    Effects: writes to standard output and error; whatever the command does.
    """
    ready()
    try:
        status = _run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        status = INTERRUPTED
    return finish(status)


def _run(words: Sequence[str]) -> int:
    try:
        args = _parsed(words)
        return args if isinstance(args, int) else _command(args.run)(args)
    except PylightnixError as error:
        complain(str(error))
        return exit_code(error)
    except OSError as error:
        complain(sentence(error))
        return NOT_SO


def _parsed(words: Sequence[str]) -> Namespace | int:
    """Parse; gives an exit code where that is all there was to do."""
    from .parser import parsed

    try:
        return parsed(words)
    except SystemExit as done:  # the parser has said what there is to say
        return done.code if isinstance(done.code, int) else NOT_SO


def _command(where: str) -> Callable[[Namespace], int]:
    """Load a command: `module:function`."""
    module, _, function = where.partition(":")
    command: Callable[[Namespace], int] = getattr(
        import_module(f".{module}", __package__), function
    )
    return command
