"""Derivations of the same name, and when they were built and how long that took."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from math import isfinite

from pylightnix.core.refs import DRef, RRef

from .layout import Store, drv_path, parse_drv, parse_rref, rref_path
from .query import provenance_of

# Of a stage that was built thousands of times the last few builds tell enough.
LAST_BUILDS = 5


def namesakes(store: Store, names: Collection[str]) -> dict[str, list[DRef]]:
    """Give the derivations of each of these names, those first that got something last.

    Args:
        store: where.
        names: which; one that no derivation has gets an empty list.
    """
    found: dict[str, list[tuple[int, DRef]]] = {name: [] for name in names}
    with os.scandir(store.objects) as listing:
        for entry in listing:
            listed = found.get(entry.name[33:])
            if listed is None or (dref := parse_drv(entry.name)) is None:
                continue
            try:
                listed.append((entry.stat().st_mtime_ns, dref))
            except OSError:  # somebody deletes it at this moment
                continue
    return {name: [dref for _, dref in sorted(pairs)[::-1]] for name, pairs in found.items()}


def durations(store: Store, dref: DRef) -> list[float]:
    """Give how long the last builds of a derivation took, in seconds, the latest last.

    Nothing is checked for being whole: this is for estimates.
    """
    folder = drv_path(store, dref)
    with suppress(OSError):
        names = [name for name in os.listdir(folder) if len(name) == 32]
        found = [rref for name in names if (rref := parse_rref(dref, name)) is not None]
        if len(found) > LAST_BUILDS:
            found.sort(key=lambda rref: os.lstat(rref_path(store, rref)).st_ctime_ns)
        known = [_seconds(store, rref) for rref in found[-LAST_BUILDS:]]
        return [seconds for seconds in known if seconds is not None]
    return []


def _seconds(store: Store, rref: RRef) -> float | None:
    # Provenance is not hashed and may come from anywhere.
    seconds = provenance_of(store, rref).get("seconds")
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return None
    return float(seconds) if isfinite(seconds) and seconds >= 0 else None
