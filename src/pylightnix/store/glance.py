"""What a listing wants to know of our own files, out of their bytes: parsing takes far longer.

A canonical text has no spaces, and a quotation mark inside a string stands behind a backslash. So
what is looked for here cannot be part of a string. Whoever calls knows that the bytes are canonical
by their hash: what was once found to be whole has a name that is the hash of its manifest.
"""

from __future__ import annotations

from pylightnix.core.refs import DRef, RRef, isdref

CONTEXT_END = b'"entries":['
MANIFEST_END = b',"version":1}'
PROVENANCE_END = b'"}'
_SIZES_BEHIND = (b'","f",', b'","x",')
_DREF, _RREF, _STOP = b'"dref:', b'"rref:', b'"stop":"'


def seen_in_manifest(raw: bytes) -> tuple[bytes, tuple[RRef, ...], int]:
    """Give its `context_prefix`, the realizations in that, sorted, and the bytes of all files."""
    start = raw.index(CONTEXT_END) + len(CONTEXT_END)
    prefix, total = raw[:start], 0
    needs: tuple[RRef, ...] = ()
    if _RREF in prefix:
        found = {part[: part.index(b'"')].decode() for part in prefix.split(_RREF)[1:]}
        needs = tuple([str.__new__(RRef, f"rref:{rest}") for rest in sorted(found)])
    for mark in _SIZES_BEHIND:
        for part in raw.split(mark)[1:]:
            total += int(part[: part.index(b",")])
    return prefix, needs, total


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
    start = raw.index(_STOP) + len(_STOP)
    return raw[start : raw.index(b'"', start)].decode()
