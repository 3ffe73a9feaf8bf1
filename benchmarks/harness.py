"""What is measured, and how: interleaved runs, best and median, and claims that hold or do not."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

OURS = "pylightnix"
# An absolute figure is meant for one kind of machine, and is met within a fifth.
TOLERANCE = 1.2


@dataclass(frozen=True)
class Series:
    """The figures of one contender.

    Attributes:
        who: its name.
        values: one for each run.
        unit: `s`, `bytes` or `calls`.
    """

    who: str
    values: tuple[float, ...]
    unit: str = "s"

    @property
    def best(self) -> float:
        return min(self.values)

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass(frozen=True)
class Claim:
    """One line of the table.

    Attributes:
        work: what was done.
        ours: what it took us.
        peer: what it took the other, without values if it was not measured; None if there is none.
        at_most: the target: of the ratio of medians, or of our median; None if there is none.
        lacking: why the peer was not measured; empty if it was.
        absolute: the target is our median and not a ratio.
    """

    work: str
    ours: Series
    peer: Series | None = None
    at_most: float | None = None
    lacking: str = ""
    absolute: bool = False

    @property
    def figure(self) -> float | None:
        if self.absolute:
            return self.ours.median
        if self.peer is None or not self.peer.values:
            return None
        return self.ours.median / self.peer.median

    @property
    def verdict(self) -> str:
        figure = self.figure
        if figure is None:
            return f"skipped: {self.lacking}"
        if self.at_most is None:
            return "no target"
        if figure <= self.at_most:
            return "met"
        if self.absolute and self.ours.unit == "s" and figure <= self.at_most * TOLERANCE:
            return "met (within 20 %)"
        return f"**not met** ({shown(figure, self.ours.unit if self.absolute else 'x')})"


def shown(value: float, unit: str) -> str:
    """Write a figure as people read it."""
    if unit == "x":
        return f"{value:.2f}x"
    if unit == "calls":
        return f"{value:.1f}"
    if unit == "bytes":
        return f"{value / 1e6:.1f} MB" if value >= 1e6 else f"{value / 1e3:.1f} kB"
    for size, name in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value * 1e6:.1f} us"


class Missing(Exception):
    """A contender is not on this machine."""


@dataclass(frozen=True)
class Contender:
    """One that takes part: what prepares a run, and what gives its figure."""

    who: str
    run: Callable[[], float]
    before: Callable[[], object] = lambda: None
    unit: str = "s"


def race(contenders: Sequence[Contender], runs: int) -> dict[str, Series]:
    """Let all run in turn, `A B A B`, after a warm-up of each that does not count."""
    values: dict[str, list[float]] = {one.who: [] for one in contenders}
    for turn in range(runs + 1):
        for one in contenders:
            one.before()
            figure = one.run()
            if turn:
                values[one.who].append(figure)
    return {one.who: Series(one.who, tuple(values[one.who]), one.unit) for one in contenders}


def process_s(argv: Sequence[str], env: Mapping[str, str], *, cwd: str | None = None) -> float:
    """Seconds from the start to the end of a process; raises if it fails."""
    start_s = time.perf_counter()
    done = subprocess.run(
        argv, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    taken_s = time.perf_counter() - start_s
    if done.returncode:
        text = done.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{argv} ended with {done.returncode}: {text}")
    return taken_s


def answer(argv: Sequence[str], env: Mapping[str, str], *, cwd: str | None = None) -> str:
    """What a process prints; raises if it fails."""
    done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, check=False)
    if done.returncode:
        text = done.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{argv} ended with {done.returncode}: {text}")
    return done.stdout.decode()


def told(argv: Sequence[str], env: Mapping[str, str]) -> dict[str, float]:
    """What a process measured inside of itself and printed as JSON; a bare number is `seconds`."""
    value = json.loads(answer(argv, env))
    return value if isinstance(value, dict) else {"seconds": value}


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what would change ours or a peer's behaviour."""
    ours = ("PYTHON", "PYLIGHTNIX", "NIX", "JOBLIB")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, **more}
