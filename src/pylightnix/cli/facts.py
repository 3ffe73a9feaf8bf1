"""What is known of realizations and their builds.

Provenance is not hashed, and may come from anywhere: none of it is taken on trust.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import isfinite

from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.core.value import value
from pylightnix.store.layout import Store, log_path
from pylightnix.store.query import provenance_of
from pylightnix.store.usage import size_of

from .times import seconds_of

_TEXTS = ("host", "pylightnix", "python", "realizer", "start", "stop", "user")


@value
class Fact:
    """A realization in a list.

    Attributes:
        start, stop: of its build, ISO 8601.
        stop_s: the same in seconds since 1970.
        seconds: how long the build took.
    """

    rref: RRef
    start: str | None
    stop: str | None
    stop_s: float | None
    seconds: float | None
    size_bytes: int


def facts_of(store: Store, dref: DRef) -> tuple[int, list[Fact]]:
    """Give the bytes of a derivation and its realizations, newest first, unknown times last."""
    size_bytes, parts = size_of(store, dref)
    found = [_fact(rref, provenance(store, rref), n_bytes) for rref, n_bytes in parts.items()]
    return size_bytes, sorted(found, key=_newest_first)


def _newest_first(fact: Fact) -> tuple[float, str]:
    return (float("inf") if fact.stop_s is None else -fact.stop_s, fact.rref)


def _fact(rref: RRef, known: Mapping[str, str | float | None], size_bytes: int) -> Fact:
    start, stop, seconds = (known[key] for key in ("start", "stop", "seconds"))
    stop_s = seconds_of(stop) if isinstance(stop, str) else None
    return Fact(rref, _text(start), _text(stop), stop_s, _number(seconds), size_bytes)


def realization_bytes(store: Store, rref: RRef) -> int:
    """Give the bytes of a realization, as its derivation's listing has them."""
    return size_of(store, rref2dref(rref))[1].get(rref, 0)


def fact_json(fact: Fact) -> dict[str, object]:
    """Give a realization in a list in the machine form."""
    return {
        "rref": fact.rref,
        "seconds": fact.seconds,
        "size_bytes": fact.size_bytes,
        "start": fact.start,
        "stop": fact.stop,
    }


def provenance(store: Store, rref: RRef) -> dict[str, str | float | None]:
    """Give what is known of a build, always under the same keys; None for what is not known."""
    raw = provenance_of(store, rref)
    known: dict[str, str | float | None] = {key: _text(raw.get(key)) for key in _TEXTS}
    return known | {"seconds": _number(raw.get("seconds"))}


def portability(store: Store, rref: RRef) -> tuple[bool | None, list[str]]:
    """Tell whether a realization means the same everywhere (None: unknown), and why not."""
    raw = provenance_of(store, rref)
    portable, reason = raw.get("portable"), raw.get("portable_reason")
    reasons = [item for item in reason if isinstance(item, str)] if isinstance(reason, list) else []
    return (portable if isinstance(portable, bool) else None), reasons


def log_of(store: Store, ref: DRef | RRef) -> str | None:
    """Give the path of the log that is kept under a reference; None if there is none."""
    path = log_path(store, ref)
    return path if os.path.isfile(path) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    return float(value) if good else None  # type: ignore[arg-type]
