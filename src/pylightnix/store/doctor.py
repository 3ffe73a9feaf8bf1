"""Look a store over, and name the commands that mend it.

Asked is what the file system can do, what is left lying about, and what is wrong. Changes nothing
but a probe folder of its own, which it takes away.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pylightnix.core.refs import RRef

from . import fsys, probes
from .gc import COLLECTION
from .layout import SCHEMA, VAR_PARTS, Store, drv_path, rref_path, var_path
from .leftovers import leftovers
from .roots import live_refs, named_roots
from .usage import tree_bytes
from .verify import inspect

LOW_SPACE_BYTES = 1 << 30
CLOCK_TOLERANCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: what was looked at.
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
        _scratch,
        _trash,
        _index,
    )
    found = [finding for check in checks for finding in check(store)]
    return [*found, *_objects(store, contents)]


def _layout(store: Store) -> Iterator[Finding]:
    missing = [part for part in VAR_PARTS if not os.path.isdir(var_path(store, part))]
    detail = f"missing below {store.var}: {', '.join(missing)}" if missing else store.objects
    yield Finding("folders", not missing, detail, "pylightnix init" if missing else "")
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
    yield Finding("file system", same, detail, "" if same else "export PYLIGHTNIX_TMP=<same disk>")
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
    dangling = False
    for name, ref in named_roots(store).items():
        path = rref_path(store, ref) if isinstance(ref, RRef) else drv_path(store, ref)
        if not os.path.lexists(path):
            dangling = True
            yield Finding(
                "root",
                False,
                f"{name} is for {ref}, which is not here",
                f"pylightnix root rm {name}",
            )
    if not dangling:
        yield Finding("roots", True, "all point to something")


def _scratch(store: Store) -> Iterator[Finding]:
    found = list(leftovers(store, time.time(), list(live_refs(store, tidy=False))))
    mend = "pylightnix gc --leftovers --grace 0"
    for leftover in found[:20]:
        yield Finding(
            "left-over",
            False,
            f"{leftover.path}: {leftover.what}, {leftover.size_bytes} bytes",
            mend,
        )
    if len(found) > 20:
        yield Finding("left-over", False, f"and {len(found) - 20} more", mend)
    if not found:
        yield Finding("left-overs", True, "none")


def _trash(store: Store) -> Iterator[Finding]:
    size, names = 0, _listed(var_path(store, "trash"))
    with suppress(OSError):
        size = tree_bytes(var_path(store, "trash"))
    undo = any(name.startswith(COLLECTION) for name in names)
    detail = f"{size} bytes" + (", the last collection can be undone" if undo else "")
    yield Finding("trash", not names, detail, "pylightnix gc --empty-trash" if names else "")


def _index(store: Store) -> Iterator[Finding]:
    from .index import sound

    ok = sound(f"{store.var}/index.sqlite")
    detail = "sound" if ok else "damaged; it is made again when it is next needed"
    yield Finding("index", ok, detail, "" if ok else "pylightnix index --rebuild")


def _objects(store: Store, contents: bool) -> Iterator[Finding]:
    report = inspect(store, contents=contents)
    for fault in (*report.damaged, *report.notices)[:50]:
        yield Finding(
            "object", False, f"{fault.ref}: {fault.path} {fault.what}", "pylightnix verify --repair"
        )
    for ref in dict.fromkeys(fault.ref for fault in report.incomplete):
        yield Finding("object", True, f"{ref} is incomplete: a copy under way, or cut short")
    if not report.damaged and not report.notices:
        yield Finding("objects", True, f"{report.checked} are as their names say")


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
