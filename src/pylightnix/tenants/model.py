"""What rewriting a source gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Source = TypeVar("Source", str, bytes)


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that became another one.

    Attributes:
        line: where it begins, from 1.
        column: where it begins, from 1, in characters.
        old: its text.
        new: the text in its place, with as many line ends.
    """

    line: int
    column: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something that cannot be helped by rewriting.

    Attributes:
        line: from 1; 0 for a whole file.
        column: from 1, in characters; 0 for a whole file.
        message: what is there, what that does, and what to do.
        path: the file; empty for the source that was rewritten.
    """

    line: int
    column: int
    message: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Rewritten(Generic[Source]):
    """A source whose imports lead elsewhere.

    Attributes:
        source: of the type that was given, equal but for the changes.
        changes: in order.
        diagnostics: in order: imports that only running code could show.
    """

    source: Source
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...]
