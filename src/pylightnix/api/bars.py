"""Progress on a terminal, with rich: a bar, what runs now, when it may be over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pylightnix.core.legible import duration
from pylightnix.core.refs import DRef
from pylightnix.engine.events import (
    Built,
    CutOff,
    Event,
    Failed,
    Fetched,
    Hit,
    Listener,
    LogLine,
    Planned,
    Progress,
    Skipped,
    Started,
    Waiting,
)

from .telling import Estimate, as_line, who

# What runs beside these is counted, not listed.
ROWS = 12
BAR_WIDTH = 30


@contextmanager
def bars(
    out: IO[str], verbose: bool = False, estimate: Estimate | None = None
) -> Iterator[Listener]:
    """Show progress; what is worth a line stays above it.

    Args:
        out: a terminal.
        verbose: see `as_line`.
        estimate: how long a build is going to take, in seconds, as far as anybody knows.
    """
    state = State(estimate)
    console = Console(file=out)

    def listen(event: Event) -> None:
        state.note(event)
        line = None if isinstance(event, Started | Built) else as_line(event, verbose)
        if line is not None:
            console.print(Text(line), soft_wrap=True)

    live = Live(
        console=console, get_renderable=lambda: picture(state), refresh_per_second=8, transient=True
    )
    try:
        with live:
            yield listen
    finally:
        if state.total:
            console.print(Text(summary(state)))


class State:
    """What there is to show; a stateful handle.

    Args:
        estimate: how long a build is going to take, in seconds, as far as anybody knows.

    Attributes:
        planned: what is to be done, and not known to need nothing.
        running: what is being built -> since when.
        doing: what some of these say of themselves.
        built, spared, failed: how many ended so.
    """

    def __init__(self, estimate: Estimate | None = None) -> None:
        self._estimate = estimate
        self._guessed: dict[DRef, float | None] = {}
        self.planned: set[DRef] = set()
        self.total = 0
        self.running: dict[DRef, float] = {}
        self.doing: dict[DRef, str] = {}
        self.built = self.spared = self.failed = 0
        self.took_s: list[float] = []

    def note(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case Planned():
                self.planned.add(event.dref)
                self.total += 1
            case Started():
                self.running[event.dref] = event.time_s
            case Progress():
                share = f" {event.done_bytes / event.total_bytes:.0%}" if event.total_bytes else ""
                self.doing[event.dref] = f"{event.what}{share}"
            case Waiting():
                self.running.setdefault(event.dref, event.time_s)
                self.doing[event.dref] = f"waits for {event.holder}"
            case LogLine():
                self.doing[event.dref] = event.text.strip() or self.doing.get(event.dref, "")
            case Built() | Fetched() | Hit() | CutOff() | Failed() | Skipped():
                self._end(event)
            case _:
                pass

    def _end(self, event: Built | Fetched | Hit | CutOff | Failed | Skipped) -> None:
        self.running.pop(event.dref, None)
        self.doing.pop(event.dref, None)
        if event.dref not in self.planned and not isinstance(event, Built | Failed):
            return  # it was there from the beginning
        self.planned.discard(event.dref)
        if isinstance(event, Built | Fetched):
            self.built += 1
            self.took_s.append(event.seconds)
        elif isinstance(event, Hit | CutOff):
            self.spared += 1
        else:
            self.failed += 1

    def guess_s(self, dref: DRef) -> float | None:
        """How long a build takes, by the past; else by the mean of those that just ended."""
        if dref not in self._guessed:
            self._guessed[dref] = None if self._estimate is None else self._estimate(dref)
        known = self._guessed[dref]
        if known is None and self.took_s:
            return sum(self.took_s) / len(self.took_s)
        return known

    def left_s(self, now_s: float) -> float | None:
        """When all may be over, if as many go on running as do now; None if nobody knows."""
        work_s = 0.0
        for dref in tuple(self.planned):  # the screen is drawn by a thread of its own
            guess_s = self.guess_s(dref)
            if guess_s is None:
                return None
            since_s = self.running.get(dref)
            work_s += guess_s if since_s is None else max(0.0, guess_s - (now_s - since_s))
        return work_s / max(1, len(self.running))


def picture(state: State) -> Group:
    """Draw the bar, and a row for each build that runs."""
    now_s = time.monotonic()
    done = state.total - len(state.planned)
    bar = ProgressBar(total=max(1, state.total), completed=done, width=BAR_WIDTH)
    left_s = state.left_s(now_s)
    eta = "" if left_s is None or not state.planned else f"about {duration(left_s)} left"
    head = Table.grid(padding=(0, 1))
    head.add_row(bar, Text(f"{done}/{state.total}"), Text(eta))
    rows = Table.grid(padding=(0, 2))
    for dref, since_s in list(state.running.items())[:ROWS]:
        doing = Text(state.doing.get(dref, ""), overflow="ellipsis", no_wrap=True, style="dim")
        rows.add_row(Text(who(dref)), Text(duration(now_s - since_s)), doing)
    if len(state.running) > ROWS:
        rows.add_row(Text(f"and {len(state.running) - ROWS} more"))
    return Group(head, rows)


def summary(state: State) -> str:
    """Say in one line what came of it."""
    parts = [f"{state.built} built"]
    if state.spared:
        parts.append(f"{state.spared} not needed after all")
    if state.failed:
        parts.append(f"{state.failed} failed or skipped")
    return ", ".join(parts)
