"""The ambient store and registry: what published functions mean when they are not told.

Nothing below this floor looks at the environment or at context variables; here they are resolved
once per call.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from pylightnix.core.errors import StoreError
from pylightnix.core.value import changed
from pylightnix.store.index import Index
from pylightnix.store.layout import SCHEMA, Store, initialize, mkstore, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, TypeVar

    from pylightnix.engine.registry import Registry

    T = TypeVar("T")

    from pylightnix.store.layout import Durability
    from pylightnix.store.roots import LiveRoots

DEFAULT_ROOT = "~/_pylightnix"

_store: ContextVar[Store | None] = ContextVar("pylightnix_store", default=None)
_registry: ContextVar[Registry | None] = ContextVar("pylightnix_registry", default=None)


class _Process:
    """What belongs to this process as a whole.

    Attributes:
        store: what `store_initialize` with paths of its own chose.
        indexes: folder `var` of a store -> the handle on its index.
        live: folder `var` of a store -> what this process uses of it.
        pauses: the stores of builds that wait for the user; each knows which lock is held for it.
    """

    store: Store | None = None
    indexes: ClassVar[dict[str, Index]] = {}
    live: ClassVar[dict[str, LiveRoots]] = {}
    pauses: tuple[Store, ...] = ()


def environment() -> Mapping[str, str]:
    """Give the environment of this process."""
    return os.environ


def set_variable(name: str, text: str | None) -> None:
    """Set a variable of this process's environment; None takes it out."""
    if text is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = text


def _from_environment() -> Store:
    env = os.environ
    root = os.path.expanduser(env.get("PYLIGHTNIX_ROOT") or DEFAULT_ROOT)
    objects = env.get("PYLIGHTNIX_STORE") or f"{root}/{SCHEMA}"
    # Beside the objects: renames must stay on one file system, and no two stores may share locks.
    var = env.get("PYLIGHTNIX_TMP") or os.path.join(
        os.path.dirname(os.path.abspath(objects)), "var"
    )
    return mkstore(objects, var, env.get("PYLIGHTNIX_DURABILITY") or "batch")


def current_store() -> Store:
    """Give the store that functions use when none is passed.

    That is the innermost `use_store`; otherwise what `store_initialize` was told; otherwise what
    the environment says: `PYLIGHTNIX_STORE` (the folder `store-v1` itself) and `PYLIGHTNIX_TMP`
    (the folder `var`), or both below `PYLIGHTNIX_ROOT` (default `~/_pylightnix`);
    `PYLIGHTNIX_DURABILITY` is `full`, `batch` or `none`.

    Raises:
        NoStore: there is no store there; only `store_initialize` and `pylightnix init` make one.
    """
    return _with_index(opened(_store.get() or _Process.store or _from_environment()))


def resolved(store: Store | None) -> Store:
    """Give the store passed, or the current one, with this process's handle on its index."""
    return current_store() if store is None else _with_index(store)


def _with_index(store: Store) -> Store:
    if store.index is not None:
        return store
    index = _Process.indexes.get(store.var)
    if index is None:
        index = _Process.indexes[store.var] = Index(f"{store.var}/index.sqlite")
    return changed(store, index=index)


def live_roots(store: Store) -> LiveRoots:
    """Give this process's handle on what it uses of a store."""
    live = _Process.live.get(store.var)
    if live is None:
        from pylightnix.store.roots import LiveRoots

        if not _Process.live:
            atexit.register(_let_go)
        live = _Process.live[store.var] = LiveRoots(store)
    return live


def note_pauses(stores: Iterable[Store]) -> None:
    """Say which builds wait for the user, in place of those that were said before."""
    _Process.pauses = tuple(stores)


def for_work(store: Store, durability: Durability | None = None) -> Store:
    """Give a store as something is now going to be realized in it.

    While builds of this process wait for the user it knows their locks for its own: what is
    realized meanwhile must not wait for them, for ever.

    Args:
        store: of a closure.
        durability: what is flushed; by default the store's.
    """
    if durability is not None:
        wanted = mkstore(store.objects, store.var, durability).durability
        store = changed(store, durability=wanted)
    held = store.held.union(*(other.held for other in _Process.pauses if other.var == store.var))
    return store if held == store.held else changed(store, held=held)


def _let_go() -> None:
    for live in _Process.live.values():
        live.close()


@contextmanager
def use_store(store: Store) -> Iterator[Store]:
    """Make a store the current one inside a `with` block.

    Safe in threads and async tasks: each has a current store of its own.

    Args:
        store: as `Store.open` or `store_initialize` returned it.
    """
    token = _store.set(store)
    try:
        yield store
    finally:
        _store.reset(token)


def with_store(store: Store, function: Callable[..., T], *args: object) -> T:
    """Call a function with a store as the current one: as `use_store`, for what is called often."""
    token = _store.set(store)
    try:
        return function(*args)
    finally:
        _store.reset(token)


def store_initialize(
    custom_store: str | os.PathLike[str] | None = None,
    custom_tmp: str | os.PathLike[str] | None = None,
    check_not_exist: bool = False,
    *,
    durability: Durability | None = None,
) -> Store:
    """Make the current store if it is not there; doing so again does no harm.

    Args:
        custom_store: the folder `store-v1` itself, instead of what the environment says; it becomes
            the current store of this process.
        custom_tmp: the folder `var`; by default beside the objects.
        check_not_exist: it is an error if there is a store already.
        durability: `full`, `batch` or `none`; by default what the environment says, otherwise
            `batch`.

    Returns:
        The store.

    Raises:
        StoreError: it exists and must not, or cannot be made.

    Effects: makes folders.
    """
    store = _from_environment() if custom_store is None else _custom(custom_store)
    if custom_tmp is not None:
        store = changed(store, var=os.path.abspath(os.path.expanduser(os.fspath(custom_tmp))))
    if durability is not None:
        store = mkstore(store.objects, store.var, durability)
    if check_not_exist and os.path.exists(store.objects):
        raise StoreError(
            f"there is a store at {store.objects} already: "
            "choose another place, or leave out the check"
        )
    initialize(store)
    if custom_store is not None or custom_tmp is not None or durability is not None:
        _Process.store = store
    return store


def _custom(objects: str | os.PathLike[str]) -> Store:
    path = os.path.abspath(os.path.expanduser(os.fspath(objects)))
    durability = os.environ.get("PYLIGHTNIX_DURABILITY") or "batch"
    return mkstore(path, os.path.join(os.path.dirname(path), "var"), durability)


@contextmanager
def current_registry(r: Registry | None = None) -> Iterator[Registry]:
    """Make a registry the current one inside a `with` block; stages then need not be passed `r=`.

    Args:
        r: the registry; by default a new one.
    """
    from pylightnix.engine.registry import Registry

    registry = Registry() if r is None else r
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


def resolved_registry(r: Registry | None) -> Registry:
    """Give the registry that was passed, or the current one.

    Raises:
        NoRegistry: there is none.
    """
    registry = _registry.get() if r is None else r
    if registry is None:
        from pylightnix.engine.registry import NoRegistry

        raise NoRegistry
    return registry
