"""Published look-ups: what is in the store, and what it depends on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pylightnix.core.config import Config, config_cattrs
from pylightnix.core.context import Context, mkcontext
from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef, InvalidRef, RRef, isrref, rref2dref
from pylightnix.store import query
from pylightnix.store.layout import Store, parse_drv, parse_rref
from pylightnix.store.roots import watch_folder
from pylightnix.store.trouble import told
from pylightnix.store.usage import path_of

from .ambient import live_roots, resolved


def _dref(ref: str) -> DRef:
    return rref2dref(ref) if isrref(ref) else DRef(ref)


@told
def rref2path(rref: RRef, store: Store | None = None) -> Path:
    """Give the folder of a realization.

    Raises:
        NotInStore: the store does not have it.
        Corrupt: what the store has is not what the name says.

    Effects: keeps other processes from collecting it while this one lives.
    """
    where, ref = resolved(store), RRef(rref)
    live_roots(where).hold([ref])
    return Path(path_of(where, ref))


@told
def dref2path(dref: DRef, store: Store | None = None) -> Path:
    """Give the folder of a derivation.

    Raises:
        NotInStore: the store does not have it.
        Corrupt: its config is not what the name says.
    """
    return Path(path_of(resolved(store), DRef(dref)))


@told
def store_config(ref: DRef | RRef, store: Store | None = None) -> Config:
    """Give the config of a derivation, or of a realization's derivation, exactly as it was hashed.

    Raises:
        NotInStore, Corrupt: as `dref2path`.
    """
    return query.config_of(resolved(store), _dref(ref))


@told
def store_cattrs(ref: DRef | RRef, store: Store | None = None) -> Any:
    """Give the fields of a config as attributes.

    Self-references start with the derivation's own DRef.

    Raises:
        NotInStore, Corrupt: as `dref2path`.
    """
    return config_cattrs(store_config(ref, store), _dref(ref))


@told
def store_context(rref: RRef, store: Store | None = None) -> Context:
    """Give the realizations that the direct dependencies of a realization had, each list sorted.

    Raises:
        NotInStore, Corrupt: as `rref2path`.
    """
    return mkcontext(query.context_of(resolved(store), RRef(rref)))


@told
def store_deps(refs: DRef | Iterable[DRef], store: Store | None = None) -> frozenset[DRef]:
    """Give the direct dependencies of a derivation, or of several together.

    Raises:
        NotInStore, Corrupt: as `dref2path`.
    """
    where = resolved(store)
    return frozenset(dep for dref in _several(refs) for dep in query.config_of(where, dref).deps)


@told
def store_deepdeps(refs: DRef | Iterable[DRef], store: Store | None = None) -> frozenset[DRef]:
    """Give all dependencies of a derivation or of several, near and far, without themselves.

    Raises:
        NotInStore, Corrupt: as `dref2path`.
    """
    return frozenset(query.deep_deps(resolved(store), _several(refs)))


def _several(refs: object) -> list[DRef]:
    several: Iterable[Any] = (refs,)
    if isinstance(refs, Iterable) and not isinstance(refs, str):
        several = refs
    return [_dref(ref) for ref in several]


@told
def store_drefs(store: Store | None = None) -> list[DRef]:
    """Give all derivations of the store, sorted."""
    return query.drefs(resolved(store))


@told
def store_rrefs(
    dref: DRef, context: Context | None = None, store: Store | None = None
) -> list[RRef]:
    """Give the valid realizations of a derivation, sorted by hash; an empty list if there is none.

    Args:
        dref: of the derivation.
        context: only those whose direct dependencies had exactly these realizations.
        store: by default the current one.
    """
    return query.rrefs(resolved(store), DRef(dref), context)


@told
def store_buildtime(rref: RRef, store: Store | None = None) -> str | None:
    """Give the time at which a build ended.

    Returns:
        ISO 8601, UTC, with microseconds; None if its provenance was lost.

    Raises:
        NotInStore, Corrupt: as `rref2path`.
    """
    where = resolved(store)
    query.require_rref(where, RRef(rref))
    stop = query.provenance_of(where, RRef(rref)).get("stop")
    return None if stop is None else str(stop)


@told
def path2rref(path: str | os.PathLike[str], store: Store | None = None) -> RRef | None:
    """Tell in which realization a path is, links followed; None if in none."""
    objects = os.path.realpath(resolved(store).objects)
    real = os.path.realpath(path)
    parts = real[len(objects) + 1 :].split(os.sep) if real.startswith(f"{objects}{os.sep}") else []
    dref = parse_drv(parts[0]) if len(parts) > 1 else None
    return None if dref is None else parse_rref(dref, parts[1])


@told
def linkrref(
    rref: RRef,
    destdir: str | os.PathLike[str] = ".",
    name: str | None = None,
    store: Store | None = None,
) -> Path:
    """Make a symlink to a realization, which keeps it from being collected.

    Args:
        rref: of the realization.
        destdir: where to put it.
        name: of the link; by default that of the derivation. A symlink of that name is replaced,
            atomically.
        store: by default the current one.

    Returns:
        The path of the link.

    Raises:
        NotInStore, Corrupt: as `rref2path`.
        StoreError: something else than a symlink has that name, or it cannot be made.
    """
    ref = RRef(rref)
    where = resolved(store)
    target = path_of(where, ref)
    label = ref[71:] if name is None else name
    if not label or "/" in label or "\0" in label or label in (".", ".."):
        raise InvalidRef("name of a link", label, ("expected one part of a path",))
    link = Path(destdir) / label
    if os.path.lexists(link) and not link.is_symlink():
        raise StoreError(f"{link} is there and is not a symlink: delete it, or give another name")
    aside = link.with_name(f".{label}-{os.urandom(4).hex()}")
    try:
        aside.symlink_to(target)
        aside.replace(link)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise StoreError(
            f"cannot make the link {link}: {error.strerror}; is its folder there, and yours?"
        ) from error
    watch_folder(where, os.fspath(link.parent))
    return link
