"""Artifacts as HTML: names and sizes, pictures as pictures, the beginning of texts."""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from collections.abc import Iterable, Iterator

from pylightnix.core.manifest import META

from .markup import Html, joined, size, table, tag

ROWS = 40
PICTURES = 6
PICTURE_BYTES = 2_000_000
TEXTS = 8
TEXT_BYTES = 4_000
# As <img>, so that a script in an SVG is not run.
_KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}


def artifacts(folder: str) -> Html:
    """Show what is in a folder, of a realization or of a build under way.

    Symlinks are shown as their text and never followed.
    """
    found = list(_walk(folder, ""))
    rows = [(name, what) for name, what, _ in found[:ROWS]]
    files = [(name, bytes_) for name, _, bytes_ in found if bytes_ is not None]
    total = sum(bytes_ for _, bytes_ in files)
    more = len(found) - len(rows)
    many = "1 file" if len(files) == 1 else f"{len(files):,} files"
    if not found:
        return tag("div", "nothing is in it", class_="pyl-note")
    return joined(
        table((), [*rows, *([(f"and {more:,} more", "")] if more else [])]),
        tag("div", f"{many}, {size(total)}", class_="pyl-note"),
        *_pictures(folder, files),
        *_texts(folder, files),
    )


def _walk(folder: str, inside: str) -> Iterator[tuple[str, str, int | None]]:
    """Give path, description and (of a file) size of everything, sorted, ours left out."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        name = f"{inside}{entry.name}"
        if name == META:
            continue
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            yield name, f"link to {os.readlink(entry.path)}", None
        elif stat.S_ISDIR(status.st_mode):
            yield f"{name}/", "", None
            yield from _walk(entry.path, f"{name}/")
        elif stat.S_ISREG(status.st_mode):
            yield name, size(status.st_size), status.st_size
        else:
            yield name, "not a file", None


def _pictures(folder: str, files: Iterable[tuple[str, int]]) -> list[Html]:
    made: list[Html] = []
    for name, bytes_ in files:
        kind = _KINDS.get(os.path.splitext(name)[1].lower())
        if kind is None or not 0 < bytes_ <= PICTURE_BYTES or len(made) == PICTURES:
            continue
        with open(f"{folder}/{name}", "rb") as file:
            data = b64encode(file.read()).decode()
        image = tag("img", src=f"data:{kind};base64,{data}", alt=name, title=name)
        made.append(tag("figure", image, tag("figcaption", name)))
    return made


def _texts(folder: str, files: Iterable[tuple[str, int]]) -> list[Html]:
    made: list[Html] = []
    for name, bytes_ in files:
        if not bytes_ or len(made) == TEXTS or os.path.splitext(name)[1].lower() in _KINDS:
            continue
        with open(f"{folder}/{name}", "rb") as file:
            text = as_text(file.read(TEXT_BYTES + 1), TEXT_BYTES)
        if text is not None:
            opened = "open" if not made and bytes_ <= TEXT_BYTES else None
            made.append(tag("details", tag("summary", name), tag("pre", text), open=opened))
    return made


def as_text(raw: bytes, most: int) -> str | None:
    """Give the beginning of a file as text; None if it is none."""
    cut = raw[:most]
    try:
        # A character may have been cut in two at the end.
        text = cut.decode() if len(raw) <= most else cut[: cut.rfind(b"\n") + 1 or most].decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    return f"{text}..." if len(raw) > most else text
