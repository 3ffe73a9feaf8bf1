"""Times for people: how long ago, what `--newer` may be. Pure functions."""

from __future__ import annotations

from math import isfinite

from pylightnix.core.errors import InvalidValue
from pylightnix.core.legible import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_AGES = ((60, 1, "s"), (3_600, 60, "min"), (86_400, 3_600, "h"), (365 * 86_400, 86_400, "d"))


class InvalidTime(InvalidValue):
    """A text is not a time."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return (
            f"{self.text!r} is not a time: give seconds or 90s, 10m, 2h, 3d, 1w (ago), a date as "
            "2026-01-31 or 2026-01-31T12:00, or @ and seconds since 1970"
        )


class InvalidSpan(InvalidValue):
    """A text is not a span of time."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is not a span of time: give seconds, or 90s, 30m, 2h, 3d, 1w"


def seconds_of(iso: str) -> float | None:
    """Give the seconds since 1970 of an ISO 8601 time; None if it is none.

    It is local time if it names no zone.
    """
    from datetime import datetime

    try:
        return datetime.fromisoformat(iso).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def since(text: str, now_s: float) -> float:
    """Give the seconds since 1970 that a person means.

    Args:
        text: `3600`, `90s`, `10m`, `2h`, `3d`, `1w`: so long ago; an ISO 8601 date or time; or `@`
            and seconds since 1970.
        now_s: now.

    Raises:
        InvalidTime: it is none of these.

    >>> since("2h", 10_000.0)
    2800.0
    """
    ago_s = _span(text)
    if ago_s is not None:
        return now_s - ago_s
    found = number_of(text[1:]) if text.startswith("@") else seconds_of(text)
    if found is None:
        raise InvalidTime(text)
    return found


def span(text: str) -> float:
    """Give the seconds of a span of time.

    Args:
        text: `90`, `90s`, `30m`, `2h`, `3d`, `1w`.

    Raises:
        InvalidSpan: it is none of these.

    >>> span("90"), span("1.5h")
    (90.0, 5400.0)
    """
    found_s = _span(text)
    if found_s is None:
        raise InvalidSpan(text)
    return found_s


def _span(text: str) -> float | None:
    head, unit_s = (text[:-1], _UNITS_S[text[-1]]) if text[-1:] in _UNITS_S else (text, 1)
    number = number_of(head)
    return None if number is None else number * unit_s


def number_of(text: str) -> float | None:
    """Read a plain number, not negative; `nan`, `inf`, `1_000` and spaces are for programmers."""
    if not text.replace(".", "", 1).isdecimal() or not text.isascii():
        return None
    value = float(text)
    return value if isfinite(value) else None


def age(then_s: float | None, now_s: float) -> str:
    """Tell how long ago something was.

    >>> age(0.0, 59.0), age(0.0, 7200.0), age(None, 0.0)
    ('59 s ago', '2 h ago', '-')
    """
    if then_s is None:
        return UNKNOWN
    ago_s = now_s - then_s
    if ago_s < -1:
        return "in the future"  # clocks differ; nothing breaks by it
    for limit_s, unit_s, name in _AGES:
        if ago_s < limit_s:
            return f"{max(0, int(ago_s // unit_s))} {name} ago"
    return f"{int(ago_s // (365 * 86_400))} y ago"


def moment(then_s: float | None, zone: tzinfo | None = None) -> str:
    """Give a time to the second.

    Args:
        then_s: in seconds since 1970; None if nobody knows.
        zone: where; by default where this machine is.
    """
    if then_s is None:
        return UNKNOWN
    from datetime import datetime

    try:
        return datetime.fromtimestamp(then_s, zone).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # not a year of the calendar
        return UNKNOWN
