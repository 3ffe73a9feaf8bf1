"""Kill -9 and errors at every call that looks at or changes a store.

A process is forked for each point. It works on an empty store until the shim stops it, or makes a
call fail; another one then looks at what is left, and does the same work again.
"""

from __future__ import annotations

import errno
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import children
from .judge import Memory, judge, scrub
from .outcome import Outcome
from .shim import CHANGE, ERRNOS, LOOK, Action, Call, Shim, unavailable
from .worker import room, run_all
from .workload import Shape, work

P = TypeVar("P")
NAME = "kill"
WANTED = "0 wrong, 0 stuck, 0 lost after return"
SHAPES = (
    Shape(1, "batch"),
    Shape(2, "full", extras=False),
    Shape(2, "none"),
    Shape(2, "full"),
    Shape(5, "batch"),
    Shape(22, "batch", extras=False),
)
_WRITES = ("write", "pwrite", "writev", "pwritev", "copy_file_range", "sendfile")
_PLAIN = (Action.KILL_BEFORE, Action.KILL_AFTER, Action.INTERRUPT)
_LOOK_ERRNOS = (errno.EIO, errno.EMFILE, errno.ESTALE)
_PATIENCE_S = 60.0
_KINDS = ("wrong", "stuck", "lost", "escaped", "alarm", "litter")


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to happen at one call of one run."""

    shape: int
    at: int
    site: str
    action: Action
    error: int = 0
    classes: int = CHANGE

    def __str__(self) -> str:
        what = self.action.name.lower().replace("_", " ")
        if self.error:
            what += f" {errno.errorcode[self.error]}"
        return f"{SHAPES[self.shape]}: {what} at call {self.at} ({self.site})"


class Room:
    """Where trials take place: a store, and a folder that is not the store's."""

    def __init__(self, folder: Path) -> None:
        self.root, self.outside = f"{folder}/root", f"{folder}/outside"

    def clear(self) -> None:
        """Make both empty."""
        for path in (self.root, self.outside):
            scrub(path)
            os.mkdir(path)


def points_of(shape: int, trace: Sequence[Call], classes: int) -> Iterator[Point]:
    """Give everything that can happen to a run that makes these calls."""
    for at, call in enumerate(trace, 1):
        if classes == CHANGE:
            extra = (Action.TORN, Action.SHORT) if call.name in _WRITES else ()
            for action in (*_PLAIN, *extra):
                yield Point(shape, at, call.site, action)
        for error in ERRNOS if classes == CHANGE else _LOOK_ERRNOS:
            for action in (Action.FAIL_ONCE, Action.FAIL_ON):
                yield Point(shape, at, call.site, action, error, classes)


def ordered_by(points: Sequence[P], rng: random.Random, kind: Callable[[P], Hashable]) -> list[P]:
    """Shuffle so that points of every kind come before any kind comes again."""
    mixed = list(points)
    rng.shuffle(mixed)
    met: Counter[Hashable] = Counter()
    ranks = []
    for point in mixed:
        met[kind(point)] += 1
        ranks.append(met[kind(point)])
    return [point for _, point in sorted(zip(ranks, mixed, strict=True), key=lambda pair: pair[0])]


def record(shim: Shim, where: Room, shape: Shape, classes: int) -> tuple[list[Call], Memory]:
    """Do a run that nothing happens to; gives its calls and what it was given."""
    where.clear()
    shim.reset()

    def do(say: children.Say) -> None:
        shim.arm(where.root, Action.COUNT, classes=classes)
        work(where.root, where.outside, shape, say)

    child = children.start(do)
    child.wait(_PATIENCE_S)
    memory = Memory().learn(child.records)
    if memory.raised or memory.wrong:
        raise RuntimeError(f"an undisturbed run fails: {memory.raised} {memory.wrong}")
    return shim.trace(), memory


def attempt(
    shim: Shim, where: Room, point: Point, reference: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Try a point; gives what went wrong, as (kind, words)."""
    where.clear()
    shim.reset()
    shape = SHAPES[point.shape]

    def do(say: children.Say) -> None:
        shim.arm(where.root, point.action, point.at, error=point.error, classes=point.classes)
        work(where.root, where.outside, shape, say)

    child = children.start(do)
    if not child.wait(_PATIENCE_S):
        yield "stuck", f"the run did not end within {_PATIENCE_S:g} s"
    memory = Memory().learn(child.records)
    for step, kind, text, ours in memory.raised:
        if not ours and kind != "KeyboardInterrupt":
            yield "escaped", f"{step} raised {kind}: {text}"
    # What cannot be read for good is damaged; a process out of descriptors proves nothing.
    if point.error != errno.EIO:
        yield from (("alarm", what[0]) for kind, *what in child.records if kind == "alarm")
    verdict = judge(where.root, where.outside, shape, memory, reference)
    for kind in ("wrong", "lost", "stuck", "litter"):
        yield from ((kind, what) for what in getattr(verdict, kind))


def campaign(
    shim: Shim, points: int, seed: int, share: int, shares: int, shapes: Sequence[int]
) -> dict[str, Any]:
    """Try points of a seed: of each `shares` the one at `share`."""
    with room() as folder:
        where = Room(folder)
        references: dict[int, Mapping[str, list[str]]] = {}
        every: list[Point] = []
        calls: set[str] = set()
        for shape in shapes:
            for classes in (CHANGE, CHANGE | LOOK):
                trace, memory = record(shim, where, SHAPES[shape], classes)
                references[shape] = memory.solid
                every += points_of(shape, trace, classes)
                calls |= {call.name for call in trace}
        failures: list[tuple[str, str, str]] = []
        sites: set[str] = set()
        tried = 0
        chosen = ordered_by(every, random.Random(seed), lambda point: (point.site, point.action))
        for point in chosen[share::shares]:
            found = list(attempt(shim, where, point, references[point.shape]))
            if shim.fired:
                tried += 1
                sites.add(shim.seen(point.at).site)
            failures += ((str(point), kind, what) for kind, what in found)
            if tried >= points:
                break
    return {
        "tried": tried,
        "possible": len(every),
        "calls": sorted(calls),
        "sites": sorted(sites),
        "failures": failures,
    }


def prove(points: int, seed: int) -> Outcome:
    """Try points, spread over the processors; few points are tried on small runs only."""
    why = unavailable()
    if why is not None:
        return Outcome(NAME, WANTED, "", ok=True, points=0, skipped=why)
    begin_s = time.monotonic()
    shares = min(2, os.cpu_count() or 1)
    shapes = list(range(len(SHAPES))) if points > 2000 else [0, 1]
    common = {"points": -(-points // shares), "seed": seed, "shares": shares, "shapes": shapes}
    results = run_all("points", [{**common, "share": share} for share in range(shares)])
    failures = [failure for result in results for failure in result["failures"]]
    counts = Counter(kind for _, kind, _ in failures)
    sites = {site for result in results for site in result["sites"]}
    tried = sum(result["tried"] for result in results)
    figure = ", ".join(f"{counts[kind]} {kind}" for kind in _KINDS)
    figure += (
        f" ({tried:,} points of {results[0]['possible']:,} possible, at {len(sites)} kinds of "
        f"call, {time.monotonic() - begin_s:.0f} s)"
    )
    figure += "".join(f"\n  {point}: {kind}: {what}" for point, kind, what in failures[:20])
    return Outcome(NAME, WANTED, figure, ok=not failures and tried >= points, points=tried)
