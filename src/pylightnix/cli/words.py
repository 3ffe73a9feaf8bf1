"""What the families of commands share: how a command is added, and what single words become."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable

# Adds a command: its name, its place (`module:function`), a line of help; `json=`, `details=`;
# `below=` declares commands of its own, and then it has no place itself.
Add = Callable[..., ArgumentParser]


def folder(text: str) -> str:
    """Take a path of a folder, `~` expanded.

    An empty one, from a variable that is not set, would mean the root of the file system or the
    working folder.
    """
    if not text:
        raise ArgumentTypeError("the path is empty")
    return os.path.expanduser(text)


def natural(text: str) -> int:
    """Take a number of things."""
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is not a number of things: give 0, 1, 2, ...")
    return int(text)


def some(text: str) -> int:
    """Take a number of things that cannot be nothing."""
    count = natural(text)
    if not count:
        raise ArgumentTypeError("with 0 nothing could be done: give 1, 2, ...")
    return count


def some_time(text: str) -> float:
    """Take a span of time that is not nothing; gives seconds."""
    from .times import InvalidSpan, span  # few commands need to know of time

    try:
        found = span(text)
    except InvalidSpan as error:
        raise ArgumentTypeError(str(error)) from None
    if not found > 0:
        raise ArgumentTypeError("with no time nothing could be done: give 60, 10m or 2h, say")
    return found
