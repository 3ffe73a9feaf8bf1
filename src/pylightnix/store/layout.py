"""Where things are: the two parts of a store, and the one function for each kind of path in it.

    <root>/store-v1/<dhash>-<name>/config.json              the only part to sync
    <root>/store-v1/<dhash>-<name>/<rhash>/...
    <root>/var/  tmp locks roots verified logs trash index.sqlite      per machine, never synced

References are parsed before they get here, so that no path made here can leave the store.
"""

from __future__ import annotations

import os
from contextlib import suppress

from pylightnix.core.errors import InvalidValue, StoreError
from pylightnix.core.given import path_text
from pylightnix.core.refs import DRef, RRef, is_hash, isdref
from pylightnix.core.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .index import Index

    Durability: TypeAlias = Literal["full", "batch", "none"]
else:
    Durability = str  # for whoever looks at annotations at run time

SCHEMA = "store-v1"
CONFIG = "config.json"
INCOMING = ".in-"
DURABILITIES = ("full", "batch", "none")
VAR_PARTS = ("tmp", "locks", "roots", "verified", "logs", "trash")


class NoStore(StoreError):
    """There is no store where one was looked for."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"there is no store at {self.path}: make one with `pylightnix init` or "
            "`store_initialize()`, or point PYLIGHTNIX_ROOT to one"
        )


class NotInStore(StoreError):
    """A well-formed reference, or a path inside an object, that the store does not have."""

    def __init__(self, ref: str, what: str) -> None:
        super().__init__(ref, what)
        self.ref, self.what = ref, what

    def __str__(self) -> str:
        return (
            f"{self.ref:.500} is not in the store ({self.what}): "
            "realize its stage, or copy it from a store that has it"
        )


@value
class Store:
    """A store: where its two parts are, and how hard it tries to survive a power cut.

    Attributes:
        objects: absolute path of the folder `store-v1`, the only part to sync.
        var: absolute path of the folder with what belongs to this machine alone.
        durability: `full`, `batch` or `none`: what `realize` has flushed when it returns.
        held: stripes of build locks that the enclosing builds of this very thread hold, so that a
            realizer which realizes something itself does not wait for its own lock.
    """

    objects: str
    var: str
    durability: Durability = "batch"
    held: frozenset[str] = frozenset()
    index: Index | None = None

    # What this process or thread has at hand makes no other store.
    def _same(self) -> tuple[str, str, str]:
        return self.objects, self.var, self.durability

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and self._same() == other._same()

    def __hash__(self) -> int:
        return hash(self._same())

    def __repr__(self) -> str:
        objects, var, durability = self._same()
        return f"Store({objects=}, {var=}, {durability=})"

    def __reduce__(self) -> tuple[object, ...]:
        return Store, (*self._same(), self.held)

    @staticmethod
    def open(
        path: str | os.PathLike[str], create: bool = False, durability: Durability | None = None
    ) -> Store:
        """Open the store whose root is `path`.

        Args:
            path: the folder that holds both parts, `store-v1` and `var`.
            create: make the store if it is not there.
            durability: `full`, `batch` (default) or `none`.

        Raises:
            NoStore: it is not there and `create` is false.
            InvalidValue: an unknown durability, or a path that cannot be one.
        """
        root = os.path.abspath(path_text("the root of a store", path))
        store = mkstore(f"{root}/{SCHEMA}", f"{root}/var", durability or "batch")
        return initialize(store) if create else opened(store)


def mkstore(objects: str, var: str, durability: str = "batch") -> Store:
    """Make the value, touching nothing.

    Raises:
        InvalidValue: an unknown durability.
    """
    if durability not in DURABILITIES:
        raise InvalidValue(f"durability {durability!r} is unknown: choose full, batch or none")
    return Store(os.path.abspath(objects), os.path.abspath(var), durability)  # type: ignore[arg-type]


def opened(store: Store) -> Store:
    """Give the store back, or raise `NoStore` if it is not on the disk."""
    if not os.path.isdir(store.objects):
        raise NoStore(store.objects)
    return store


def initialize(store: Store) -> Store:
    """Make the folders of a store; those that are there already stay as they are.

    Raises:
        StoreError: a folder cannot be made; the text says which and why.
    """
    try:
        for folder in (store.objects, *(f"{store.var}/{part}" for part in VAR_PARTS)):
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make a store at {store.objects}: {error}; "
            "choose another place or mend its permissions"
        ) from error
    return store


def drv_path(store: Store, dref: DRef) -> str:
    """The folder of a derivation."""
    return f"{store.objects}/{dref[5:]}"


def config_path(store: Store, dref: DRef) -> str:
    """The config of a derivation."""
    return f"{store.objects}/{dref[5:]}/{CONFIG}"


def rref_path(store: Store, rref: RRef) -> str:
    """The folder of a realization."""
    return f"{store.objects}/{rref[38:]}/{rref[5:37]}"


def var_path(store: Store, part: str) -> str:
    """A folder of `var`; see `VAR_PARTS`."""
    return f"{store.var}/{part}"


def trash_path(store: Store) -> str:
    """Where goes what is taken out of the store: into `var`, unless that is on another disk.

    Renames stay on one file system, so that an object is either here or there.
    """
    with suppress(OSError):
        if os.stat(store.var).st_dev != os.stat(store.objects).st_dev:
            return f"{store.objects}/.trash"
    return var_path(store, "trash")


def log_path(store: Store, ref: DRef | RRef) -> str:
    """What a build printed: under its RRef, or under its DRef while it runs or if it failed."""
    return f"{store.var}/logs/{ref}"


def parse_drv(folder: str) -> DRef | None:
    """Tell the derivation from the name of its folder; None for any name that is not one."""
    text = f"dref:{folder}"
    return str.__new__(DRef, text) if isdref(text) else None


def parse_rref(dref: DRef, folder: str) -> RRef | None:
    """Tell the realization from the name of its folder; None for any name that is not one."""
    # The rest was checked with the derivation; this is asked of every name in every folder.
    return str.__new__(RRef, f"rref:{folder}-{dref[5:]}") if is_hash(folder) else None
