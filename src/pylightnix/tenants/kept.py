"""What a tenant keeps in the store: adopted if there is room, held while used, gone if replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

from pylightnix.api.ambient import live_roots
from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef, RRef, isrref, rref2dref
from pylightnix.store import removal, roots
from pylightnix.store.collector import collector_lock
from pylightnix.store.layout import Store

from . import settings
from .place import Place, locked, quota, require_room

# Who cannot delete in time leaves it to the next collection.
_PATIENCE_S = 1.0


def adopt(place: Place, found: Mapping[str, RRef], wanted: str) -> Mapping[str, DRef | RRef]:
    """Make objects roots of a tenant, if there is room for them; gives the roots before.

    Raises:
        QuotaExceeded: they take more than it may have.
    """
    with locked(place):
        have = place.roots()
        if not all(have.get(word) == ref for word, ref in found.items()):
            told = settings.read(place.settings_file).quota_bytes
            require_room(quota(place, told, {**have, **found}), place, wanted)
            for word, ref in found.items():
                roots.add_root(place.store, place.root_name(word), ref)
        return have


def hold(store: Store, held: ExitStack, refs: Sequence[DRef | RRef]) -> None:
    """Keep objects until a stack is closed; look only afterwards whether they are there.

    It is said under the collector's lock even if this process has said so before: who deletes asks
    under that lock, and was either here before, or is told.
    """
    with collector_lock(store, shared=True):
        held.enter_context(live_roots(store).at_work(refs))


def forget(store: Store, source: DRef) -> None:
    """Delete modules, unless some tenant has them, or somebody is using them.

    Only modules: nobody but tenants has these, nothing is made of them, and every use of theirs is
    held as `hold` does it.
    """
    wholes = {rref2dref(RRef(ref)) for ref in roots.named_roots(store).values() if isrref(ref)}
    if source in wholes:
        return  # mostly it is so, and to ask further would take long
    live = live_roots(store)
    with suppress(StoreError, OSError):
        removal.delete(
            store, source, mine=live.path, at_work=live.working, leaf=True, wait_s=_PATIENCE_S
        )
