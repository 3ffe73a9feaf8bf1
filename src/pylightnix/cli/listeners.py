"""Listeners: tell on a stream what happens while something is realized, for people or for programs.

with listener_for("auto", sys.stderr) as listener:
realize(closure, jobs=4, on_event=listener)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from pylightnix.api.ambient import environment
from pylightnix.core.errors import InvalidValue
from pylightnix.engine.events import Event, Listener, ignore

from .telling import Estimate, as_json, as_line

KINDS = ("auto", "bars", "plain", "json", "none")


@contextmanager
def listener_for(
    kind: str = "auto",
    stream: IO[str] | None = None,
    verbose: bool = False,
    estimate: Estimate | None = None,
) -> Iterator[Listener]:
    """Give a listener; what it has on a screen is put in order at the end.

    Args:
        kind: `bars` on a terminal or in Jupyter, with the extra `progress`; `plain` lines; `json`,
            one object in each line; `none`; or `auto`: bars on a terminal, plain lines elsewhere.
        stream: where to; by default standard error.
        verbose: hits and the lines of logs too, the stage's name in front.
        estimate: how long a build is going to take, in seconds, as far as anybody knows.

    Raises:
        InvalidValue: there is no such kind.
    """
    if kind not in KINDS:
        raise InvalidValue(f"events cannot be told as {kind!r}: choose {', '.join(KINDS)}")
    out: IO[str] = sys.stderr if stream is None else stream
    if kind == "none" or out is None:
        yield ignore
    elif kind == "json":
        yield lambda event: _write(out, as_json(event))
    elif kind == "bars" or (kind == "auto" and _is_screen(out)):
        with _bars(out, verbose, estimate, asked=kind == "bars") as listener:
            yield listener
    else:
        yield _plain(out, verbose)


@contextmanager
def _bars(
    out: IO[str], verbose: bool, estimate: Estimate | None, *, asked: bool
) -> Iterator[Listener]:
    try:
        from .progress import bars
    except ImportError:
        if asked:
            _write(out, "progress bars need an extra: pip install 'pylightnix[progress]'")
        yield _plain(out, verbose)
        return
    with bars(out, verbose, estimate) as listener:
        yield listener


def _is_screen(out: IO[str]) -> bool:
    if "ipykernel" in sys.modules:  # a notebook has a page, and no terminal
        return True
    try:
        return out.isatty() and environment().get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


def _plain(out: IO[str], verbose: bool) -> Listener:
    def listen(event: Event) -> None:
        line = as_line(event, verbose)
        if line is not None:
            _write(out, line)

    return listen


def _write(out: IO[str], line: str) -> None:
    """Write a line; where nobody reads any more, work goes on all the same."""
    try:
        out.write(f"{line}\n")
        out.flush()
    except (BrokenPipeError, ValueError):
        return
