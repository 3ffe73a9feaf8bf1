"""Text for people: columns, sizes, and names that cannot harm a terminal. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}


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


def count(n: int, noun: str) -> str:
    """Give a number of things.

    >>> count(1, "file"), count(0, "file")
    ('1 file', '0 files')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def columns(rows: Iterable[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """Align rows of equal length in columns, two spaces between them.

    Args:
        rows: of cells.
        right: the columns to be aligned on their right side.

    >>> columns([("a", "10 B", "x"), ("bcd", "5 B", "y")], right=(1,))
    ['a    10 B  x', 'bcd   5 B  y']
    """
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    line = "  ".join(f"%{'' if i in right else '-'}{width}s" for i, width in enumerate(widths))
    return [(line % row).rstrip() for row in table]


def indented(lines: Iterable[str]) -> list[str]:
    """Put two spaces before every line."""
    return [f"  {line}" for line in lines]


def escaped(name: str) -> str:
    r"""Show a name in one line, unambiguously, as `ls -b` does: what is not printable as an escape.

    >>> print(escaped("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    return "".join(ch if ch.isprintable() and ch != "\\" else _escape(ch) for ch in name)


def shown(text: str) -> str:
    r"""Show text of several lines: what is not printable as an escape, but for newlines and tabs.

    The escapes are those of JSON, so that JSON stays JSON.

    >>> print(shown("a\n\x1b"))
    a
    \u001b
    """
    return "".join(ch if ch.isprintable() or ch in "\n\t" else _json_escape(ch) for ch in text)


def pretty(value: object) -> str:
    """Show a value as JSON of several lines."""
    import json

    return shown(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def _escape(ch: str) -> str:
    if ch in _SHORT:
        return _SHORT[ch]
    code = ord(ch)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(ch: str) -> str:
    units = ch.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
