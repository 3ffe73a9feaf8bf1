"""Look into objects: ls, cat, path, find."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from pylightnix.api.bashlike import artifact
from pylightnix.core.errors import StoreError
from pylightnix.core.legible import size
from pylightnix.core.manifest import Entry
from pylightnix.core.refs import RRef
from pylightnix.store.layout import NotInStore, Store
from pylightnix.store.lookup import resolve
from pylightnix.store.query import config_of, manifest_of
from pylightnix.store.usage import path_of

from .exits import DONE
from .facts import Fact, fact_json, facts_of
from .out import chunks, pour, say_json, say_lines
from .pick import home, inside, parts_of, realization, store_of
from .sheet import realization_rows
from .text import columns, escaped

_MARKS = {"f": "-", "x": "x", "d": "d", "l": "l"}


class IsFolder(StoreError):
    """A file is wanted, and this is a folder."""

    def __init__(self, ref: str, path: str) -> None:
        super().__init__(ref, path)
        self.ref, self.path = ref, path

    def __str__(self) -> str:
        return f"{self.path} in {self.ref} is a folder: list it with `pylightnix ls`"


def ls(args: Namespace) -> int:
    """List derivations, the realizations of a derivation, or the artifacts of a realization."""
    if args.ref is None:
        from .cmd_list import ls as ls_store

        return ls_store(args)
    store = store_of(args)
    ref = resolve(store, args.ref) if args.path is None else realization(store, args.ref)
    if isinstance(ref, RRef):
        _ls_artifacts(store, ref, parts_of(args.path or ""), as_json=args.json)
    else:
        config_of(store, ref)  # one that is not there has no realizations either
        _ls_realizations(facts_of(store, ref)[1], as_json=args.json)
    return DONE


def _ls_realizations(found: Sequence[Fact], *, as_json: bool) -> None:
    if as_json:
        say_json([fact_json(fact) for fact in found])
    else:
        say_lines(realization_rows(found))


def _ls_artifacts(store: Store, rref: RRef, parts: Sequence[str], *, as_json: bool) -> None:
    listed = _children(manifest_of(store, rref).entries, rref, "/".join(parts))
    if as_json:
        say_json([_entry_json(entry) for entry in listed])
    else:
        say_lines(columns([_entry_row(entry) for entry in listed], right=(1,)))


def _children(entries: Sequence[Entry], rref: RRef, path: str) -> list[Entry]:
    """What is directly in a folder; anything else is listed itself."""
    own = next((entry for entry in entries if entry[0] == path), None)
    if own is not None and own[1] != "d":
        return [own]
    if own is None and path:
        raise NotInStore(f"{rref}/{path}", "no such file or folder in the realization")
    return [entry for entry in entries if entry[0].rpartition("/")[0] == path]


def _entry_row(entry: Entry) -> tuple[str, str, str]:
    name = entry[0].rpartition("/")[2]
    target = f" -> {escaped(entry[2])}" if len(entry) == 3 else ""
    length = size(entry[2]) if len(entry) == 4 else ""
    return _MARKS[entry[1]], length, escaped(name) + target


def _entry_json(entry: Entry) -> dict[str, object]:
    return {
        "kind": entry[1],
        "path": entry[0],
        "sha256": entry[3] if len(entry) == 4 else None,
        "size_bytes": entry[2] if len(entry) == 4 else None,
        "target": entry[2] if len(entry) == 3 else None,
    }


def cat(args: Namespace) -> int:
    """Write an artifact as it is."""
    store = store_of(args)
    rref = realization(store, args.ref)
    name = "/".join(parts_of(args.path))
    if os.path.isdir(inside(path_of(store, rref), rref, name)):
        raise IsFolder(rref, name or ".")
    file = artifact(rref, name.split("/"), store)
    if args.json:
        say_json(_content(rref, name, b"".join(chunks(file))))
    else:
        pour(chunks(file))
    return DONE


def _content(rref: RRef, path: str, data: bytes) -> dict[str, object]:
    from base64 import b64encode

    try:
        content, encoding = data.decode(), "utf-8"
    except UnicodeDecodeError:
        content, encoding = b64encode(data).decode(), "base64"
    known: dict[str, object] = {"path": path, "rref": rref, "size_bytes": len(data)}
    return known | {"content": content, "encoding": encoding}


def path(args: Namespace) -> int:
    """Print the folder of an object, or the path of something in it."""
    ref, folder = home(store_of(args), args.ref, derivation=args.derivation)
    found = inside(folder, ref, args.path)
    if args.json:
        say_json({"path": found, "ref": ref})
    else:
        pour([os.fsencode(found), b"\n"])  # not escaped: it goes to `cd`, whatever it holds
    return DONE
