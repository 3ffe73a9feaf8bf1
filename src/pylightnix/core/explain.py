"""Why something is, or was, built: what differs from an earlier one, and where that began.

Everything here is pure; whoever asks brings the configs and contexts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeAlias, TypeVar

from .codec import canonical_json
from .refs import DRef, RRef, isdref

N = TypeVar("N", DRef, RRef)
Step: TypeAlias = str | int
Pair: TypeAlias = tuple[N, N | None]
LONGEST = 200
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT
"""The old value of what was added, and the new value of what was taken away; None is a value."""


class Difference(NamedTuple):
    """A place where two values differ: keys and numbers that lead there, and what was where."""

    steps: tuple[Step, ...]
    old: object
    new: object


class Change(NamedTuple):
    """The same for people: the place as text, `config.layers[2]`."""

    path: str
    old: object
    new: object


class Cause(NamedTuple):
    """Where a change began.

    Attributes:
        dref: a derivation that was changed itself, and not only by what it depends on.
        against: what it was compared with; None if there is nothing earlier.
        changes: of its own.
    """

    dref: DRef
    against: DRef | RRef | None
    changes: tuple[Change, ...]


def differences(old: object, new: object) -> tuple[Difference, ...]:
    """Tell where two values made of dictionaries, lists and plain values differ.

    Lists are compared place by place. What equals in Python and is another config (1, 1.0, True)
    differs.

    >>> differences({"lr": 0.1, "layers": [1]}, {"lr": 0.2, "layers": [1]})
    (Difference(steps=('lr',), old=0.1, new=0.2),)
    """
    return tuple(_differences((), old, new))


def _differences(steps: tuple[Step, ...], old: object, new: object) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _differences((*steps, key), old.get(key, ABSENT), new.get(key, ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        for i in range(max(len(old), len(new))):
            one, two = (items[i] if i < len(items) else ABSENT for items in (old, new))
            yield from _differences((*steps, i), one, two)
    elif ABSENT in (old, new) or canonical_json(old) != canonical_json(new):
        yield Difference(steps, old, new)


def place(steps: Iterable[Step]) -> str:
    """Write down where something is in a config; different places never look the same.

    >>> place(["layers", 2, "a.b"])
    'config.layers[2]["a.b"]'
    """
    return "config" + "".join(map(_step, steps))


def _step(step: Step) -> str:
    if isinstance(step, str):
        return f".{step}" if _PLAIN.fullmatch(step) else f"[{json.dumps(step)}]"
    return f"[{step}]"


def config_changes(old: object, new: object) -> tuple[Change, ...]:
    """Tell how two configs, as dictionaries, differ."""
    return tuple(Change(place(steps), was, now) for steps, was, now in differences(old, new))


def context_changes(
    old: Mapping[DRef, Sequence[RRef]], new: Mapping[DRef, Sequence[RRef]]
) -> tuple[Change, ...]:
    """Tell of which dependencies other realizations were used; the path is `context[<dref>]`."""
    return tuple(
        Change(f"context[{dref}]", tuple(old.get(dref, ())), tuple(new.get(dref, ())))
        for dref in sorted({*old, *new})
        if tuple(old.get(dref, ())) != tuple(new.get(dref, ()))
    )


def follows(change: Change) -> tuple[DRef, DRef] | None:
    """Tell whether a change is only that a dependency became another one of the same name.

    Returns:
        What it is now and what it was; None for a change of another kind.
    """
    old, new = change.old, change.new
    if isdref(old) and isdref(new):
        was, now = DRef(str(old)), DRef(str(new))
        return (now, was) if was[38:] == now[38:] else None
    return None


def nearest(
    new: object,
    earlier: Mapping[N, object],
    built: Mapping[N, str],
    diff: Callable[[Any, Any], Sequence[Change]],
) -> N | None:
    """Choose what to compare with: the fewest differences, and of several the latest built.

    Args:
        new: what is to be explained.
        earlier: what it may be compared with.
        built: when each of these was built, as text that sorts.
        diff: tells how two of them differ: `diff(old, new)`.
    """
    if not earlier:
        return None
    count = {ref: len(diff(value, new)) for ref, value in earlier.items()}
    least = min(count.values())
    return max((ref for ref in earlier if count[ref] == least), key=lambda ref: (built[ref], ref))


Explain: TypeAlias = Callable[[N, N | None], tuple[tuple[Cause, ...], list[Pair[N]]]]


def trace(new: N, old: N | None, explain: Explain[N]) -> tuple[Cause, ...]:
    """Follow a change down to where it began.

    Args:
        new: what is to be explained.
        old: what it is compared with.
        explain: tells of such a pair what began there, and from which pairs below it the rest
            follows.

    Returns:
        The causes, those nearest to the top first.
    """
    causes: list[tuple[Cause, ...]] = []
    todo: list[Pair[N]] = [(new, old)]
    seen = set(todo)
    for pair in todo:  # grows while it is walked
        own, below = explain(*pair)
        causes.append(own)
        for lower in below:
            if lower not in seen:
                seen.add(lower)
                todo.append(lower)
    return merged(causes)


def merged(groups: Iterable[Iterable[Cause]]) -> tuple[Cause, ...]:
    """Give the causes of several things, each once."""
    causes: dict[str, Cause] = {}
    for group in groups:
        for cause in group:
            causes.setdefault(repr(cause), cause)
    return tuple(causes.values())


@dataclass(frozen=True, slots=True)
class Why:
    """Why something would be, or was, built; made by `why`.

    Attributes:
        ref: what was asked about.
        reason: a sentence.
        against: what it was compared with: the nearest earlier derivation of the same name, or
            realization of the same derivation; None if there is none.
        changes: what differs between the two; each has `.path .old .new`, and `ABSENT` stands for
            what is not there.
        causes: where the changes began: each has `.dref .against .changes`. What merely follows
            from another change is not among them.
        parts: of a closure of several targets, one for each; otherwise empty.
    """

    ref: DRef | RRef
    reason: str
    against: DRef | RRef | None = None
    changes: tuple[Change, ...] = ()
    causes: tuple[Cause, ...] = ()
    parts: tuple[Why, ...] = ()

    def json(self) -> dict[str, object]:
        """Give it as plain values; what is absent has no key `old` or `new`."""
        return {
            "against": self.against,
            "causes": [
                {
                    "against": cause.against,
                    "changes": [_json(change) for change in cause.changes],
                    "dref": cause.dref,
                }
                for cause in self.causes
            ],
            "changes": [_json(change) for change in self.changes],
            "parts": [part.json() for part in self.parts],
            "reason": self.reason,
            "ref": self.ref,
        }

    def __str__(self) -> str:
        if self.parts:
            return "\n".join(map(str, self.parts))
        return "\n".join([f"{self.ref}: {self.reason}", *_told(self)])


def _json(change: Change) -> dict[str, object]:
    old, new = change.old, change.new
    return {
        "path": change.path,
        **({} if old is ABSENT else {"old": old}),
        **({} if new is ABSENT else {"new": new}),
    }


def _told(why: Why) -> list[str]:
    lines = [] if why.against is None else [f"compared with {why.against}"]
    lines += [f"  {change_line(change)}" for change in why.changes]
    for cause in why.causes:
        if why.ref.endswith(cause.dref[5:]) and cause.changes in ((), why.changes):
            continue  # it is its own cause, and has been told
        against = "is new" if cause.against is None else f"against {cause.against}"
        lines.append(f"because of {cause.dref}, {against}")
        lines += [f"  {change_line(change)}" for change in cause.changes]
    return lines


def change_line(change: Change) -> str:
    """Write a change down in a line.

    >>> change_line(Change("config.lr", 0.1, ABSENT))
    'config.lr: 0.1 -> (absent)'
    """
    return f"{change.path}: {_value(change.old)} -> {_value(change.new)}"


def _value(value: object) -> str:
    if value is ABSENT:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
