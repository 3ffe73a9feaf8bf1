"""Quarantine: damaged objects are moved into `var/trash`, where their owner may look at them."""

from __future__ import annotations

import os
from contextlib import suppress

from pylightnix.core.reclaim import Ref
from pylightnix.core.refs import DRef, RRef

from . import fsys
from .check import faults
from .collector import collector_lock
from .layout import Store, config_path, drv_path, rref_path
from .lock import StoreBusy, build_lock
from .query import dref_of
from .roots import live_refs
from .trouble import is_passing
from .verify import Report, config_fault

# How long a repair waits for whoever builds the damaged thing.
_WAIT_S = 60.0


def quarantine(store: Store, report: Report) -> tuple[Ref, ...]:
    """Move damaged objects out of the store into `var/trash`; gives them.

    Of a derivation just its config goes.
    """
    damaged = tuple(dict.fromkeys(fault.ref for fault in report.damaged))
    for ref in damaged:
        # Under the build lock, and looking again: whoever realizes meets the damage too, and may
        # have put a whole object in its place. Who holds the lock for long is at that very work.
        with (
            suppress(StoreBusy, FileNotFoundError),
            build_lock(store, dref_of(ref), wait_s=_WAIT_S),
            collector_lock(store, shared=False),
        ):
            if not _is_whole(store, ref):
                path = rref_path(store, ref) if isinstance(ref, RRef) else config_path(store, ref)
                fsys.to_trash(store, path)
            _drop_if_empty(store, dref_of(ref))
    return damaged


def _drop_if_empty(store: Store, dref: DRef) -> None:
    """Delete the folder of a derivation of which nothing is left, unless it is being written."""
    if dref not in live_refs(store):
        with suppress(OSError):
            os.rmdir(drv_path(store, dref))


def _is_whole(store: Store, ref: Ref) -> bool:
    if isinstance(ref, RRef):
        return next(faults(store, ref), None) is None
    try:
        return config_fault(ref, fsys.read_bytes(config_path(store, ref))) is None
    except OSError as error:
        if is_passing(error) or isinstance(error, FileNotFoundError):
            raise
        return False
