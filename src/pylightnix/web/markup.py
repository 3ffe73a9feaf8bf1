"""HTML that cannot be broken by what is put into it: all is text until it was made by `tag`."""

from __future__ import annotations

from html import escape

# What no page may hold, not even escaped: controls, and halves of surrogate pairs, which no
# encoder takes.
_BAD = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(9), 11, 12, *range(14, 32), 127)}
_EMPTY = ("br", "img", "path", "rect")


class Html(str):
    """A piece of HTML that is well formed and holds nothing that anybody else wrote unescaped."""

    __slots__ = ()


def plain(text: object) -> str:
    """Escape a text."""
    clean = str(text).translate(_BAD).encode("utf-8", "replace").decode()
    return escape(clean, quote=True)


def tag(name: str, *inner: object, **attributes: object) -> Html:
    """Make an element.

    Args:
        name: of the element.
        inner: what is in it: `Html` as it is, everything else as text; None is left out.
        attributes: their values are escaped; an underscore at the end of a name is left out, any
            other is a hyphen; None leaves the attribute out.
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{plain(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY:
        return Html(f"<{name}{shown}/>")
    return Html(f"<{name}{shown}>{joined(*inner)}</{name}>")


def joined(*inner: object) -> Html:
    """Put pieces beside each other."""
    pieces = (item if isinstance(item, Html) else plain(item) for item in inner if item is not None)
    return Html("".join(pieces))


def table(head: tuple[str, ...], rows: list[tuple[object, ...]], cls: str = "pyl-rows") -> Html:
    """Make a table; without a head its first column is one of names."""
    title = tag("tr", *(tag("th", cell) for cell in head)) if head else None
    first = "td" if head else "th"
    lines = [
        tag("tr", *(tag(first if i == 0 else "td", cell) for i, cell in enumerate(row)))
        for row in rows
    ]
    return tag("table", title, *lines, class_=cls)


def size(bytes_: int) -> str:
    """Give a number of bytes as people read it.

    >>> size(999), size(12_345), size(5_000_000_000)
    ('999 B', '12.3 kB', '5.0 GB')
    """
    if bytes_ < 1000:
        return f"{bytes_} B"
    amount = float(bytes_)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"
