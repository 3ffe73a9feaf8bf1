"""What the folder of one derivation holds: its whole realizations, and what is known of each.

A shelf is read from the disk, or taken from the index if the folder has not changed since: names in
a folder cannot come or go without its modification time telling.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

from pylightnix.core.config import parse_config
from pylightnix.core.hashing import config_digest
from pylightnix.core.manifest import META, context_prefix, parse_manifest, rref_of
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.core.value import changed

from .books import NOBODY, TABLE, Book, ConfigFacts, Shelf, as_word, decode_shelf, encode_shelf
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .index import Index

# Times of files come from a clock that ticks every few milliseconds. A folder that was changed a
# moment ago can change again without a new time, so what was read of it is not remembered (git
# calls such entries racy).
RACY_NS = 50_000_000


def context_key(dref: DRef, context: Mapping[DRef, Sequence[RRef]]) -> str:
    """Digest a derivation with the realizations of its direct dependencies: 32 hex digits."""
    return prefix_key(context_prefix(dref, context))


def prefix_key(prefix: bytes) -> str:
    """Digest what `context_prefix` gave."""
    return sha256(prefix).hexdigest()[:32]


def shelf_of(store: Store, dref: DRef, *, config: bool = False) -> Shelf | None:
    """Give what a derivation's folder holds; None if there is no folder.

    If it has to be read, and `config` is true, then with what the config says: one row to write.

    Effects: checks the contents of realizations that were never seen before; remembers in the
        index, where there is one, what is certain to be noticed if it changes.
    """
    try:
        status = os.stat(drv_path(store, dref))
    except (FileNotFoundError, NotADirectoryError):
        return None
    # Inode, modification and change time: no name can come or go without one of them telling.
    identity = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    index = store.index
    known = None if index is None else _recalled(index, dref)
    durable = store.durability != "none"
    if known is not None and known.identity == identity and known.durable >= durable:
        return known
    if status.st_nlink == 2 and index is not None and index.folders_are_counted(store.objects):
        return Shelf(identity, ())  # no subfolders, so no realizations: a new derivation
    now_ns = time.time_ns()
    shelf = read_shelf(store, dref, identity, known, config)
    if index is not None:
        # A copy under way fills a strange folder without touching this one.
        certain = not shelf.strange and shelf.tidy and now_ns - max(identity[1:]) > RACY_NS
        _remember(index, dref, shelf, certain=certain)
    return shelf


def _recalled(index: Index, dref: DRef) -> Shelf | None:
    """What is remembered of a derivation; its identity says of which state of the folder."""
    shelf = index.memory.get(dref)
    if isinstance(shelf, Shelf):
        return shelf
    row = index.get(TABLE, dref)
    if row is None:
        return None
    try:
        shelf = decode_shelf(dref, row)
    except ValueError:
        return None
    index.memory[dref] = shelf
    return shelf


def _remember(index: Index, dref: DRef, shelf: Shelf, *, certain: bool) -> None:
    """Remember a derivation; if it is not certain, only as a help for reading it again."""
    if certain:
        index.memory[dref] = shelf
        index.put(TABLE, dref, encode_shelf(shelf))
    else:
        index.memory[dref] = changed(shelf, identity=NOBODY)


def doubt(store: Store, dref: DRef) -> None:
    """Make everybody read a derivation's folder again: something in it was found to be damaged.

    The folder gets a new time, so that no process believes what it remembers; where that cannot be
    done, at least this one does not, nor whoever reads the index from now on.
    """
    with suppress(OSError):
        os.utime(drv_path(store, dref))
    if store.index is not None:
        store.index.memory.pop(dref, None)
        store.index.put(TABLE, dref, "")
        store.index.flush()


def add_book(store: Store, dref: DRef, book: Book) -> None:
    """Remember a realization that was just made, as a help for reading its derivation again."""
    if store.index is None:
        return
    shelf = store.index.memory.get(dref)
    old = shelf.books if isinstance(shelf, Shelf) else ()
    others = tuple(known for known in old if known.rref != book.rref)
    store.index.memory[dref] = Shelf(NOBODY, (*others, book))


def facts_of(store: Store, dref: DRef, shelf: Shelf) -> ConfigFacts:
    """Give what the config of a derivation says, reading it only if the shelf does not know."""
    if shelf.config is not None:
        return shelf.config
    facts = _facts(store, dref)
    if store.index is not None and facts.size_bytes >= 0:
        known = store.index.memory.get(dref)
        certain = isinstance(known, Shelf) and known.identity == shelf.identity
        _remember(store.index, dref, changed(shelf, config=facts), certain=certain)
    return facts


def _facts(store: Store, dref: DRef) -> ConfigFacts:
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
    facts = _facts(store, dref) if config and has_config else None
    if facts is not None and facts.size_bytes < 0:
        facts = None  # a copy may be on its way
    return Shelf(identity, books, strange, facts, has_config, durable, tidy)


def begun_with(store: Store, dref: DRef, prefix: bytes) -> list[RRef] | None:
    """Give the whole realizations whose manifest begins so, sorted; None if there is no folder.

    Where nothing can be remembered, reading more of them would be in vain.
    """
    try:
        names = os.listdir(drv_path(store, dref))
    except (FileNotFoundError, NotADirectoryError):
        return None
    found = (rref for name in names if (rref := parse_rref(dref, name)) is not None)
    return sorted(rref for rref in found if _begins(store, rref, prefix))


def _begins(store: Store, rref: RRef, prefix: bytes) -> bool:
    from .verified import is_valid

    try:
        path = f"{rref_path(store, rref)}/{META}/manifest.json"
        return is_valid(store, rref) and read_bytes(path, len(prefix)) == prefix
    except (FileNotFoundError, NotADirectoryError):
        return False  # collected, or deleted, while we looked


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
        # of another store: then it is younger, and was built at another time.
        if before is not None and before.arrived_s == arrived_s(store, rref):
            return before
        return _read_book(store, rref)
    except (FileNotFoundError, NotADirectoryError):
        return None  # collected, or deleted, while we looked


def _read_book(store: Store, rref: RRef) -> Book:
    folder = rref_path(store, rref)
    raw = read_bytes(f"{folder}/{META}/manifest.json", end=MANIFEST_END)
    if rref_of(raw, rref2dref(rref)) != rref:
        parse_manifest(raw)  # says what is wrong with it
    prefix, needs, size = seen_in_manifest(raw)
    stop, extra = _stop(folder)
    return Book(
        rref, prefix_key(prefix), stop, len(raw) + extra + size, arrived_s(store, rref), needs
    )


def arrived_s(store: Store, rref: RRef) -> float:
    """Tell when a realization came into this store, in seconds since 1970."""
    return os.lstat(rref_path(store, rref)).st_ctime


def mkbook(
    rref: RRef,
    key: str,
    context: Mapping[DRef, Sequence[RRef]],
    stop: str,
    size_bytes: int,
    arrived_s: float,
) -> Book:
    """Put together what is known of a realization; `key` is its `context_key`."""
    needs = tuple(sorted({used for chosen in context.values() for used in chosen}))
    return Book(rref, key, stop, size_bytes, arrived_s, needs)


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
