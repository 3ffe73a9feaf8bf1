"""Look a store over, and name the commands that mend it.

Asked is what the file system can do, what is left lying about, and what is wrong. Changes nothing
but a probe folder of its own, which it takes away.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote

from pylightnix.core.refs import RRef

from . import fsys, probes
from .check import Fault
from .gc import COLLECTION
from .layout import SCHEMA, VAR_PARTS, Store, drv_path, rref_path, trash_path, var_path
from .leftovers import leftovers
from .lock import LEASE_S
from .roots import live_refs, named_roots
from .usage import tree_bytes
from .verify import inspect

DAMAGE = "damage"
LOW_SPACE_BYTES = 1 << 30
CLOCK_TOLERANCE_S = 2.0
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: what was looked at; `damage` for each damaged place in an object.
        ok: whether all is well.
        detail: what was found, in words.
        mend: the command that mends it; empty if all is well, or if there is nothing that a command
            can do.
    """

    check: str
    ok: bool
    detail: str
    mend: str = ""


def examine(store: Store, *, contents: bool = False) -> list[Finding]:
    """Make all checks.

    Args:
        store: the one to look over.
        contents: hash the contents of every object, which may take long; otherwise compare kinds
            and sizes.

    Returns:
        Findings, good and bad, in a fixed order of checks.
    """
    checks: tuple[Callable[[Store], Iterator[Finding]], ...] = (
        _layout,
        _schema,
        _file_system,
        _clock,
        _space,
        _roots,
        _locks,
        _scratch,
        _trash,
        _index,
    )
    found = [finding for check in checks for finding in check(store)]
    return [*found, *_objects(store, contents)]


def _layout(store: Store) -> Iterator[Finding]:
    wrong = [part for part in VAR_PARTS if not os.path.isdir(var_path(store, part))]
    for part in [part for part in wrong if os.path.lexists(var_path(store, part))]:
        path = var_path(store, part)
        aside = f"mv {quote(path)} {quote(path + '.aside')} && pylightnix init"
        yield Finding("folders", False, f"{path} is no folder", aside)
    missing = [part for part in wrong if not os.path.lexists(var_path(store, part))]
    if missing:
        detail = f"missing below {store.var}: {', '.join(missing)}"
        yield Finding("folders", False, detail, "pylightnix init")
    if not wrong:
        yield Finding("folders", True, store.objects)
    writable = os.access(store.objects, os.W_OK) and os.access(store.var, os.W_OK)
    yield Finding("writable", True, "yes" if writable else "no: this store can only be read")


def _schema(store: Store) -> Iterator[Finding]:
    base = os.path.dirname(store.objects)
    others = [name for name in _listed(base) if name.startswith("store-v") and name != SCHEMA]
    detail = f"{SCHEMA}; beside it, of other versions: {', '.join(others)}" if others else SCHEMA
    yield Finding("schema", True, detail)


def _file_system(store: Store) -> Iterator[Finding]:
    try:
        same = os.stat(var_path(store, "tmp")).st_dev == os.stat(store.objects).st_dev
    except OSError:
        return  # a missing folder was named before
    detail = (
        "var and the objects share one" if same else "var is on another one: outputs are copied"
    )
    yield Finding("file system", same, detail, "" if same else _other_var(store))
    folder = f"{var_path(store, 'tmp')}/{fsys.incoming('probe')[6:]}"
    try:
        os.mkdir(folder)
    except OSError:
        return
    try:
        for name, needed, probe in probes.ALL:
            able = probe(folder)
            yield Finding(name, able or not needed, "works" if able else "does not work here")
    finally:
        fsys.delete_tree(folder)


def _other_var(store: Store) -> str:
    """Name the command that makes a folder `var` on the disk of the objects, if one can."""
    base = os.path.dirname(store.objects)
    if os.stat(base).st_dev != os.stat(store.objects).st_dev:
        return ""
    var = f"{base}/var" if store.var != f"{base}/var" else f"{base}/var.here"
    return f"export PYLIGHTNIX_TMP={quote(var)} && pylightnix init"


def _clock(store: Store) -> Iterator[Finding]:
    path = f"{var_path(store, 'tmp')}/{fsys.token()}"
    try:
        fsys.write_new(path, b"")
        off_s = abs(os.lstat(path).st_ctime - time.time())
        os.unlink(path)
    except OSError:
        return
    ok = off_s < CLOCK_TOLERANCE_S
    yield Finding(
        "clock",
        ok,
        f"the file system's clock is off by {off_s:.3f} s",
        "" if ok else "timedatectl set-ntp true",
    )


def _space(store: Store) -> Iterator[Finding]:
    status = os.statvfs(store.objects)
    free = status.f_bavail * status.f_frsize
    low = free < LOW_SPACE_BYTES or (status.f_files > 0 and status.f_favail < 1000)
    detail = f"{free >> 20} MiB and {status.f_favail} inodes are free"
    yield Finding(
        "free space", not low, detail, "pylightnix gc && pylightnix gc --empty-trash" if low else ""
    )


def _roots(store: Store) -> Iterator[Finding]:
    roots = named_roots(store)
    folder = var_path(store, "roots")
    wrong = [name for name in _listed(folder) if not name.startswith(".") and name not in roots]
    for name in wrong:
        mend = f"rm -r {quote(f'{folder}/{name}')}"
        yield Finding("root", False, f"{name} keeps nothing: it is no link to a reference", mend)
    for name, ref in roots.items():
        path = rref_path(store, ref) if isinstance(ref, RRef) else drv_path(store, ref)
        if not os.path.lexists(path):
            wrong.append(name)
            dashes = "-- " if name.startswith("-") else ""
            mend = f"pylightnix root rm {dashes}{name}"
            yield Finding("root", False, f"{name} is for {ref}, which is not here", mend)
    if not wrong:
        yield Finding("roots", True, "all point to something")


def _locks(store: Store) -> Iterator[Finding]:
    """Locks go with their holders; leases, where there are no locks, are seen to be stale."""
    folder = var_path(store, "locks")
    stale = False
    for name in _listed(folder):
        path = f"{folder}/{name}"
        with suppress(OSError):
            if name.endswith(".lease") and time.time() - os.lstat(path).st_mtime > LEASE_S:
                stale = True
                yield Finding("lock", False, f"{path}: its holder is gone", f"rm {quote(path)}")
    if not stale:
        held = sum(_is_held(f"{folder}/{name}") for name in _listed(folder))
        yield Finding("locks", True, f"{held} held" if held else "none is held")


def _is_held(path: str) -> bool:
    try:
        return bool(fsys.is_locked(path))
    except OSError:
        return False


def _scratch(store: Store) -> Iterator[Finding]:
    found = list(leftovers(store, time.time(), list(live_refs(store))))
    mend = "pylightnix gc --leftovers --grace 0"
    for leftover in found[:MOST_LISTED]:
        yield Finding(
            "left-over",
            False,
            f"{leftover.path}: {leftover.what}, {leftover.size_bytes} bytes",
            mend,
        )
    if len(found) > MOST_LISTED:
        yield Finding("left-over", False, f"and {len(found) - MOST_LISTED} more", mend)
    if not found:
        yield Finding("left-overs", True, "none")


def _trash(store: Store) -> Iterator[Finding]:
    size, names = 0, _listed(trash_path(store))
    with suppress(OSError):
        size = tree_bytes(trash_path(store))
    rest = [name for name in names if not name.startswith(COLLECTION)]
    detail = f"{size} bytes"
    if rest:
        detail += f", of which {len(rest)} are damaged objects in quarantine, or half deleted"
    if len(rest) < len(names):
        detail += ", the last collection can be undone"
    yield Finding("trash", not rest, detail, "pylightnix gc --empty-trash" if rest else "")


def _index(store: Store) -> Iterator[Finding]:
    from .index import sound

    ok = sound(f"{store.var}/index.sqlite")
    detail = "sound" if ok else "damaged; it is made again when it is next needed"
    yield Finding("index", ok, detail, "" if ok else "pylightnix index --rebuild")


def _objects(store: Store, contents: bool) -> Iterator[Finding]:
    report = inspect(store, contents=contents)
    yield from _faults(DAMAGE, report.damaged)
    yield from _faults("notice", report.notices)
    for fault in {fault.ref: fault for fault in reversed(report.incomplete)}.values():
        text = f"{fault.ref}: {fault.path} {fault.what}; incomplete, so nobody uses it"
        yield Finding("object", True, text)
    if not report.damaged and not report.notices:
        yield Finding("objects", True, f"{report.checked} are as their names say")


def _faults(check: str, faults: Sequence[Fault]) -> Iterator[Finding]:
    mend = "pylightnix verify --repair"
    for fault in faults[:MOST_LISTED]:
        yield Finding(check, False, f"{fault.ref}: {fault.path} {fault.what}", mend)
    if len(faults) > MOST_LISTED:
        yield Finding(check, False, f"and {len(faults) - MOST_LISTED} more places", mend)


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
