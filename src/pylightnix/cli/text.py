"""Text for people: columns, and names that cannot harm a terminal. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pylightnix.core.legible import shown

_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}


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
