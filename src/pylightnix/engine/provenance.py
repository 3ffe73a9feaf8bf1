"""Where a realization comes from: when, where, by whom and by what it was built."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache, partial

from pylightnix.core.version import VERSION
from pylightnix.store.machine import host
from pylightnix.store.objects import Provenance


class Clock:
    """Tells when it was made, and how long ago that is by a clock that nobody sets."""

    __slots__ = ("start", "start_s")

    def __init__(self) -> None:
        self.start = datetime.now(UTC)
        self.start_s = time.monotonic()


def provenance(realizer: object, clock: Clock) -> Provenance:
    """Describe a build that started with `clock` and ends now."""
    return Provenance(
        start=_iso(clock.start),
        stop=_iso(datetime.now(UTC)),
        seconds=round(time.monotonic() - clock.start_s, 6),
        host=host(),
        user=_user(),
        python=sys.version.split()[0],
        pylightnix=VERSION,
        realizer=qualified(realizer),
    )


def _iso(time_: datetime) -> str:
    # Always with microseconds: texts of one form sort as the times do.
    return time_.isoformat(timespec="microseconds")


@lru_cache(maxsize=1)
def _user() -> str:
    from pwd import getpwuid

    try:
        return getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def qualified(function: object) -> str:
    """Name a function as `module:qualname`; of a partial, the function inside."""
    while isinstance(function, partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(named, '__module__', '?')}:{getattr(named, '__qualname__', '?')}"
