"""The words behind a magic: which stage or reference, with which arguments and options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pylightnix.core.errors import InvalidValue

FLAGS = ("force", "keep-going", "plan")


class UsageError(InvalidValue):
    """The words behind a magic cannot be meant."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text, why)
        self.text, self.why = text, why

    def __str__(self) -> str:
        return f"{self.text!r} {self.why}"


class Word(NamedTuple):
    """What the words say.

    Attributes:
        text: the first one.
        value: what it names among the shell's variables; None if nothing.
        arguments: of the stage.
        jobs: how many builds at once; None if not said.
        flags: the other options.
    """

    text: str
    value: Any
    arguments: dict[str, Any]
    jobs: int | None
    flags: frozenset[str]

    def has(self, flag: str) -> bool:
        """Tell whether an option was given."""
        return flag in self.flags


def parse(line: str, variables: Mapping[str, Any], usage: str) -> Word:
    """Read the words of a line.

    Args:
        line: as the user wrote it.
        variables: of the shell.
        usage: is said if there are no words.

    Raises:
        UsageError: they are something else.
    """
    import shlex

    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(line, f"cannot be read: {error}") from None
    jobs: int | None = None
    flags: set[str] = set()
    plain: list[str] = []
    todo = iter(words)
    for word in todo:
        if word in ("-j", "--jobs") or word.startswith("-j"):
            jobs = _jobs(next(todo, "") if word in ("-j", "--jobs") else word[2:])
        elif word.startswith("--") and word[2:] in FLAGS:
            flags.add(word[2:])
        elif word.startswith("-"):
            raise UsageError(word, f"is no option; there are -jN, --{', --'.join(FLAGS)}")
        else:
            plain.append(word)
    if not plain:
        raise UsageError(line, "names nothing")
    arguments = dict(_argument(word, variables) for word in plain[1:])
    return Word(plain[0], named(plain[0], variables), arguments, jobs, frozenset(flags))


def _jobs(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise UsageError(f"-j {text}", "says no number of builds: give -j2, say")
    return int(text)


def _argument(word: str, variables: Mapping[str, Any]) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(word, "is no argument of the form KEY=VALUE, as lr=0.1")
    found = named(text, variables)
    return name, value_of(text) if found is None else found


def named(text: str, variables: Mapping[str, Any]) -> Any:
    """Give what a dotted name means among variables; None if nothing."""
    first, *rest = text.split(".")
    found = variables.get(first)
    for name in rest:
        found = getattr(found, name, None)
    return found


def value_of(text: str) -> Any:
    """Read a value: JSON if it is that, otherwise text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
