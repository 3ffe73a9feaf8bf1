"""What happens, as a line for people or for programs. Pure functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pylightnix.core.legible import duration, shown, size
from pylightnix.core.refs import DRef
from pylightnix.engine.events import (
    Built,
    CutOff,
    Event,
    Failed,
    Fetched,
    Finished,
    Hit,
    LogLine,
    Planned,
    Progress,
    Queued,
    Skipped,
    Started,
    Waiting,
)

Estimate: TypeAlias = Callable[[DRef], "float | None"]
"""How long a build is going to take, in seconds, as far as anybody knows."""


def as_json(event: Event) -> str:
    """Give an event as one line of JSON: its fields, and its kind as `event`; keys are sorted."""
    import json

    fields = {name: getattr(event, name) for name in type(event).__slots__}  # type: ignore[union-attr]
    return json.dumps({"event": type(event).__name__, **fields}, sort_keys=True)


def as_line(event: Event, verbose: bool = False) -> str | None:
    """Give an event as a line for people; None if it is not worth one.

    Args:
        event: what happened.
        verbose: hits and lines of logs are worth one too.
    """
    said = _said(event, verbose)
    return None if said is None else f"{who(event.dref)}: {shown(said)}"


def who(dref: DRef) -> str:
    """Give the name of a derivation and what tells it from its namesakes."""
    return f"{dref[38:]} {dref[5:13]}"


def _said(event: Event, verbose: bool) -> str | None:
    match event:
        case Started():
            return "started"
        case Built():
            return f"built in {duration(event.seconds)}"
        case Fetched():
            return f"fetched from {event.source} in {duration(event.seconds)}"
        case Waiting():
            return f"waits for {event.holder}"
        case Failed():
            # The whole of it, the log with it, is told at the end.
            first = event.error.partition("\n")[0]
            return f"failed: {first.removeprefix(f'{event.dref} failed to build: ')}"
        case Skipped():
            return f"skipped, because {who(event.because)} failed"
        case CutOff():
            return "not built again: what it needs came out the same"
        case Hit() | LogLine() | Progress() if verbose:
            return _said_at_length(event)
        case Hit() | LogLine() | Progress() | Planned() | Queued() | Finished():
            return None


def _said_at_length(event: Hit | LogLine | Progress) -> str:
    if isinstance(event, Hit):
        return "the store has it"
    if isinstance(event, LogLine):
        return f"> {event.text}"
    total = "" if event.total_bytes is None else f" of {size(event.total_bytes)}"
    return f"{event.what}: {size(event.done_bytes)}{total}"
