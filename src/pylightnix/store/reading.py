"""Read the folder of a derivation from the disk: its config, its realizations, what these say."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pylightnix.core.config import parse_config
from pylightnix.core.hashing import config_digest
from pylightnix.core.manifest import META, context_key, parse_manifest, rref_of
from pylightnix.core.refs import DRef, RRef, rref2dref

from .books import Book, ConfigFacts, Shelf, as_word
from .fsys import read_bytes, read_dated
from .glance import (
    MANIFEST_END,
    PROVENANCE_END,
    deps_in_config,
    seen_in_manifest,
    stop_in_provenance,
)
from .layout import CONFIG, INCOMING, Store, config_path, drv_path, parse_rref, rref_path
from .trouble import is_passing, read_if_possible


def read_facts(store: Store, dref: DRef) -> ConfigFacts:
    """Read what a config says; that it is missing or damaged, unless it cannot be told just now."""
    try:
        raw, came_s = read_dated(config_path(store, dref))
        if config_digest(raw) != dref[5:37]:
            raise ValueError(CONFIG)
        deps = deps_in_config(raw)
        return ConfigFacts(len(raw), came_s, parse_config(raw).deps if deps is None else deps)
    except ValueError:
        pass
    except OSError as error:
        # Not for want of descriptors: a collector that does not know what it needs would take it.
        if is_passing(error):
            raise
    return ConfigFacts(-1, 0.0, ())


def read_shelf(
    store: Store,
    dref: DRef,
    identity: tuple[int, int, int],
    before: Shelf | None = None,
    config: bool = False,
) -> Shelf:
    """Read a derivation's folder from the disk.

    Args:
        store: where.
        dref: the derivation.
        identity: of its folder, taken before the reading.
        before: what was known; of objects that are still whole it is kept.
        config: what that says is wanted too.
    """
    old = {} if before is None else {book.rref: book for book in before.books}
    names, has_config = _listed(drv_path(store, dref))
    tidy = not any(name.startswith(INCOMING) for name in names)
    found = sorted(rref for name in names if (rref := parse_rref(dref, name)) is not None)
    read = [_book(store, rref, old.get(rref)) for rref in found]
    books = tuple(book for book in read if book is not None)
    whole = {book.rref for book in books}
    strange = tuple(rref for rref in found if rref not in whole)
    durable = store.durability != "none"
    facts = read_facts(store, dref) if config and has_config else None
    if facts is not None and facts.size_bytes < 0:
        facts = None  # a copy may be on its way
    return Shelf(identity, books, strange, facts, has_config, durable, tidy)


def _listed(folder: str) -> tuple[list[str], bool]:
    """Names of entries that may be realizations, and whether there is a config."""
    names, has_config = [], False
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as listing:
        for entry in listing:
            if entry.name == CONFIG:
                has_config = entry.is_file(follow_symlinks=False)
            else:
                names.append(entry.name)
    return names, has_config


def _book(store: Store, rref: RRef, before: Book | None) -> Book | None:
    """Read what is worth knowing of a realization, unless it is known; None if it is not whole."""
    from .verified import is_valid

    try:
        if not is_valid(store, rref):
            return None
        # The same realization may have been deleted and have come again, or be known from the index
        # of another store: then it is younger, and was built at another time. And a copy program
        # may bring what tells the time when all else is whole.
        if before is not None and before.stop and before.arrived_s == arrived_s(store, rref):
            return before
        return _read_book(store, rref)
    except (FileNotFoundError, NotADirectoryError):
        return None  # collected, or deleted, while we looked


def _read_book(store: Store, rref: RRef) -> Book:
    folder = rref_path(store, rref)
    raw = read_bytes(f"{folder}/{META}/manifest.json", end=MANIFEST_END)
    if rref_of(raw, rref2dref(rref)) != rref:
        parse_manifest(raw)  # says what is wrong with it
    context, size = seen_in_manifest(raw)
    stop, extra = _stop(folder)
    size += len(raw) + extra
    return mkbook(rref, context, stop, size, arrived_s(store, rref))


def arrived_s(store: Store, rref: RRef) -> float:
    """Tell when a realization came into this store, in seconds since 1970."""
    return os.lstat(rref_path(store, rref)).st_ctime


def mkbook(
    rref: RRef,
    context: Mapping[DRef, Sequence[RRef]],
    stop: str,
    size_bytes: int,
    arrived_s: float,
) -> Book:
    """Put together what is known of a realization."""
    needs = tuple(sorted({used for chosen in context.values() for used in chosen}))
    return Book(rref, context_key(context), stop, size_bytes, arrived_s, needs)


def _stop(folder: str) -> tuple[str, int]:
    """When a build ended, and the length of the file that says so."""
    path = f"{folder}/{META}/build.json"
    raw = read_if_possible(path, PROVENANCE_END) or b""
    stop = stop_in_provenance(raw)
    return as_word(_parsed_stop(raw) if stop is None else stop), len(raw)


def _parsed_stop(raw: bytes) -> str:
    from pylightnix.core.codec import parse_json

    try:
        facts = parse_json(raw)
    except (ValueError, RecursionError):
        return ""
    return str(facts.get("stop", "")) if isinstance(facts, dict) else ""
