"""Progress in a notebook: the picture of the terminal as a part of the page that changes.

The live display of rich would want widgets for this, which many notebooks do not have.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from rich.console import Console, RenderableType
from rich.text import Text

from pylightnix.engine.events import Built, Event, Listener, Started

from .bars import State, picture, summary
from .telling import Estimate, as_line

# A page takes longer to draw than a terminal.
REFRESH_S = 0.2
WIDTH = 100


@contextmanager
def drawn(
    out: IO[str], verbose: bool = False, estimate: Estimate | None = None
) -> Iterator[Listener]:
    """Show progress on the page of the cell that runs; arguments are those of `bars`."""
    from IPython.display import display  # it is there where notebooks are, and only there

    state = State(estimate)
    part: Any = display(_bundle(picture(state)), raw=True, display_id=True)
    drawn_s = time.monotonic()

    def listen(event: Event) -> None:
        nonlocal drawn_s
        state.note(event)
        line = None if isinstance(event, Started | Built) else as_line(event, verbose)
        if line is not None:
            out.write(f"{line}\n")
        now_s = time.monotonic()
        if now_s - drawn_s >= REFRESH_S:
            drawn_s = now_s
            part.update(_bundle(picture(state)), raw=True)

    try:
        yield listen
    finally:
        part.update(_bundle(Text(summary(state) if state.total else "")), raw=True)


def _bundle(what: RenderableType) -> dict[str, str]:
    """Draw something for pages, and for front ends that show text."""
    console = Console(
        file=io.StringIO(), record=True, width=WIDTH, force_jupyter=False, force_terminal=True
    )
    console.print(what)
    html = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>", clear=False)
    return {"text/html": html, "text/plain": console.export_text()}
