"""TARGET on the command line: which stage is meant, and with which arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pylightnix.core.errors import InvalidValue

PLUGIN = "plugin"
# `instantiate` has parameters of these names itself.
_TAKEN = ("r", "stage", "store")


class InvalidTarget(InvalidValue):
    """Words do not name a stage and its arguments."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text, why)
        self.text, self.why = text, why

    def __str__(self) -> str:
        return f"{self.text!r}: {self.why}"


@dataclass(frozen=True, slots=True)
class Target:
    """A stage with its arguments.

    Attributes:
        place: a file, or a module by its dotted name.
        is_file: which of these.
        name: of the stage in it.
        arguments: for the stage.
        words: for the context parser of a pipeline, whose file has no `name` in it.
    """

    place: str
    is_file: bool
    name: str
    arguments: Mapping[str, Any]
    words: tuple[str, ...] = ()

    @property
    def is_pipeline(self) -> bool:
        """Whether it is a pipeline."""
        return not self.name

    @property
    def is_plugin(self) -> bool:
        """Whether it is a stage that a plugin has."""
        return self.place == PLUGIN and not self.is_file

    @property
    def path(self) -> str:
        """Of the file: absolute, without symlinks."""
        return os.path.realpath(os.path.expanduser(self.place))

    @property
    def folder(self) -> str:
        """Where its neighbours can be imported from."""
        return os.path.dirname(self.path) if self.is_file else os.getcwd()

    def __str__(self) -> str:
        return f"{self.place}:{self.name}" if self.name else self.place


def parse_target(words: Sequence[str]) -> Target:
    """Read the words of a target; touches nothing.

    Args:
        words: `path/to/file.py:stage`, `package.module:stage` or `plugin:stage`, then `key=value`
            for each argument, the value being JSON or else text; or `path/to/pipe.yaml`, then words
            for its context parser.

    Raises:
        InvalidTarget: they are something else.

    >>> target = parse_target(["lab/train.py:model", "lr=0.1", "tag=new"])
    >>> target.place, target.name, target.arguments
    ('lab/train.py', 'model', {'lr': 0.1, 'tag': 'new'})
    """
    text = words[0]
    if names_pipeline(text):
        return Target(text, True, "", {}, tuple(words[1:]))
    place, _, name = text.rpartition(":")
    is_file = place.endswith(".py") or "/" in place
    module = all(part.isidentifier() for part in place.split("."))
    # A plugin may have any name.
    if not (name if place == PLUGIN else name.isidentifier()) or not (is_file or module):
        why = "expected FILE.py:STAGE, PACKAGE.MODULE:STAGE or PIPE.yaml, as lab/train.py:model"
        raise InvalidTarget(text, why)
    arguments = arguments_of(words[1:])
    for key in _TAKEN:
        if key in arguments:
            raise InvalidTarget(key, f"{key} is what a stage gets anyway: leave it out")
    return Target(place, is_file, name, arguments)


def arguments_of(words: Sequence[str]) -> dict[str, Any]:
    """Read arguments of a function, each `key=value`, the value being JSON or else text.

    Raises:
        InvalidTarget: one is something else, or given twice.
    """
    arguments: dict[str, Any] = {}
    for word in words:
        key, value = _argument(word)
        if key in arguments:
            raise InvalidTarget(word, f"the argument {key} is given twice")
        arguments[key] = value
    return arguments


def names_pipeline(text: str) -> bool:
    """Tell the file of a pipeline from everything else."""
    return text.endswith((".yaml", ".yml"))


def _argument(word: str) -> tuple[str, Any]:
    import json

    key, equals, text = word.partition("=")
    if not equals or not key.isidentifier():
        raise InvalidTarget(word, "expected an argument as KEY=VALUE, as lr=0.1")
    try:
        return key, json.loads(text)
    except (ValueError, RecursionError):
        return key, text
