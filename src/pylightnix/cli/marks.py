"""The lines of a pipeline's text, beside what is told of the derivations that they wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pylightnix.core.refs import DRef, isrref, rref2dref

from .pick import short


def marked(lines: Iterable[str], places: Mapping[DRef, str]) -> Iterator[str]:
    """Add to each line of a plan, or of `why`, the place where what it is about was written."""
    named = {name: place for dref, place in places.items() for name in (str(dref), short(dref))}
    for line in lines:
        place = next((named[word] for word in _subjects(line) if word in named), None)
        yield line if place is None else f"{line}  [{place}]"


def _subjects(line: str) -> Iterator[str]:
    """What a line may be about: a reference at its beginning, or the short hash in a plan."""
    words = [word.rstrip(":,") for word in line.removeprefix("because of ").split()]
    for word in words[:1]:
        yield str(rref2dref(word)) if isrref(word) else word
    yield from words[2:3]
