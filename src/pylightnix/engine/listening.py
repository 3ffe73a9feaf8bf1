"""What is done about listeners where nothing happens: without any of the events themselves."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .events import Event, Listener


def ignore(event: Event) -> None:
    """Listen to nothing."""


def tell(listener: Listener, kind: Callable[..., Event], *facts: object) -> None:
    """Make an event of the present time and hand it over; make none if nobody listens."""
    if listener is not ignore:
        listener(kind(*facts, time.monotonic()))
