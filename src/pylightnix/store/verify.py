"""Verify: compare everything with its name, and mend what can be mended here.

Damage is told from copies under way.

Damaged objects are put into quarantine, never deleted; making them again is for whoever has a
closure or a substituter.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from pylightnix.core.codec import canonical_json
from pylightnix.core.config import parse_config
from pylightnix.core.hashing import config_digest
from pylightnix.core.manifest import META
from pylightnix.core.reclaim import Ref
from pylightnix.core.refs import DRef, RRef

from . import fsys
from .check import Fault, faults
from .collector import collector_lock
from .layout import (
    CONFIG,
    NotInStore,
    Store,
    config_path,
    drv_path,
    parse_drv,
    parse_rref,
    rref_path,
)
from .losses import forget_loss, is_known_loss
from .query import dref_of
from .shelf import doubt
from .trouble import is_passing, status_of
from .verified import distrust, is_valid, was_seen

# How often an object is looked at anew because something of it went away under our eyes.
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What verification found.

    Attributes:
        damaged: every path that is not what a name says.
        incomplete: foreign objects of which something is missing, as of a copy under way or cut
            short. No damage.
        notices: what harms nothing: write permissions, a lost build.json. Repair mends them.
        repaired: objects that were damaged, or had notices, and are whole again.
        lost: objects that were damaged and could not be made again; what is left of them is in
            `var/trash`.
        checked: how many objects were looked at.
        failure: why not everything could be made again, in words; empty if it could, or was not to.
    """

    damaged: tuple[Fault, ...] = ()
    incomplete: tuple[Fault, ...] = ()
    notices: tuple[Fault, ...] = ()
    repaired: tuple[Ref, ...] = ()
    lost: tuple[Ref, ...] = ()
    checked: int = 0
    failure: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is no damage left."""
        return not {fault.ref for fault in self.damaged}.difference(self.repaired)


@dataclass
class _Findings:
    damaged: list[Fault] = field(default_factory=list)
    incomplete: list[Fault] = field(default_factory=list)
    notices: list[Fault] = field(default_factory=list)
    checked: int = 0


def inspect(store: Store, refs: Iterable[Ref] | None = None, *, contents: bool = True) -> Report:
    """Look at objects, changing nothing but the notes of what was found good or bad before.

    Args:
        store: where.
        refs: these; a derivation with all its realizations. By default everything.
        contents: hash the contents; otherwise compare kinds, sizes and x bits.

    Raises:
        NotInStore: one of `refs` is not there.
    """
    found = _Findings()
    for ref in _targets(store, refs):
        _look(store, ref, contents, found)
    return Report(
        tuple(found.damaged), tuple(found.incomplete), tuple(found.notices), checked=found.checked
    )


def _targets(store: Store, refs: Iterable[Ref] | None) -> Iterator[Ref]:
    if refs is None:
        names = sorted(os.listdir(store.objects))
        wanted: list[Ref] = [dref for name in names if (dref := parse_drv(name)) is not None]
    else:
        wanted = list(refs)
    for ref in wanted:
        if refs is not None and not os.path.lexists(_path(store, ref)):
            raise NotInStore(ref, "nothing to verify")
        yield ref
        if isinstance(ref, DRef):
            yield from _realizations(store, ref)


def _path(store: Store, ref: Ref) -> str:
    return rref_path(store, ref) if isinstance(ref, RRef) else drv_path(store, ref)


def _realizations(store: Store, dref: DRef) -> list[RRef]:
    try:
        names = sorted(os.listdir(drv_path(store, dref)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [rref for name in names if (rref := parse_rref(dref, name)) is not None]


def _look(store: Store, ref: Ref, contents: bool, found: _Findings) -> None:
    """Look at one object, and find nothing if it is collected or deleted meanwhile."""
    for _ in range(_ATTEMPTS):
        seen = _Findings(checked=1)
        try:
            if isinstance(ref, RRef):
                _look_at_realization(store, ref, contents, seen)
            else:
                _look_at_derivation(store, ref, seen)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if status_of(_path(store, ref)) is not None:
            found.damaged += seen.damaged
            if seen.damaged or seen.incomplete:
                doubt(store, dref_of(ref))
            found.incomplete += seen.incomplete
            found.notices += seen.notices
            found.checked += seen.checked
        return


def _look_at_derivation(store: Store, dref: DRef, found: _Findings) -> None:
    try:
        raw = fsys.read_bytes(config_path(store, dref))
    except (FileNotFoundError, NotADirectoryError):
        _note_absence(store, dref, "is missing", found)
        return
    except OSError as error:
        if is_passing(error):
            raise
        found.damaged.append(Fault(dref, CONFIG, f"cannot be read: {error.strerror}"))
        return
    if not raw:
        _note_absence(store, dref, "is empty", found)
        return
    forget_loss(store, dref)
    what = config_fault(dref, raw)
    if what is not None:
        found.damaged.append(Fault(dref, CONFIG, what))
    elif os.lstat(config_path(store, dref)).st_mode & 0o222:
        found.notices.append(Fault(dref, CONFIG, "can be written to"))


def _note_absence(store: Store, dref: DRef, what: str, found: _Findings) -> None:
    """Tell a config that is lost from one that never came.

    A copy program makes folders first, and a power cut leaves an empty file of a config that no
    realization needed yet. But a derivation with realizations that were good here has lost one.
    """
    if is_known_loss(store, dref):
        what = "is lost: instantiate its stage, or copy it from a store that has it"
        found.incomplete.append(Fault(dref, CONFIG, what, partial=True))
        return
    seen = any(was_seen(store, rref) for rref in _realizations(store, dref))
    (found.damaged if seen else found.incomplete).append(
        Fault(dref, CONFIG, what, partial=not seen)
    )


def config_fault(dref: DRef, raw: bytes) -> str | None:
    """Tell what is wrong with the bytes of a config; None if nothing is."""
    if config_digest(raw) != dref[5:37]:
        return "its hash is not that of the derivation"
    try:
        name = parse_config(raw).name
    except ValueError as error:
        return f"is not a config: {error}"
    return None if name == dref[38:] else f"is of {name}: the folder has a wrong name"


def _look_at_realization(store: Store, rref: RRef, contents: bool, found: _Findings) -> None:
    wrong = list(faults(store, rref, contents=contents))
    if not wrong:
        if contents:
            is_valid(store, rref)  # notes it, where it was not noted
        found.notices.extend(_notices(store, rref))
    elif all(fault.partial for fault in wrong) and not was_seen(store, rref):
        found.incomplete.extend(wrong)
    else:
        found.damaged.extend(wrong)
        distrust(store, rref)


def _notices(store: Store, rref: RRef) -> Iterator[Fault]:
    folder = rref_path(store, rref)
    if not os.path.isfile(f"{folder}/{META}/build.json"):
        yield Fault(
            rref, f"{META}/build.json", "is lost: nobody knows when and by whom it was built"
        )
    for path, status in _everything(folder):
        if not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o222:
            yield Fault(rref, path or ".", "can be written to")


def _everything(folder: str, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    yield prefix.rstrip("/"), os.lstat(f"{folder}/{prefix}" if prefix else folder)
    with os.scandir(f"{folder}/{prefix}") as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _everything(folder, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.stat(follow_symlinks=False)


def mend_notices(store: Store, report: Report) -> tuple[Ref, ...]:
    """Take off write permissions and put an empty build.json in the place of a lost one.

    Returns:
        What was mended.
    """
    mended: dict[Ref, None] = {}
    for fault in report.notices:
        # A collector opens a folder up just before it takes it away: not in between.
        with suppress(OSError), collector_lock(store, shared=True):
            _mend(store, fault)
            mended[fault.ref] = None
    return tuple(mended)


def _mend(store: Store, fault: Fault) -> None:
    path = os.path.normpath(f"{_path(store, fault.ref)}/{fault.path}")
    if fault.path == f"{META}/build.json" and not os.path.isfile(path):
        _write_in(os.path.dirname(path), path)
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, mode & ~0o222)
    if isinstance(fault.ref, RRef):
        is_valid(store, fault.ref)  # its times changed with its modes: note it anew


def _write_in(folder: str, path: str) -> None:
    os.chmod(folder, 0o755)
    try:
        fsys.delete_tree(path)  # whatever has its name
        fsys.write_new(path, canonical_json({"lost": True}))
    finally:
        os.chmod(folder, 0o555)
