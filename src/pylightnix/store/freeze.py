"""Canonicalise a built tree and take its inventory in one walk.

Below the top folder the walk goes by descriptors, and never through a link.

What leaves here holds only regular files (0444, or 0555 if executable), folders (0555) and
symlinks, all dated to the year 2000, without extended attributes, and nobody can still write to it:
a file that has another name elsewhere, or that somebody holds open for writing, is replaced by a
copy.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat

from pylightnix.core.errors import StoreError
from pylightnix.core.manifest import META, Entry

from .filehash import CHUNK, NOTHING, Known, hash_open, state_of
from .fsys import EPOCH, incoming, unlock_entry

MAX_DEPTH = 256
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_OPEN_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_SIGNAL = int(signal.SIGURG)


class InvalidOutput(StoreError):
    """A built tree holds something that cannot be in a realization."""

    def __init__(self, folder: str, path: str, cause: str) -> None:
        super().__init__(folder, path, cause)
        self.folder, self.path, self.cause = folder, path, cause

    def __str__(self) -> str:
        return f"{self.path!r} in the output folder {self.folder} cannot be stored: {self.cause}"


class Inventory:
    """What the walk found.

    Attributes:
        known: what is known of files before they are read.
        entries: of the manifest, in no particular order.
        remarks: why the tree may not survive a copy to another place or system.
        size_bytes: of all files together.
    """

    __slots__ = ("entries", "folder", "known", "remarks", "size_bytes", "sync")

    def __init__(self, folder: str, sync: bool, known: Known) -> None:
        self.folder, self.sync, self.known = folder, sync, known
        self.entries: list[Entry] = []
        self.remarks: list[str] = []
        self.size_bytes = 0


def freeze_tree(folder: str, *, sync: bool = False, known: Known = NOTHING) -> Inventory:
    """Canonicalise everything below `folder` and list it.

    `folder` itself stays writable, for the manifest.

    Args:
        folder: what the builder made.
        sync: flush each file and folder (durability `full`).
        known: of files that were hashed while they were written: inode -> state and hash. A file
            that is not in that state is read.

    Raises:
        InvalidOutput: a special file, a name that is not UTF-8, our own reserved name, or too deep
            a tree.
        OSError: reading or changing something failed.
    """
    found = Inventory(folder, sync, known)
    try:
        if not stat.S_ISDIR((status := os.lstat(folder)).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if status.st_mode & 0o700 != 0o700:
            os.chmod(folder, 0o700)
        # The top is ours and stays where it is while we walk: by path, which is cheaper. What the
        # builder made below it is walked by descriptors.
        listing = _listed(folder)
    except OSError as error:
        raise InvalidOutput(folder, ".", f"expected a folder ({error.strerror})") from error
    _strip_attributes(folder)
    _entries(found, None, listing, "", 0)
    return found


def _listed(folder: str | int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as listing:
        return list(listing)


def _entries(
    found: Inventory, fd: int | None, entries: list[os.DirEntry[str]], prefix: str, depth: int
) -> None:
    """Do all entries of one folder: of an open one, or of the top, behind its path."""
    for entry in entries:
        path = _checked(found, prefix, entry.name)
        name = entry.path if fd is None else entry.name
        if entry.is_file(follow_symlinks=False):
            _file(found, fd, name, path)
        elif entry.is_dir(follow_symlinks=False):
            _folder(found, fd, name, path, depth)
        elif entry.is_symlink():
            _link(found, fd, name, path)
        else:
            raise InvalidOutput(
                found.folder, path, "only files, folders and symlinks can be stored; delete it"
            )
    _note_twins(found, prefix, [entry.name for entry in entries])


def _checked(found: Inventory, prefix: str, name: str) -> str:
    path = prefix + name
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InvalidOutput(found.folder, path, "its name is not UTF-8; rename it") from None
    if not prefix and name == META:
        raise InvalidOutput(
            found.folder, path, "this name is reserved for the store; choose another"
        )
    return path


def _note_twins(found: Inventory, prefix: str, names: list[str]) -> None:
    if len(names) < 2:
        return
    folded = {name.casefold() for name in names}
    if not all(name.isascii() for name in names):
        from unicodedata import normalize

        folded = {normalize("NFC", name).casefold() for name in names}
    if len(folded) != len(names):
        where = prefix.rstrip("/") or "."
        found.remarks.append(f"{where}: names that differ only by case or by Unicode form")


def _folder(found: Inventory, parent: int | None, name: str, path: str, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise InvalidOutput(found.folder, path, f"it is nested deeper than {MAX_DEPTH} folders")
    fd = _opened(name, parent, _OPEN_FOLDER, 0o700)
    try:
        os.fchmod(fd, 0o700)
        _strip_attributes(fd)
        _entries(found, fd, _listed(fd), f"{path}/", depth + 1)
        os.fchmod(fd, 0o555)
        os.utime(fd, EPOCH)
        if found.sync:
            os.fsync(fd)
    finally:
        os.close(fd)
    found.entries.append((path, "d"))


def _link(found: Inventory, parent: int | None, name: str, path: str) -> None:
    target = os.readlink(name, dir_fd=parent)
    try:
        target.encode()
    except UnicodeEncodeError:
        raise InvalidOutput(
            found.folder, path, "its target is not UTF-8; make the link anew"
        ) from None
    os.utime(name, EPOCH, dir_fd=parent, follow_symlinks=False)
    if leads_out(path, target):
        found.remarks.append(f"{path}: a link that is absolute or leads out of the object")
    found.entries.append((path, "l", target))


def leads_out(path: str, target: str) -> bool:
    """Tell, by its text alone, whether a link at `path` points out of the object.

    `path` is relative to the object.
    """
    if target.startswith("/"):
        return True
    level = path.count("/")
    for part in target.split("/"):
        level += -1 if part == ".." else part not in ("", ".")
        if level < 0:
            return True
    return False


def _file(found: Inventory, parent: int | None, name: str, path: str) -> None:
    fd = _opened(name, parent, _OPEN_FILE, 0o600)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidOutput(
                found.folder, path, "it changed while it was stored; is its builder still running?"
            )
        if status.st_nlink > 1 or _open_for_writing(fd):
            fd, old = _copied(fd, name, parent), fd
            os.close(old)
            told = None
        else:
            _strip_attributes(fd)
            told = found.known.get(status.st_ino)
        if told is not None and told[:2] == state_of(status):
            size, digest = status.st_size, told[2]
        else:
            digest, size = hash_open(fd, status.st_size)
        executable = bool(status.st_mode & 0o111)
        os.fchmod(fd, 0o555 if executable else 0o444)
        os.utime(fd, EPOCH)
        if found.sync:
            os.fsync(fd)
    finally:
        os.close(fd)
    found.size_bytes += size
    found.entries.append((path, "x" if executable else "f", size, digest))


def _opened(name: str, parent: int | None, flags: int, mode: int) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except PermissionError:
        unlock_entry(name, parent, mode)
        return os.open(name, flags, dir_fd=parent)


def _open_for_writing(fd: int) -> bool:
    """Tell whether anybody has the file open for writing: the kernel then grants no read lease."""
    try:
        # A lease is broken by a signal to us, and the default one would kill: ask for one that is
        # ignored. The lease ends when the file is closed; until then nobody can open it to write.
        fcntl.fcntl(fd, 10, _SIGNAL)  # F_SETSIG
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def _copied(fd: int, name: str, parent: int | None) -> int:
    """Put a copy with an inode of its own in the place of a file; returns it opened for reading."""
    fresh = os.path.join(os.path.dirname(name), os.path.basename(incoming("")))
    out = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=parent)
    try:
        while chunk := os.read(fd, CHUNK):
            view = memoryview(chunk)
            while view:
                view = view[os.write(out, view) :]
        os.rename(fresh, name, src_dir_fd=parent, dst_dir_fd=parent)
        os.lseek(out, 0, os.SEEK_SET)
    except BaseException:
        os.close(out)
        raise
    return out


def _strip_attributes(entry: int | str) -> None:
    """Take off extended attributes and access lists, as far as they are not the system's own."""
    try:
        names = os.listxattr(entry)
    except OSError:
        return
    for name in names:
        os.chmod(entry, 0o700)  # without root, only who may write may remove
        try:
            os.removexattr(entry, name)
        except OSError:
            # Labels such as security.selinux belong to the system and cannot be taken off.
            if not name.startswith("security.") or name == "security.capability":
                raise
