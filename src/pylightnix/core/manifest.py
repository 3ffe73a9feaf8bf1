"""The manifest of a realization: what it holds, of what, made with what.

Its hash is the realization's name.

    {"context":{dref:[rref,...]},"dref":...,"entries":[...],"version":1}

Entries are sorted by the bytes of their path: file `[path,"f",size_bytes,sha256]`, executable file
`[path,"x",...]`, folder `[path,"d"]`, link `[path,"l",target]`. Kind, name, length and content are
all told apart, so no two trees that differ share a name (the idea of a canonical archive: Dolstra
2006, section 5.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .codec import json_text, parse_json
from .hashing import realization_digest
from .refs import HEX, DRef, RRef, rref2dref
from .value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

VERSION = 1
META = ".pylightnix"
_QUOTED = '","'

Entry: TypeAlias = "tuple[str, str, int, str] | tuple[str, str] | tuple[str, str, str]"
"""`(path, "f"|"x", size_bytes, sha256)`, `(path, "d")` or `(path, "l", target)`."""


@value
class Manifest:
    """What a realization is: its derivation, its direct dependencies' realizations, every entry."""

    dref: DRef
    context: Mapping[DRef, Sequence[RRef]]
    entries: Sequence[Entry]


def context_prefix(dref: DRef, context: Mapping[DRef, Sequence[RRef]]) -> bytes:
    """Give the bytes with which the manifest of every realization of `dref` in this context begins.

    Keys are sorted, so context and derivation come first: whether a realization has the right
    context is one comparison of bytes, and a large manifest need not be parsed.
    """
    # References need no escaping, and this is asked for every derivation of every closure.
    lists = [f'"{dep}":["{_QUOTED.join(sorted(context[dep]))}"]' for dep in sorted(context)]
    text = ",".join(lists).replace('[""]', "[]")
    return f'{{"context":{{{text}}},"dref":"{dref}","entries":['.encode()


def context_key(context: Mapping[DRef, Sequence[RRef]]) -> str:
    """Give a context as one word, in which each realization tells which derivation it is of.

    No hash: it is asked for each derivation of each closure, and compared with one or two others.
    """
    lists = [",".join(sorted(context[dref])) or dref for dref in sorted(context)]
    return ";".join(lists) or "-"


def encode_manifest(manifest: Manifest) -> bytes:
    """Give the canonical bytes; entries are sorted here."""
    return with_entries(context_prefix(manifest.dref, manifest.context), manifest.entries)


def with_entries(prefix: bytes, entries: Iterable[Entry]) -> bytes:
    """Give the canonical bytes of a manifest of which `context_prefix` is known; sorts entries.

    Raises:
        UnicodeEncodeError: a path or a target is not text.
    """
    listed = ",".join([_entry_text(entry) for entry in sorted(entries, key=_path_bytes)])
    return prefix + f'{listed}],"version":{VERSION}}}'.encode()


def _entry_text(entry: Entry) -> str:
    path = json_text(entry[0])
    if len(entry) == 4:
        return f'[{path},"{entry[1]}",{entry[2]},"{entry[3]}"]'
    if len(entry) == 3:
        return f'[{path},"{entry[1]}",{json_text(entry[2])}]'
    return f'[{path},"{entry[1]}"]'


def rref_of(manifest: bytes, dref: DRef) -> RRef:
    """Give the reference of the realization of `dref` that has this manifest."""
    return str.__new__(RRef, f"rref:{realization_digest(manifest)}-{dref[5:]}")


def _path_bytes(entry: Entry) -> bytes:
    return entry[0].encode()


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest, strictly: only what `encode_manifest` could have written is one.

    Raises:
        ValueError: it is not; the text says why.
    """
    value = parse_json(data)
    if not isinstance(value, dict) or set(value) != {"context", "dref", "entries", "version"}:
        raise ValueError("the manifest does not have the fields context, dref, entries and version")
    if value["version"] != VERSION:
        raise ValueError(
            f"the manifest is of version {value['version']!r}; this is for version {VERSION}"
        )
    context = _parse_context(value["context"])
    manifest = Manifest(DRef(value["dref"]), context, tuple(_parse_entries(value["entries"])))
    if encode_manifest(manifest) != data:
        raise ValueError("the manifest is not in canonical form")
    return manifest


def _parse_context(lists: object) -> dict[DRef, tuple[RRef, ...]]:
    if not isinstance(lists, dict) or not all(isinstance(rrefs, list) for rrefs in lists.values()):
        raise ValueError("the context of the manifest is not a dictionary of lists")
    context = {DRef(dep): tuple(RRef(rref) for rref in rrefs) for dep, rrefs in lists.items()}
    if any(rref2dref(rref) != dep for dep, rrefs in context.items() for rref in rrefs):
        raise ValueError("the context of the manifest has a realization of another derivation")
    return context


def _parse_entries(items: object) -> Iterable[Entry]:
    if not isinstance(items, list):
        raise ValueError("the entries of the manifest are not a list")
    seen: set[str] = set()
    for item in items:
        match item:
            case [str(path), "d"] | [str(path), "l", str(_)]:
                pass
            case [str(path), "f" | "x", int(size), str(digest)] if _is_file(size, digest):
                pass
            case _:
                raise ValueError(f"the manifest has an entry of unknown form: {item!r:.200}")
        parts = path.split("/")
        if (
            path in seen
            or parts[0] == META
            or any(part in ("", ".", "..") or "\0" in part for part in parts)
        ):
            raise ValueError(f"the manifest has an impossible path: {path!r:.200}")
        seen.add(path)
        yield tuple(item)


def _is_file(size: int, digest: str) -> bool:
    # Not isinstance: JSON's `true` would pass for the size 1.
    return type(size) is int and size >= 0 and len(digest) == 64 and not digest.strip(HEX)
