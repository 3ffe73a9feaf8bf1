"""Which object a person means by a reference, a name, or the beginning of a hash."""

from __future__ import annotations

from collections.abc import Sequence

from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef, InvalidRef, RRef, isdref, isrref

from .layout import NotInStore, Store
from .query import drefs, preload, rrefs

_HEX = "0123456789abcdef"


class Ambiguous(StoreError):
    """A name or prefix fits several objects."""

    def __init__(self, text: str, candidates: tuple[str, ...]) -> None:
        super().__init__(text, candidates)
        self.text, self.candidates = text, candidates

    def __str__(self) -> str:
        listed = "\n  ".join(self.candidates[:50])
        return f"{self.text!r} may mean any of these; give more of the hash:\n  {listed}"


def resolve(store: Store, text: str) -> DRef | RRef:
    """Tell which object is meant.

    Args:
        store: where.
        text: a DRef or an RRef, whole or cut short after some of the hash; a name; or the beginning
            of a derivation's or a realization's hash, with or without what follows it. A whole name
            wins over a prefix.

    Raises:
        Ambiguous: it fits several; they are listed.
        NotInStore: it fits none.
        InvalidRef: nothing in any store could fit.
    """
    if isdref(text):
        return DRef(text)
    if isrref(text):
        return RRef(text)
    if not _speakable(text):
        raise InvalidRef(
            "reference, name or beginning of a hash", text, ("no object can be called so",)
        )
    known = drefs(store)
    named: list[DRef | RRef] = [dref for dref in known if dref[38:] == text]
    fitting = named or _by_prefix(store, known, text)
    if not fitting:
        raise NotInStore(
            text, "no derivation or realization has this name or a hash that begins so"
        )
    if len(fitting) > 1:
        raise Ambiguous(text, tuple(fitting))
    return fitting[0]


def _speakable(text: object) -> bool:
    if not isinstance(text, str) or not text or text != text.strip():
        return False
    return "/" not in text and "\0" not in text


def _by_prefix(store: Store, known: Sequence[DRef], text: str) -> list[DRef | RRef]:
    kind, _, rest = text.rpartition(":")
    if kind not in ("", "dref", "rref") or rest[:1] not in _HEX or not rest:
        return []
    if kind != "dref":
        preload(store, known)
    found: list[DRef | RRef] = []
    for dref in known:
        if kind != "rref" and dref[5:].startswith(rest):
            found.append(dref)
        elif kind != "dref":
            found.extend(rref for rref in rrefs(store, dref) if rref[5:].startswith(rest))
    return found
