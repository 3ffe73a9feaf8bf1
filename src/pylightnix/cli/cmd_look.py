"""Look into objects: ls, cat, path, find."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TypedDict

from pylightnix.api.bashlike import artifact
from pylightnix.api.bashlike import find as find_rrefs
from pylightnix.core.errors import StoreError
from pylightnix.core.manifest import Entry
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.layout import NotInStore, Store
from pylightnix.store.lookup import resolve
from pylightnix.store.query import config_of, drefs, manifest_of, preload
from pylightnix.store.shelf import shelf_of
from pylightnix.store.usage import path_of, size_of

from .exits import DONE
from .facts import Fact, fact_json, facts_of
from .out import chunks, pour, say_json, say_lines
from .pick import browsed, home, inside, parts_of, realization, short, store_of
from .sheet import realization_rows
from .text import columns, count, escaped, size
from .times import age, seconds_of, since

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
        return _ls_store(args)
    store = store_of(args)
    ref = resolve(store, args.ref) if args.path is None else realization(store, args.ref)
    if isinstance(ref, RRef):
        _ls_artifacts(store, ref, parts_of(args.path or ""), as_json=args.json)
    else:
        config_of(store, ref)  # one that is not there has no realizations either
        _ls_realizations(facts_of(store, ref)[1], as_json=args.json)
    return DONE


def _ls_store(args: Namespace) -> int:
    with browsed(args) as store:
        known = sorted(drefs(store), key=_by_name)
        preload(store, known)
        listed = [_drv(store, dref) for dref in known]
    if args.json:
        say_json(listed)
        return DONE
    now_s = time.time()
    say_lines(columns([_drv_row(drv, now_s) for drv in listed], right=(2, 3)))
    return DONE


def _by_name(dref: DRef) -> tuple[str, str]:
    return (dref[38:], dref)


class _Drv(TypedDict):
    """A derivation in the list, which is its machine form too."""

    dref: DRef
    name: str
    newest: str | None
    realizations: int
    size_bytes: int


def _drv(store: Store, dref: DRef) -> _Drv:
    shelf = shelf_of(store, dref)
    books = () if shelf is None else shelf.books
    stop = max((book.stop for book in books), default="")
    return {
        "dref": dref,
        "name": dref[38:],
        "newest": stop or None,
        "realizations": len(books),
        "size_bytes": size_of(store, dref)[0],
    }


def _drv_row(drv: _Drv, now_s: float) -> tuple[str, ...]:
    newest_s = None if drv["newest"] is None else seconds_of(drv["newest"])
    many = count(drv["realizations"], "realization")
    return drv["name"], short(drv["dref"]), many, size(drv["size_bytes"]), age(newest_s, now_s)


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


def find(args: Namespace) -> int:
    """Print the realizations that were asked for."""
    # Before 1970 there is nothing to tell apart, and `find` takes such a number for a time ago.
    newer = None if args.newer is None else max(since(args.newer, time.time()), 1e-6)
    with browsed(args) as store:
        found = find_rrefs(args.glob, newer, store)
    if args.json:
        say_json(found)
    else:
        say_lines(found)
    return DONE
