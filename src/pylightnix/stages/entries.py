"""What an archive says it holds: entries, and the names that they may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .guard import Guard

Parts: TypeAlias = tuple[str, ...]
Kind: TypeAlias = Literal["file", "folder", "symlink", "hardlink"]

_PART_BYTES = 255
_PATH_BYTES = 3072  # PATH_MAX is 4096; the rest is for the place where it will be installed
_DEPTH = 128  # shutil.rmtree calls itself once per level and holds a descriptor for each
TARGET_BYTES = 4095


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to make: where, what, and for a link where it leads (a hard link: `source`)."""

    name: str
    parts: Parts
    kind: Kind
    size_bytes: int = 0
    executable: bool = False
    target: str = ""
    source: Parts = ()


# Each entry comes with its bytes, which must be taken before the next entry is asked for.
Entries: TypeAlias = Iterator[tuple[Entry, Iterator[bytes]]]


def shown(raw: bytes) -> str:
    """A name as it can be shown, whatever bytes it is made of."""
    return raw.decode(errors="backslashreplace")


def parse_parts(raw: bytes, guard: Guard, *, of: str | None = None) -> Parts:
    """Take a name apart; `.` parts and doubled slashes vanish, and the folder `./` has no parts.

    `of` is the entry that a hard link's name belongs to.
    """
    name, what = (shown(raw[:_PART_BYTES]), "name") if of is None else (of, "link target")
    text = _text(name, raw, what, guard)
    if text.startswith("/"):
        raise guard.hostile(name, f"has an absolute {what} ({text[:80]!r})")
    parts = tuple(part for part in text.split("/") if part not in ("", "."))
    if ".." in parts:
        raise guard.hostile(name, f"has '..' in its {what} ({text[:80]!r})")
    if len(raw) > _PATH_BYTES or any(len(part.encode()) > _PART_BYTES for part in parts):
        raise guard.hostile(name, f"has a {what} that is too long")
    if len(parts) > _DEPTH:
        raise guard.hostile(name, f"has a {what} that is deeper than {_DEPTH} folders")
    return parts


def parse_target(name: str, raw: bytes, guard: Guard) -> str:
    """The text of a symbolic link; where it leads is judged when all links are known."""
    if len(raw) > TARGET_BYTES:
        raise guard.hostile(name, "has a link target that is too long")
    text = _text(name, raw, "link target", guard)
    if text.startswith("/"):
        raise guard.hostile(name, f"has an absolute link target ({text[:80]!r})")
    return text


def _text(name: str, raw: bytes, what: str, guard: Guard) -> str:
    """Decode a name or a target, or say why it is none."""
    if not raw:
        raise guard.hostile(name, f"has an empty {what}")
    if b"\0" in raw:
        raise guard.hostile(name, f"has a NUL in its {what}")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise guard.hostile(name, f"has a {what} that is not UTF-8") from None
