"""Listeners: tell on a stream what happens while something is realized, for people or for programs.

`progress` is for users of `realize`; `listener_for` is for whoever keeps the stream in order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from pylightnix.core.errors import InvalidValue
from pylightnix.engine.closure import Closure
from pylightnix.engine.events import Event, Listener
from pylightnix.engine.listening import ignore

from .ambient import environment
from .telling import Estimate, as_json, as_line

KINDS = ("auto", "bars", "plain", "json", "none")


def progress(
    kind: str = "auto", stream: IO[str] | None = None, *, verbose: bool = False
) -> Listener:
    """Give a listener that shows progress for as long as something is realized.

    Use it as `realize(closure, jobs=4, on_event=progress())`.

    Args:
        kind: `auto`, a progress bar on a terminal and in Jupyter, with the extra `progress`, and
            plain lines elsewhere; or one of `bars`, `plain`, `json` (an object in each line) and
            `none`.
        stream: where to; by default standard error.
        verbose: hits and the lines of logs too, the stage's name in front.

    Raises:
        InvalidValue: there is no such kind.
    """
    _check(kind)
    return _Shown(kind, stream, verbose)


class _Shown:
    """A listener that has something on a screen only while work goes on; a stateful handle."""

    def __init__(self, kind: str, stream: IO[str] | None, verbose: bool) -> None:
        self._kind, self._stream, self._verbose = kind, stream, verbose
        self._listener: Listener = ignore

    def __call__(self, event: Event) -> None:
        self._listener(event)

    @contextmanager
    def at_work(self, closure: Closure) -> Iterator[None]:
        """Show what is told meanwhile; a realize within a realize is shown with the outer one."""
        if self._listener is not ignore:
            yield
            return
        with listener_for(
            self._kind, self._stream, self._verbose, estimate_for(closure)
        ) as self._listener:
            try:
                yield
            finally:
                self._listener = ignore


def estimate_for(closure: Closure) -> Estimate:
    """Give what estimates how long builds of a closure are going to take."""
    from pylightnix.engine.estimate import Estimates

    past = Estimates(closure.store, closure.needs)
    return lambda dref: past.of(dref, built=True)


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise InvalidValue(f"events cannot be told as {kind!r}: choose {', '.join(KINDS)}")


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
    _check(kind)
    out: IO[str] = sys.stderr if stream is None else stream
    if kind == "none" or out is None:
        yield ignore
    elif kind == "json":
        yield lambda event: _write(out, as_json(event))
    elif kind == "bars" or (kind == "auto" and (_is_page(out) or _is_screen(out))):
        with _bars(out, verbose, estimate, asked=kind == "bars") as listener:
            yield listener
    else:
        yield _plain(out, verbose)


@contextmanager
def _bars(
    out: IO[str], verbose: bool, estimate: Estimate | None, *, asked: bool
) -> Iterator[Listener]:
    try:
        if _is_page(out):
            from .page import drawn as bars
        else:
            from .bars import bars
    except ImportError:
        if asked:
            _write(out, "progress bars need an extra: pip install 'pylightnix[progress]'")
        yield _plain(out, verbose)
        return
    with bars(out, verbose, estimate) as listener:
        yield listener


def _is_page(out: IO[str]) -> bool:
    """Tell whether this is a notebook, which has a page and no terminal."""
    # Not whether ipykernel is loaded: libraries do that in programs which have no page.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel") and out in (sys.stdout, sys.stderr)


def _is_screen(out: IO[str]) -> bool:
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
