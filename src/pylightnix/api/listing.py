"""The store from end to end: `du` and `find`.

Where the index knows everything, little of the library is loaded for these.
"""

from __future__ import annotations

import time

from pylightnix.core.errors import InvalidValue
from pylightnix.core.given import require_number
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.layout import Store
from pylightnix.store.survey import all_rrefs, sizes
from pylightnix.store.trouble import told

from .ambient import resolved


@told
def du(store: Store | None = None) -> dict[DRef, tuple[int, dict[RRef, int]]]:
    """Tell the room that everything takes, metadata included.

    Args:
        store: by default the current one.

    Returns:
        `{dref: (bytes, {rref: bytes})}`, sorted.
    """
    return sizes(resolved(store))


@told
def find(
    name: str | None = None, newer: float | None = None, store: Store | None = None
) -> list[RRef]:
    """Find realizations.

    Args:
        name: a pattern for the derivation's name, as `hello-*`.
        newer: only those whose build ended after this time: seconds since 1970, or, if not
            positive, back from now.
        store: by default the current one.

    Returns:
        RRefs, sorted by derivation and hash.
    """
    from fnmatch import fnmatchcase

    _check_search(name, newer)
    where = resolved(store)
    found = all_rrefs(where, None if name is None else lambda one: fnmatchcase(one[33:], name))
    if newer is None:
        return found
    since = newer if newer > 0 else time.time() + newer
    return [rref for rref in found if _built_s(where, rref) > since]


def _check_search(name: object, newer: object) -> None:
    if newer is not None:
        require_number("find: newer", abs(newer) if isinstance(newer, (int, float)) else newer)
    if not isinstance(name, str | None):
        raise InvalidValue(f"find: the name cannot be {name!r:.100}: give a pattern, as 'hello-*'")


def _built_s(store: Store, rref: RRef) -> float:
    """When a build ended, in seconds since 1970; endlessly long ago if nobody knows."""
    from datetime import datetime

    from pylightnix.store import query

    try:
        return datetime.fromisoformat(str(query.provenance_of(store, rref).get("stop"))).timestamp()
    except ValueError:
        return float("-inf")
