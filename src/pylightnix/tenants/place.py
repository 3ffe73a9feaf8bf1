"""Where a tenant's things are, and a lock on its scratch."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from types import MappingProxyType
from typing import NoReturn

from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import changed, value
from pylightnix.store import roots
from pylightnix.store.layout import Store
from pylightnix.store.usage import tree_bytes

from . import settings
from .naming import tenant_name
from .quota import Quota, reached
from .refusals import NoTenant, QuotaExceeded, TenantExists
from .scratch import Listing, TooMuch, folder, listing

MODULES, SCRATCH, RUNS = "usermodules", "scratch", "runs"
PARTS = (MODULES, SCRATCH, RUNS)
LOCK = ".lock"


@value
class Place:
    """The folder of a tenant, and the store that its roots are in.

    Attributes:
        root: absolute path of the folder of all tenants.
        name: of the tenant; it has been checked.
        store: where its environments and sources are.
        stamp: of its lock: another tenant of that name, later, has another one.
    """

    root: str
    name: str
    store: Store
    stamp: tuple[int, int] = (0, 0)

    @property
    def folder(self) -> str:
        """The tenant's folder."""
        return f"{self.root}/{self.name}"

    @property
    def settings_file(self) -> str:
        """Where its settings are."""
        return f"{self.folder}/{settings.FILE}"

    @property
    def modules(self) -> str:
        """The folder of its code."""
        return f"{self.folder}/{MODULES}"

    @property
    def scratch(self) -> str:
        """Its scratch folder."""
        return f"{self.folder}/{SCRATCH}"

    @property
    def runs(self) -> str:
        """The folder with records of its runs."""
        return f"{self.folder}/{RUNS}"

    def root_name(self, what: str) -> str:
        """Give the name of a gc root; other folders of tenants have other ones."""
        digest = sha256(os.fsencode(os.path.realpath(self.root))).hexdigest()[:12]
        return f"tenant-{digest}-{self.name}-{what}"

    def roots(self) -> dict[str, DRef | RRef]:
        """Give what the tenant's roots keep: `lock`, `env` and `source`, as far as it has them."""
        named = roots.named_roots(self.store)
        words = ("env", "lock", "source")
        found = {word: named.get(self.root_name(word)) for word in words}  # type: ignore[call-overload]
        return {word: ref for word, ref in found.items() if ref is not None}


def founded(root: str, told: settings.Settings, store: Store) -> Place:
    """Make the folder of a tenant.

    Raises:
        TenantExists: there is one of that name.
    """
    place = Place(root, told.name, store)
    os.makedirs(root, exist_ok=True)
    # Whole or not at all, so that of two who make the same one only one does.
    aside = f"{root}/.new-{os.urandom(8).hex()}"
    try:
        os.mkdir(aside, 0o700)
        for part in PARTS:
            os.mkdir(f"{aside}/{part}")
        settings.write(told, f"{aside}/{settings.FILE}")
        os.close(os.open(f"{aside}/{LOCK}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.rename(aside, place.folder)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError) and os.path.lexists(place.folder):
            raise TenantExists(told.name, root) from None
        raise
    return existing(root, told.name, store)


def places(root: str, store: Store) -> list[Place]:
    """Give the tenants of a folder, sorted by name."""
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return []
    return [place for name in names if (place := _found(Place(root, name, store))) is not None]


def existing(root: str, name: object, store: Store) -> Place:
    """Find a tenant.

    Raises:
        InvalidTenant: the name cannot be one.
        NoTenant: there is none.
    """
    place = Place(root, tenant_name(name), store)
    return _found(place) or _missing(place)


def _found(place: Place) -> Place | None:
    if place.name.startswith(".") or os.path.islink(place.folder):
        return None
    try:
        return changed(place, stamp=_stamp(os.stat(f"{place.folder}/{LOCK}")))
    except OSError:
        return None


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_mtime_ns


def _missing(place: Place) -> NoReturn:
    known = tuple(one.name for one in places(place.root, place.store))
    raise NoTenant(place.name, place.root, known)


@contextmanager
def locked(place: Place, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock on a tenant's scratch; it is held for a moment, never while code runs.

    Raises:
        NoTenant: the tenant was deleted.
    """
    try:
        fd = os.open(f"{place.folder}/{LOCK}", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        _missing(place)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        status = os.fstat(fd)
        if not status.st_nlink or _stamp(status) != place.stamp:
            _missing(place)
        yield
    finally:
        os.close(fd)


def quota(
    place: Place,
    quota_bytes: int | None,
    kept: Mapping[str, DRef | RRef] | None = None,
    more: Mapping[str, int] = MappingProxyType({}),
) -> Quota:
    """Tell what a tenant uses, or would use.

    Args:
        place: of the tenant.
        quota_bytes: what it may have.
        kept: roots in the place of those that it has.
        more: a folder of it -> how many bytes more are to be in there.

    Raises:
        QuotaExceeded: its scratch holds more files than are taken.
    """
    parts = dict(reached(place.store, place.roots() if kept is None else kept))
    # What is loaded next may be more than what was loaded last, and takes room already.
    written = tree_bytes(place.modules) + more.get(MODULES, 0)
    if written > parts.get("source", 0):
        parts["source"] = written
    with folder(place.scratch) as fd:
        found = counted(place, quota_bytes, fd, tuple(parts.items()))
    parts[SCRATCH] = found.bytes + more.get(SCRATCH, 0)
    return Quota(quota_bytes, tuple(parts.items()))


def counted(
    place: Place, quota_bytes: int | None, fd: int, used: tuple[tuple[str, int], ...] = ()
) -> Listing:
    """List a tenant's scratch, which is open.

    Raises:
        QuotaExceeded: the platform put more into it than is taken.
    """
    try:
        return listing(fd)
    except TooMuch as error:
        wanted = f"to use a scratch with {error}"
        raise QuotaExceeded(place.name, quota_bytes, used, wanted) from None


def require_room(used: Quota, place: Place, wanted: str) -> None:
    """Refuse something that takes more than is left.

    Raises:
        QuotaExceeded: it does.
    """
    if used.quota_bytes is not None and used.used_bytes > used.quota_bytes:
        raise QuotaExceeded(place.name, used.quota_bytes, used.parts, wanted)
