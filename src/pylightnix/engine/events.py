"""What happens while a closure is realized, as frozen values; whoever wants to show it listens.

`time_s` is monotonic: good for differences, not for dates.
"""

from __future__ import annotations

from collections.abc import Callable

from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias


@value
class Hit:
    """The store has what is needed; nothing was built."""

    dref: DRef
    rrefs: tuple[RRef, ...]
    time_s: float


@value
class Waiting:
    """Another process is building the same derivation."""

    dref: DRef
    holder: str
    time_s: float


@value
class Started:
    """A builder was started."""

    dref: DRef
    time_s: float


@value
class Progress:
    """A builder has done part of its work.

    Attributes:
        what: of what, for people: a file name, say.
        done_bytes, total_bytes: how far it is; the total is None where nobody knows.
    """

    dref: DRef
    what: str
    done_bytes: int
    total_bytes: int | None
    time_s: float


@value
class Built:
    """A builder finished and its outputs are in the store."""

    dref: DRef
    rrefs: tuple[RRef, ...]
    seconds: float
    time_s: float


@value
class Fetched:
    """Realizations were taken from somewhere else instead of being built.

    Attributes:
        source: where they came from, for people.
    """

    dref: DRef
    rrefs: tuple[RRef, ...]
    source: str
    seconds: float
    time_s: float


@value
class Failed:
    """A builder failed, and is not tried again; `realize_either` gives one that knows more.

    Attributes:
        error: what went wrong, as text; there, the error itself.
    """

    dref: DRef
    error: Any
    time_s: float


@value
class Planned:
    """A derivation is not there yet, or has to be looked at again once what it needs is built."""

    dref: DRef
    time_s: float


@value
class Queued:
    """All that it needs is there, and it waits for a free worker."""

    dref: DRef
    time_s: float


@value
class LogLine:
    """A line that a builder wrote, without its end."""

    dref: DRef
    text: str
    time_s: float


@value
class CutOff:
    """Something that it needs was built again and came out the same, so it need not be built."""

    dref: DRef
    rrefs: tuple[RRef, ...]
    time_s: float


@value
class Skipped:
    """It was not built, because something that it needs failed."""

    dref: DRef
    because: DRef
    time_s: float


@value
class Finished:
    """All work on a target is over.

    Attributes:
        rrefs: its realizations; none if it failed.
    """

    dref: DRef
    rrefs: tuple[RRef, ...]
    time_s: float


Event: TypeAlias = (
    Planned
    | Queued
    | Started
    | Waiting
    | Progress
    | LogLine
    | Hit
    | CutOff
    | Fetched
    | Built
    | Failed
    | Skipped
    | Finished
)
Listener: TypeAlias = Callable[[Event], None]
"""Is told what happens. One with a method `at_work(closure)`, which makes a context manager, learns
by that when work begins and when it ends, however it ends."""
