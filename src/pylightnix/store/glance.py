"""What a listing wants to know of our own files, out of their bytes: parsing takes far longer.

A canonical text has no spaces, and a quotation mark inside a string stands behind a backslash. So
what is looked for here cannot be part of a string. Whoever calls knows that the bytes are canonical
by their hash: what was once found to be whole has a name that is the hash of its manifest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pylightnix.core.codec import parse_json
from pylightnix.core.refs import DRef, RRef, isdref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MANIFEST_END = b',"version":1}'
PROVENANCE_END = b'"}'
_CONTEXT, _CONTEXT_END = b'{"context":', b',"dref":"'
_SIZES_BEHIND = (b'","f",', b'","x",')
_DREF, _STOP = b'"dref:', b'"stop":"'


def seen_in_manifest(raw: bytes) -> tuple[Mapping[DRef, Sequence[RRef]], int]:
    """Give the context in a manifest, and the bytes of all files."""
    listed, total = raw[len(_CONTEXT) : raw.index(_CONTEXT_END)], 0
    for mark in _SIZES_BEHIND:
        for part in raw.split(mark)[1:]:
            total += int(part[: part.index(b",")])
    return ({} if listed == b"{}" else _context(parse_json(listed))), total


def _context(lists: Any) -> dict[DRef, tuple[RRef, ...]]:
    return {
        str.__new__(DRef, dep): tuple([str.__new__(RRef, rref) for rref in rrefs])
        for dep, rrefs in lists.items()
    }


def deps_in_config(raw: bytes) -> tuple[DRef, ...] | None:
    """Give the derivations that a config mentions, sorted; None where it must be parsed."""
    if b"\\" in raw:
        return None
    found = set()
    for part in raw.split(_DREF)[1:]:
        rest, _, after = part.partition(b'"')
        text = f"dref:{rest.decode(errors='replace')}"
        if after[:1] == b":" or not isdref(text):
            return None  # a key, or no reference after all
        found.add(text)
    return tuple([str.__new__(DRef, text) for text in sorted(found)])


def stop_in_provenance(raw: bytes) -> str | None:
    """Give when a build ended, as its build.json says; None where that must be parsed."""
    if not raw.isascii() or b"\\" in raw or raw.count(b"{") != 1 or raw.count(_STOP) != 1:
        return None
    stop, closed, _ = raw.partition(_STOP)[2].partition(b'"')
    return stop.decode() if closed else None
