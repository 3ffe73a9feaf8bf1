"""Where something stands in a pipeline's text, and the errors that say so."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from pylightnix.core.errors import PipelineError
from pylightnix.core.value import value

HIGHEST = 12


@value
class Place:
    """A place in a text.

    Attributes:
        file: its path, or a word for what has none.
        line, column: counted from 1; 0 where nobody knows.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        known = f":{self.line}:{self.column}" if self.line else ""
        return f"{shown(self.file)}{known}"


@value
class Frame:
    """One step that is running: where it stands, and its name."""

    place: Place
    step: str

    def __str__(self) -> str:
        line = f":{self.place.line}" if self.place.line else ""
        return f"{shown(self.place.file)}{line} {self.step}"


@value
class Issue:
    """Something wrong in a pipeline's text, and what may have been meant."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def shown(path: str) -> str:
    """Give a path as people want to see it: relative, if it is below the working folder."""
    if not os.path.isabs(path):
        return path
    here = os.getcwd()
    return path[len(here) + 1 :] if path.startswith(f"{here}/") else path


def trail(frames: Iterable[Frame]) -> str:
    """Write down a stack, the outermost first; of a very high one both ends."""
    told = list(map(str, frames))
    if len(told) > HIGHEST:
        told[HIGHEST // 2 : -2] = [f"({len(told) - HIGHEST // 2 - 2} more)"]
    return " > ".join(told)


def near(word: object, known: Iterable[object]) -> str:
    """Give the word of several that is nearly this one; empty if none is."""
    from difflib import get_close_matches

    words = {str(each).lower(): str(each) for each in known}
    found = get_close_matches(str(word).lower(), words, 1, 0.6)
    return words[found[0]] if found and words[found[0]] != word else ""


def meant(word: object, known: Iterable[object]) -> str:
    """Suggest what a word that is not known may have been meant to be; empty if nothing is near."""
    found = near(word, known)
    return f"; did you mean {found!r}?" if found else ""


def guess(word: object, known: Collection[object], verb: str = "it has") -> str:
    """Suggest what a word may have been meant to be, or else list what there is."""
    return meant(word, known) or f"; {verb} {listed(known, 20)}"


def lacking(what: str, word: object, known: Collection[object]) -> str:
    """Say that something has no such word, and which it has."""
    return f"{what} has no {word!r}{guess(word, known)}"


def kind_of(value: object) -> str:
    """Say what a value is, in the words of YAML."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"{type(value).__name__} {value!r:.60}"


def listed(words: Iterable[object], most: int = 12) -> str:
    """List words, so many of them."""
    all_ = [str(word) for word in words]
    return (", ".join(all_[:most]) + (", ..." if len(all_) > most else "")) or "none"


class InvalidPipeline(PipelineError):
    """A pipeline's text is wrong; everything that is wrong with it is told at once."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__(issues)
        self.issues = issues

    @property
    def file(self) -> str:
        """Of the first issue."""
        return self.issues[0].place.file

    @property
    def line(self) -> int:
        """Of the first issue."""
        return self.issues[0].place.line

    def __str__(self) -> str:
        return "\n".join(map(str, self.issues))


class StepFailed(PipelineError):
    """A step failed; the exception is the `__cause__`.

    Attributes:
        stack: the steps that were running, the outermost first.
        kind: the name of the exception's class; empty for an error of the pipeline itself.
        text: what it says.
        origin: the line of Python that raised it, if that was a user's.
    """

    def __init__(self, stack: tuple[Frame, ...], kind: str, text: str, origin: str = "") -> None:
        super().__init__(stack, kind, text, origin)
        self.stack, self.kind, self.text, self.origin = stack, kind, text, origin

    @property
    def file(self) -> str:
        """Of the step that failed."""
        return self.stack[-1].place.file

    @property
    def line(self) -> int:
        """Of the step that failed."""
        return self.stack[-1].place.line

    def __str__(self) -> str:
        last = self.stack[-1]
        kind = f"{self.kind}: " if self.kind else ""
        origin = f"\n  raised at {self.origin}" if self.origin else ""
        return f"{last.place}: {last.step}: {kind}{self.text}{origin}\n  in {trail(self.stack)}"


class BadInput(PipelineError):
    """What a step was given in `in` is not what it takes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text


class NoYaml(PipelineError):
    """PyYAML is not installed."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return "pipelines need an extra: pip install 'pylightnix[pipelines]'"
