"""What must not be deleted: named roots, links from registered folders, what processes use.

    var/roots/<name>                       symlink whose text is a reference: a named root
    var/roots/.links/<hash>                symlink whose text is a folder to look for links in
    var/roots/.live/<host>-<pid>-<random>  references in use by a process, one a line

A file below `.live` is locked while its process lives.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from _thread import RLock
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef, Name, RRef, isdref, isrref, mkname

from . import fsys
from .collector import collector_lock
from .layout import Store, parse_drv, parse_rref, var_path
from .machine import host

LINKS = ".links"
LIVE = ".live"
# Whether a process of another host lives cannot be asked; its file is believed for a day after its
# last change.
FOREIGN_LEASE_S = 24 * 3600.0


class NoSuchRoot(StoreError):
    """There is no root of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        have = ", ".join(self.known) or "none"
        return f"there is no root named {self.name!r}; there are: {have}"


def add_root(store: Store, name: str, ref: DRef | RRef) -> None:
    """Give an object a name that keeps it, and all that it needs, from being collected.

    Args:
        store: where.
        name: as of a derivation; a root of that name is replaced.
        ref: the object.

    Raises:
        InvalidName, NotInStore, Corrupt: the name cannot be one, or the object is not in the store.
    """
    from .usage import path_of  # with what few need who hold a root while they work

    label = mkname(name)
    with collector_lock(store, shared=True):
        path_of(store, ref)
        _point(f"{var_path(store, 'roots')}/{label}", ref)


def _point(link: str, text: str) -> None:
    """Make a symlink, or replace one, atomically."""
    os.makedirs(os.path.dirname(link), exist_ok=True)
    aside = fsys.incoming(os.path.dirname(link))
    os.symlink(text, aside)
    os.rename(aside, link)


def remove_root(store: Store, name: str) -> None:
    """Forget a named root; what it kept may be collected from now on.

    Raises:
        NoSuchRoot: there is none of that name.
    """
    try:
        os.unlink(f"{var_path(store, 'roots')}/{mkname(name)}")
    except FileNotFoundError:
        raise NoSuchRoot(name, tuple(named_roots(store))) from None


def named_roots(store: Store) -> dict[Name, DRef | RRef]:
    """Give the named roots, sorted by name."""
    found: dict[Name, DRef | RRef] = {}
    folder = var_path(store, "roots")
    for label in sorted(_listed(folder)):
        ref = _text_of(f"{folder}/{label}")
        with suppress(ValueError):
            found[mkname(label)] = RRef(ref) if isrref(ref) else DRef(ref)
    return found


def _text_of(path: str) -> str | None:
    """Read a symlink; None if it is gone, or is not one."""
    try:
        return os.readlink(path)
    except OSError as error:
        # A root that is passed over because the disk stuttered would cost what it keeps.
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
            raise
        return None


def _listed(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except FileNotFoundError:
        return []


def watch_folder(store: Store, folder: str) -> None:
    """Register a folder: symlinks into the store found in it, or below, are roots from now on."""
    from hashlib import sha256

    real = os.path.realpath(folder)
    digest = sha256(os.fsencode(real)).hexdigest()[:32]
    with collector_lock(store, shared=True):
        _point(f"{var_path(store, 'roots')}/{LINKS}/{digest}", real)


def watched_folders(store: Store) -> list[str]:
    """Give the registered folders that are still there, sorted."""
    base = f"{var_path(store, 'roots')}/{LINKS}"
    folders = [_text_of(f"{base}/{label}") for label in _listed(base)]
    return sorted(folder for folder in folders if folder is not None and _is_folder(folder))


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def linked(store: Store, folder: str) -> Iterator[tuple[str, RRef | DRef]]:
    """Give every symlink in a folder, or below it, that points into the store.

    Returns:
        Its path, and what it points to.
    """
    objects = os.path.realpath(store.objects)
    for base, folders, files in os.walk(folder, onerror=_unless_closed):
        if os.path.realpath(base) == objects:
            folders.clear()
            continue
        for name in (*folders, *files):
            path = f"{base}/{name}"
            if _text_of(path) is not None:
                ref = ref_of_path(objects, os.path.realpath(path))
                if ref is not None:
                    yield path, ref


def _unless_closed(error: OSError) -> None:
    """Pass over a folder that is gone, or that we may not look into; we made no links there."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError)):
        raise error


def ref_of_path(objects: str, real: str) -> DRef | RRef | None:
    """Tell which object a resolved path is in; None if in none."""
    if not real.startswith(f"{objects}/"):
        return None
    first, _, rest = real[len(objects) + 1 :].partition("/")
    dref = parse_drv(first)
    if dref is None:
        return None
    return parse_rref(dref, rest.partition("/")[0]) or dref


class LiveRoots:
    """What this process is using; a stateful handle, one for each store.

    It is kept until the process ends. A reference that is in use protects the derivation, all its
    realizations, and all that these need.
    """

    __slots__ = ("_fd", "_known", "_path", "_pid", "_store", "_turns", "working")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fd = -1
        self._known: set[str] = set()
        self._pid = os.getpid()
        self._path = ""
        self._turns: dict[int, RLock] = {}
        self.working: list[Sequence[DRef | RRef]] = []

    @property
    def path(self) -> str:
        """The file of this process; empty if it has none, as in a child just forked."""
        return self._path if self._pid == os.getpid() else ""

    @contextmanager
    def at_work(self, refs: Sequence[DRef | RRef]) -> Iterator[None]:
        """Hold these for a call under way: meanwhile not even this process may collect them."""
        self.working.append(refs)
        try:
            self.hold(refs)
            yield
        finally:
            self.working.remove(refs)

    def hold(self, refs: Iterable[DRef | RRef]) -> None:
        """Keep these from being collected while this process lives.

        Look only afterwards whether they are there. A store that cannot be written needs no
        protection from us, and gets none.
        """
        fresh: list[str] = [ref for ref in refs if ref not in self._known]
        if not fresh and self._pid == os.getpid():
            return  # a child may need what its parent held, when that has ended
        try:
            # Of two threads that make the file, one would write to what the other has closed. A
            # child has a turn of its own: its parent's may have been taken when it was forked.
            turn = self._turns.setdefault(os.getpid(), RLock())
            with turn, collector_lock(self._store, shared=True):
                is_here = self._fd >= 0 and self._pid == os.getpid()
                if not is_here or not os.path.exists(self._path):
                    self._open()
                    fresh = [*self._known, *fresh]
                fsys.write_all(self._fd, "".join(f"{ref}\n" for ref in fresh).encode())
                self._known.update(fresh)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return  # a full disk must not forbid reading; the next call tries again
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise StoreError(
                    f"cannot note in {self._store.var} what is in use: {error}; "
                    "mend the disk and try again"
                ) from error
        self._known.update(fresh)

    def _open(self) -> None:
        import fcntl

        folder = f"{var_path(self._store, 'roots')}/{LIVE}"
        os.makedirs(folder, exist_ok=True)
        self._pid = os.getpid()
        self._path = f"{folder}/{host()}-{self._pid}-{fsys.token()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        inherited, self._fd = self._fd, os.open(self._path, flags, 0o644)
        if inherited >= 0:
            os.close(inherited)
        with suppress(OSError):
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let go of everything; what a forked child or its parent may still use stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            # The lock is gone with its last descriptor, and a child has a copy of that.
            with suppress(OSError):
                if self.path and not fsys.is_locked(self.path):
                    os.unlink(self.path)
        self._known.clear()


def live_refs(store: Store, mine: str = "") -> dict[DRef | RRef, str]:
    """Give what other live processes use: reference -> the process.

    Args:
        store: where.
        mine: the file of this process, which is passed over: who collects says what to keep.
    """
    found: dict[DRef | RRef, str] = {}
    for path in live_files(store):
        if path == mine:
            continue
        with suppress(FileNotFoundError):
            if is_dead(path):
                continue
            process = "-".join(os.path.basename(path).rsplit("-", 2)[1:2])
            for line in fsys.read_bytes(path).decode(errors="replace").splitlines():
                if isdref(line) or isrref(line):
                    found[RRef(line) if isrref(line) else DRef(line)] = f"process {process}"
    return found


def live_files(store: Store) -> list[str]:
    """Give the files in which processes say what they use, of dead ones too, sorted."""
    base = f"{var_path(store, 'roots')}/{LIVE}"
    return [f"{base}/{label}" for label in sorted(_listed(base))]


def is_dead(path: str) -> bool:
    """Tell whether the process has ended that such a file is of."""
    here = os.path.basename(path).rsplit("-", 2)[0] == host()
    locked = fsys.is_locked(path) if here else None
    if locked is None:
        return os.stat(path).st_mtime < time.time() - FOREIGN_LEASE_S
    return not locked
