"""What is in the store, and what it depends on.

Readers ignore every name that is not of the store's form.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from stat import S_ISREG

from pylightnix.core.config import Config, parse_config
from pylightnix.core.errors import StoreError
from pylightnix.core.hashing import config_digest
from pylightnix.core.manifest import META, Manifest, parse_manifest
from pylightnix.core.refs import DRef, RRef, rref2dref

from .fsys import read_bytes
from .layout import NotInStore, Store, config_path, parse_drv, rref_path
from .offers import in_context
from .shelf import shelf_of
from .trouble import is_kind, is_passing, read_if_possible


class Corrupt(StoreError):
    """Something in the store is not what its name says."""

    def __init__(self, ref: str, expected: str, got: str) -> None:
        super().__init__(ref, expected, got)
        self.ref, self.expected, self.got = ref, expected, got

    def __str__(self) -> str:
        return (
            f"{self.ref} is damaged: expected {self.expected}, got {self.got}; "
            "delete it with `pylightnix rm --force` and realize its stage again"
        )


def drefs(store: Store) -> list[DRef]:
    """Give the derivations of the store, sorted."""
    return sorted(
        dref
        for name in _names(store.objects)
        if (dref := parse_drv(name)) is not None and is_kind(config_path(store, dref), S_ISREG)
    )


def has_derivation(store: Store, dref: DRef, config: Config) -> bool:
    """Tell whether the config is there in full length: after a power cut it may be empty."""
    try:
        return os.stat(config_path(store, dref)).st_size == len(config.canonical)
    except (FileNotFoundError, NotADirectoryError):
        return False


def preload(store: Store, drefs: Sequence[DRef]) -> None:
    """Ask the index about many derivations at once, before they are looked into one by one."""
    if store.index is not None:
        store.index.load("shelf", drefs)


def rrefs(
    store: Store, dref: DRef, context: Mapping[DRef, Sequence[RRef]] | None = None
) -> list[RRef]:
    """Give the valid realizations of a derivation, sorted by hash.

    Args:
        store: where.
        dref: the derivation.
        context: only those whose direct dependencies had exactly these realizations.
    """
    return candidates(store, dref, context) or []


def candidates(
    store: Store, dref: DRef, context: Mapping[DRef, Sequence[RRef]] | None = None
) -> list[RRef] | None:
    """Give what `rrefs` gives, or None if the store does not even have the derivation."""
    if context is not None:
        return in_context(store, dref, context)
    shelf = shelf_of(store, dref)
    return None if shelf is None else [book.rref for book in shelf.books]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def config_of(store: Store, dref: DRef) -> Config:
    """Read a config.

    Raises:
        NotInStore: the store does not have the derivation.
        Corrupt: what is there is not what the name says.
    """
    try:
        raw = read_bytes(config_path(store, dref))
    except (FileNotFoundError, NotADirectoryError):
        raise NotInStore(dref, "no such derivation") from None
    except OSError as error:
        if is_passing(error):
            raise
        raise Corrupt(dref, "a config that can be read", str(error.strerror)) from error
    if (found := config_digest(raw)) != dref[5:37]:
        raise Corrupt(dref, f"a config of hash {dref[5:37]}", found)
    try:
        config = parse_config(raw)
    except ValueError as error:
        raise Corrupt(dref, "a canonical config", str(error)) from error
    if config.name != dref[38:]:
        raise Corrupt(dref, f"the name {dref[38:]}", config.name)
    return config


def manifest_of(store: Store, rref: RRef) -> Manifest:
    """Read a manifest; its entries come in the order of their paths.

    Raises:
        NotInStore: the store does not have the realization, or only an incomplete copy of it.
        Corrupt: what is there is not what the name says.
    """
    from .verified import is_valid

    if not is_valid(store, rref):
        if not os.path.lexists(rref_path(store, rref)):
            raise NotInStore(rref, "no such realization")
        raise Corrupt(
            rref, "the contents that its name says", "something else, or an incomplete copy"
        )
    return parse_manifest(read_bytes(f"{rref_path(store, rref)}/{META}/manifest.json"))


def context_of(store: Store, rref: RRef) -> Mapping[DRef, Sequence[RRef]]:
    """Give the realizations that the direct dependencies had; raises as `manifest_of`."""
    return manifest_of(store, rref).context


def provenance_of(store: Store, rref: RRef) -> dict[str, object]:
    """Read build.json; empty if it was lost, which harms nothing but the memory of times."""
    from pylightnix.core.codec import parse_json

    # Not for want of descriptors: who takes the latest would get another one.
    raw = read_if_possible(f"{rref_path(store, rref)}/{META}/build.json")
    try:
        value = None if raw is None else parse_json(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def deep_deps(store: Store, roots: Sequence[DRef]) -> list[DRef]:
    """Give all derivations that these need, near or far, without themselves, sorted.

    Raises:
        NotInStore, Corrupt: as `config_of`.
    """
    seen: set[DRef] = set()
    todo = [dep for root in roots for dep in config_of(store, root).deps]
    while todo:
        dref = todo.pop()
        if dref not in seen:
            seen.add(dref)
            todo.extend(config_of(store, dref).deps)
    return sorted(seen)


def require_rref(store: Store, rref: RRef) -> str:
    """Give the folder of a realization that is there and valid; raises as `manifest_of`."""
    from .verified import is_valid

    if not is_valid(store, rref):
        manifest_of(store, rref)
    return rref_path(store, rref)


def dref_of(ref: DRef | RRef) -> DRef:
    """Give the derivation that a reference is, or is of."""
    return rref2dref(ref) if isinstance(ref, RRef) else ref
