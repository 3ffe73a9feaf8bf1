"""Put derivations and realizations into the store.

Write protocol: build aside; canonicalise; write the manifest, whose hash is the final name; rename
next to the final place; flush; rename without replacing; flush the folder. At every instant,
whatever is killed or full, an object under a final name is whole, and what is not whole has a name
that readers ignore.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pylightnix.core.config import Config
from pylightnix.core.errors import StoreError
from pylightnix.core.manifest import META, context_prefix, rref_of, with_entries
from pylightnix.core.refs import DRef, RRef, rref2dref

from . import fsys
from .check import faults
from .filehash import NOTHING, Known
from .freeze import InvalidOutput, freeze_tree
from .layout import CONFIG, INCOMING, Store, drv_path, rref_path, var_path
from .provenance import Provenance, encode_provenance
from .query import has_derivation
from .reading import mkbook
from .shelf import add_book
from .syscalls import rename_noreplace, sync_filesystem
from .verified import remember

MANIFEST = f"{META}/manifest.json"
PROVENANCE = f"{META}/build.json"


def put_derivation(store: Store, dref: DRef, config: Config) -> None:
    """Write a config below its name; writes nothing if it is there.

    Made for what is likely not to be there: it is looked for only if its folder is.

    Raises:
        StoreError: it cannot be written; nothing of it stays.

    Effects: makes `<derivation>/config.json`, atomically; flushed at once with durability `full`,
        together with the first realization with `batch`.
    """
    folder = drv_path(store, dref)
    # Two processes that write one config at one nanosecond meet in O_EXCL, and one tries again.
    aside = f"{folder}/{INCOMING}{time.time_ns():x}-{id(config):x}"
    sync = store.durability == "full"
    try:
        if not _made(folder) and has_derivation(store, dref, config):
            return
        fsys.write_new(aside, config.canonical, sync=sync, dated=False)
        os.rename(aside, f"{folder}/{CONFIG}")
        if sync:
            fsys.sync_folder(folder)
            fsys.sync_folder(store.objects)
    except FileExistsError:
        put_derivation(store, dref, config)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(aside)
        if isinstance(error, OSError):
            raise StoreError(
                f"the config of {dref} cannot be written: {error}. "
                "Mend the disk (free space? permissions?) and try again"
            ) from error
        raise


def _made(folder: str) -> bool:
    """Make a folder; tell whether it was not there."""
    try:
        os.mkdir(folder)
        return True
    except FileExistsError:
        return False


def put_realization(
    store: Store,
    dref: DRef,
    context: Mapping[DRef, Sequence[RRef]],
    folder: str,
    provenance: Provenance,
    *,
    ours: bool = False,
    known: Known = NOTHING,
) -> RRef:
    """Make a built folder a realization, or find that an equal one is there.

    Args:
        store: where.
        dref: the derivation that was built.
        context: the realizations of the direct dependencies.
        folder: what the builder made; moved away if it is below `var/tmp`, otherwise copied.
        provenance: kept beside the manifest; of equal realizations the first one's stays.
        ours: the folder is one that `Scratch` named, on the store's file system.
        known: see `freeze_tree`; of a folder that is ours.

    Raises:
        InvalidOutput: the folder holds something that cannot be stored; nothing of it was.
        OSError: the disk is full or failing; nothing was published.
        StoreError: it was, and only its name could not be flushed.
    """
    mine = folder if ours else _own(store, folder)
    copied = not ours and os.path.basename(mine).startswith(INCOMING)
    try:
        told = known if ours else NOTHING
        rref, published = _put(store, dref, context, mine, provenance, told)
    except BaseException:
        # What a builder made stays where it is, for its owner to look at; our own copy of it goes.
        if copied:
            fsys.delete_tree(mine)
        raise
    if not published:
        fsys.delete_tree(mine)  # scrap, beside an equal realization
    return rref


def _put(
    store: Store,
    dref: DRef,
    context: Mapping[DRef, Sequence[RRef]],
    folder: str,
    provenance: Provenance,
    known: Known,
) -> tuple[RRef, bool]:
    """Canonicalise, name, publish; tells whether it was not there before."""
    inventory = freeze_tree(folder, sync=store.durability == "full", known=known)
    prefix = context_prefix(dref, context)
    manifest = with_entries(prefix, inventory.entries)
    rref = rref_of(manifest, dref)
    # Looking first saves a flush; without flushes the last rename finds out by itself.
    there = store.durability != "none" and os.path.lexists(rref_path(store, rref))
    published, status = False, None
    if not there or not _keep(store, rref):
        extra = _write_meta(folder, manifest, provenance, inventory.remarks, sync=inventory.sync)
        published = _publish(store, folder, rref)
        size = len(manifest) + extra + inventory.size_bytes
        if published:
            status = os.lstat(rref_path(store, rref))
            add_book(store, dref, mkbook(rref, context, provenance.stop, size, status.st_ctime))
    remember(store, rref, flushed=store.durability != "none", status=status)
    return rref, published


def _own(store: Store, folder: str) -> str:
    """Give a folder on the store's file system that is ours to move: if need be, a copy."""
    if "\0" in folder:
        raise InvalidOutput(folder, ".", "no path can hold a NUL")
    real = os.path.realpath(folder)
    if os.path.islink(folder) or not os.path.isdir(folder):
        raise InvalidOutput(
            folder, ".", "the builder must return a folder; is it a file, a link or not there?"
        )
    tmp = os.path.realpath(var_path(store, "tmp"))
    for inner in (tmp, os.path.realpath(store.objects)):
        if f"{inner}/".startswith(os.path.join(real, "")):
            # A copy of it would copy itself.
            raise InvalidOutput(folder, ".", "it holds the store itself; return a folder of yours")
    same_disk = os.stat(real).st_dev == os.stat(store.objects).st_dev
    if real.startswith(f"{tmp}/") and same_disk:
        return real
    from .ingest import copy_path

    copy = fsys.incoming(store.objects)
    try:
        copy_path(real, copy)
    except BaseException:
        fsys.delete_tree(copy)
        raise
    return copy


def _write_meta(
    folder: str, manifest: bytes, provenance: Provenance, remarks: Sequence[str], *, sync: bool
) -> int:
    """Write our own two files; gives the length of the one that is not hashed."""
    os.mkdir(f"{folder}/{META}", 0o755)
    fsys.write_new(f"{folder}/{MANIFEST}", manifest, sync=sync)
    raw = encode_provenance(provenance, remarks)
    fsys.write_new(f"{folder}/{PROVENANCE}", raw, sync=sync)
    _close_folder(f"{folder}/{META}", sync=sync)
    return len(raw)


def _close_folder(path: str, *, sync: bool) -> None:
    """Make a folder of ours read-only and old, as everything in the store is."""
    os.chmod(path, 0o555)
    os.utime(path, fsys.EPOCH)
    if sync:
        fsys.sync_folder(path)


def _publish(store: Store, folder: str, rref: RRef) -> bool:
    """Rename into the derivation's folder, close the top, flush, name it, flush the name."""
    home = drv_path(store, rref2dref(rref))
    # A scratch folder's name is nobody else's, and its outputs are installed one after the other.
    aside = f"{home}/{INCOMING}{folder.rsplit('/', 2)[-2]}-{time.time_ns():x}"
    # First to the new parent and only then read-only: without root a read-only folder cannot change
    # its parent.
    os.rename(folder, aside)
    try:
        _close_folder(aside, sync=store.durability == "full")
        if store.durability == "batch":
            # One flush for all files of the object. A failed flush is final: the kernel reports an
            # error once and then forgets it, so trying again would "succeed". The tree is thrown
            # away by the caller's handler.
            sync_filesystem(home)
        elif store.durability == "full":
            # Who wrote the config may have been of another durability, or killed before its flush.
            with suppress(FileNotFoundError):
                fsys.sync_file(f"{home}/{CONFIG}")
            fsys.sync_folder(store.objects)
        published = _name(store, aside, rref)
        if store.durability != "none":
            _flush_name(home, rref)
        return published
    except BaseException:
        fsys.delete_tree(aside)
        raise


def _flush_name(home: str, rref: RRef) -> None:
    try:
        fsys.sync_folder(home)
    except OSError as error:
        raise StoreError(
            f"{rref} is in the store, but may not outlive a power cut: its folder cannot be "
            f"flushed: {error}. Mend the disk and realize again: it is flushed before it is used"
        ) from error


def _name(store: Store, aside: str, rref: RRef) -> bool:
    """Give an object its final name; a good one that is there already wins, a bad one makes way."""
    while True:
        try:
            rename_noreplace(aside, rref_path(store, rref))
            return True
        except FileExistsError:
            if _keep(store, rref):
                fsys.delete_tree(aside)
                return False


def _keep(store: Store, rref: RRef) -> bool:
    """Tell whether what stands under a name deserves it; if not, quarantine it."""
    if next(faults(store, rref), None) is None:
        return True
    with suppress(FileNotFoundError):
        fsys.to_trash(store, rref_path(store, rref))
    return False


def is_folder(path: str) -> bool:
    """Tell whether a path is a folder itself, not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
