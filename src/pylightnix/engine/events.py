"""What happens while a closure is realized, as frozen values; whoever wants to show it listens.

`time_s` is monotonic: good for differences, not for dates.
"""

from __future__ import annotations

from collections.abc import Callable

from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias


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
class Failed:
    """A builder failed."""

    dref: DRef
    error: str
    time_s: float


Event: TypeAlias = Hit | Waiting | Started | Progress | Built | Failed
Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
