"""Sizes, times and texts as people read them, which cannot harm a terminal. Pure functions."""

from __future__ import annotations

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
UNKNOWN = "-"


def size(n_bytes: int) -> str:
    """Give a number of bytes as people read it.

    >>> size(455), size(4597), size(5 << 30)
    ('455 B', '4.5 KiB', '5.0 GiB')
    """
    if n_bytes < 1024:
        return f"{n_bytes} B"
    value, unit = n_bytes / 1024, 0
    # 1023.96 would be printed as 1024.0: it belongs to the next unit.
    while value >= 1023.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """Tell how long something took.

    >>> duration(0.0123), duration(75.0), duration(7_260.0)
    ('0.012 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds is None:
        return UNKNOWN
    from .outlook import lasting

    return f"{seconds:.3f} s" if seconds < 10 else lasting(seconds)


def shown(text: str) -> str:
    r"""Show text of several lines: what is not printable as an escape, but for newlines and tabs.

    The escapes are those of JSON, so that JSON stays JSON.

    >>> print(shown("a\n\x1b"))
    a
    \u001b
    """
    return "".join(ch if ch.isprintable() or ch in "\n\t" else _json_escape(ch) for ch in text)


def _json_escape(ch: str) -> str:
    units = ch.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
