"""Context: which realizations the direct dependencies of a derivation had when it was realized."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from pyrsistent import PMap, pmap

from .refs import DRef, RRef

Context: TypeAlias = PMap[DRef, tuple[RRef, ...]]
"""Derivation -> its chosen realizations, in the order of the matcher."""


def mkcontext(chosen: Mapping[DRef, Iterable[RRef]]) -> Context:
    """Freeze a mapping into a context."""
    return pmap({dref: tuple(rrefs) for dref, rrefs in chosen.items()})
