"""Power loss at every call that changes a store, on real file systems.

The file system is shut down without writing what it still holds, and mounted again: what was not
flushed is gone, as after a power cut.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pylightnix.store.layout import Durability

from . import children, disk
from .judge import Memory, judge
from .outcome import Outcome
from .points import Room, ordered_by, record
from .shim import CHANGE, Action, Call, Shim, unavailable
from .worker import room, run_all
from .workload import Shape, work

NAME = "power"
WANTED = "0 corrupt, 0 lost after return"
SHAPES = (
    Shape(2, "batch", extras=False),
    Shape(2, "full", extras=False),
    Shape(2, "none", extras=False),
    Shape(2, "batch"),
    Shape(2, "full"),
    Shape(12, "batch", extras=False),
)
_FLUSHES = {disk.FLUSH_NOTHING: "nothing", disk.FLUSH_LOG: "the journal", disk.FLUSH_ALL: "all"}
_PATIENCE_S = 60.0
_FAILURES = ("wrong", "stuck", "lost", "litter")


@dataclass(frozen=True, slots=True)
class Cut:
    """One moment at which the power goes.

    Attributes:
        relay: the process is just killed there; another one does the same work to its end, and
            then the power goes.
        first: with which durability a relay begins.
    """

    shape: int
    at: int
    site: str
    action: Action
    flags: int
    relay: bool = False
    first: Durability = "batch"

    def __str__(self) -> str:
        when = self.action.name.partition("_")[2].lower()
        how = f"power loss that flushes {_FLUSHES[self.flags]}"
        if self.relay:
            how = f"kill of a run with durability {self.first}, another run, and then power loss"
        return f"{SHAPES[self.shape]}: {how} {when} call {self.at} ({self.site})"


def cuts_of(shape: int, trace: Sequence[Call]) -> Iterator[Cut]:
    """Give every moment of a run that makes these calls."""
    for at, call in enumerate(trace, 1):
        for flags in _FLUSHES:
            yield Cut(shape, at, call.site, Action.CUT_AFTER, flags)
        yield Cut(shape, at, call.site, Action.CUT_BEFORE, disk.FLUSH_NOTHING)
        if SHAPES[shape].durability != "none":
            for first in (SHAPES[shape].durability, "none"):
                how = (Action.KILL_AFTER, disk.FLUSH_NOTHING, True, first)
                yield Cut(shape, at, call.site, *how)


def attempt(
    shim: Shim, own: disk.Disk, where: Room, cut: Cut, reference: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Try a moment; gives what went wrong, as (kind, words)."""
    shape = SHAPES[cut.shape]
    where.clear()
    own.flush()
    shim.reset()

    def do(say: children.Say) -> None:
        shim.arm(where.root, cut.action, cut.at, classes=CHANGE, disk=own.handle(), flags=cut.flags)
        first = replace(shape, durability=cut.first) if cut.relay else shape
        work(where.root, where.outside, first, say)
        if not cut.relay:
            disk.cut(own.handle(), cut.flags)

    def again(say: children.Say) -> None:
        work(where.root, where.outside, replace(shape, extras=False), say)
        disk.cut(own.handle(), cut.flags)

    memory = Memory(cut=True)
    for run in (do, again) if cut.relay else (do,):
        child = children.start(run)
        if not child.wait(_PATIENCE_S):
            yield "stuck", f"the run did not end within {_PATIENCE_S:g} s"
        if run is again or not cut.relay:
            memory.learn(child.records)
            yield from (
                ("stuck", f"{step} raised {kind}: {text}") for step, kind, text, _ in memory.raised
            )
    own.unmount()
    own.mount()
    if shape.durability == "none":
        memory.must.clear()
    verdict = judge(where.root, where.outside, shape, memory, reference)
    for kind in _FAILURES:
        yield from ((kind, what) for what in getattr(verdict, kind))


def campaign(shim: Shim, points: int, seed: int, kind: str) -> dict[str, Any]:
    """Try moments of a seed on one kind of file system."""
    with room() as folder:
        try:
            own = disk.Disk(folder, kind)
        except OSError as error:
            return {"skipped": str(error)}
        try:
            return {"skipped": None, **_tried(shim, own, points, seed)}
        finally:
            own.close()


def _tried(shim: Shim, own: disk.Disk, points: int, seed: int) -> dict[str, Any]:
    where = Room(Path(own.top))
    references: dict[int, Mapping[str, list[str]]] = {}
    every: list[Cut] = []
    for number, shape in enumerate(SHAPES):
        if shape.durability == "none" and not own.reboots:
            continue  # what was not flushed is not believed after a reboot; here there is none
        trace, memory = record(shim, where, shape, CHANGE)
        references[number] = memory.solid
        every += cuts_of(number, trace)
    failures: list[tuple[str, str, str]] = []
    rng = random.Random(seed)
    chosen = ordered_by(every, rng, lambda cut: (cut.site, cut.relay, cut.first, cut.shape))
    for cut in chosen[:points]:
        found = attempt(shim, own, where, cut, references[cut.shape])
        failures += ((str(cut), kind, what) for kind, what in found)
    return {"tried": min(points, len(chosen)), "possible": len(every), "failures": failures}


def prove(points: int, seed: int) -> Outcome:
    """Cut the power, on each kind of file system half as often."""
    why = unavailable() or disk.unavailable()
    if why is not None:
        return Outcome(NAME, WANTED, "", ok=True, points=0, skipped=why)
    begin_s, kinds = time.monotonic(), disk.kinds()
    share = -(-points // len(kinds))
    jobs = [{"points": share, "seed": seed, "kind": kind} for kind in kinds]
    results = dict(zip(kinds, run_all("powerloss", jobs, before=disk.NAMESPACE), strict=True))
    done = {kind: result for kind, result in results.items() if not result["skipped"]}
    if not done:
        why = "; ".join(f"{kind}: {result['skipped']}" for kind, result in results.items())
        return Outcome(NAME, WANTED, "", ok=True, points=0, skipped=why)
    failures = [failure for result in done.values() for failure in result["failures"]]
    counts = Counter(kind for _, kind, _ in failures)
    tried = sum(result["tried"] for result in done.values())
    figure = (
        f"{counts['wrong']} corrupt, {counts['lost']} lost after return, {counts['stuck']} stuck, "
        f"{counts['litter']} litter ({tried:,} points on {' and '.join(done)}, "
        f"{time.monotonic() - begin_s:.0f} s)"
    )
    figure += "".join(f"\n  {cut}: {kind}: {what}" for cut, kind, what in failures[:20])
    return Outcome(NAME, WANTED, figure, ok=not failures, points=tried)
