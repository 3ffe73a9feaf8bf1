"""Where a realization comes from: when, where, by whom and by what it was built."""

from __future__ import annotations

import os
import sys
import time
from functools import lru_cache, partial

from pylightnix.core.version import VERSION
from pylightnix.store.clock import iso_now
from pylightnix.store.machine import host
from pylightnix.store.provenance import Provenance

_PYTHON = sys.version.split()[0]


class Clock:
    """Tells when it was made, and how long ago that is by a clock that nobody sets."""

    __slots__ = ("start", "start_ns")

    def __init__(self) -> None:
        self.start = iso_now()
        self.start_ns = time.monotonic_ns()


def provenance(realizer: object, clock: Clock) -> Provenance:
    """Describe a build that started with `clock` and ends now."""
    return Provenance(
        start=clock.start,
        stop=iso_now(),
        seconds=(time.monotonic_ns() - clock.start_ns) // 1000 / 10**6,
        host=host(),
        user=_user(),
        python=_PYTHON,
        pylightnix=VERSION,
        realizer=qualified(realizer),
    )


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
    qualname = getattr(function, "__qualname__", None)
    named = function if qualname is not None else type(function)
    return f"{getattr(named, '__module__', '?')}:{qualname or getattr(named, '__qualname__', '?')}"
