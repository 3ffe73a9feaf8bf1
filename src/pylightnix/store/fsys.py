"""The few ways to touch the disk: make a file, read one, delete, flush, put into the trash."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress

from .layout import INCOMING, Store, trash_path

# Not 1970: zip files cannot hold years before 1980.
EPOCH = (946684800, 946684800)
DEEP = 100
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# What `flock` says where there are no such locks.
NO_FLOCK = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)


def token() -> str:
    """A name that nobody else has."""
    return os.urandom(8).hex()


def incoming(folder: str) -> str:
    """A name inside `folder` that every reader ignores."""
    return f"{folder}/{INCOMING}{token()}"


def write_all(fd: int, data: bytes) -> None:
    """Write all of it: on a disk that is nearly full a write may come short."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def write_new(path: str, data: bytes, *, sync: bool = False, dated: bool = True) -> None:
    """Write a read-only file that must not be there yet.

    Who may read it is left to the umask, as it is for the derivation's folder above it.

    Args:
        path: of the file.
        data: all that it will hold.
        sync: flush it.
        dated: give it the time of all things in the store.
    """
    fd = os.open(path, _NEW, 0o444)
    try:
        write_all(fd, data)
        if dated:
            os.utime(fd, EPOCH)
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def read_bytes(path: str, at_most: int = sys.maxsize, end: bytes = b"") -> bytes:
    """Read a file, not through a link: all of it, or so many bytes.

    Where what was read ends with `end`, that is the end, which saves asking for more.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        # No file object: most of what is read is short. Only an empty read is the end: some network
        # file systems give less than they have.
        parts = []
        while part := os.read(fd, min(at_most, 1 << 16)):
            parts.append(part)
            at_most -= len(part)
            if end and part.endswith(end):
                break
        return b"".join(parts)
    finally:
        os.close(fd)


def read_dated(path: str) -> tuple[bytes, float]:
    """Read a whole file, not through a link; with its change time, in seconds since 1970."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        raw = os.read(fd, status.st_size + 1)
        if len(raw) == status.st_size:
            return raw, status.st_ctime
    finally:
        os.close(fd)
    return read_bytes(path), status.st_ctime


def is_locked(path: str) -> bool | None:
    """Tell whether any process holds the lock of a file; None where there are no locks."""
    import fcntl

    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in NO_FLOCK:
            raise
        return None
    finally:
        os.close(fd)


def sync_file(path: str) -> None:
    """Flush the contents of a file, not through a link."""
    _sync(path, os.O_NOFOLLOW)


def sync_folder(path: str) -> None:
    """Flush the names in a folder."""
    _sync(path, os.O_DIRECTORY)


def _sync(path: str, flags: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def delete_tree(path: str) -> None:
    """Delete a tree of ours, read-only folders included, never through a link.

    A path that is gone is no error.
    """
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return
        fd = _open_folder(path)
    except FileNotFoundError:
        return
    try:
        while _empty(fd, fd, 0):
            pass
    finally:
        os.close(fd)
    with suppress(FileNotFoundError):
        os.rmdir(path)


def _open_folder(path: str, dir_fd: int | None = None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, dir_fd=dir_fd)
    except PermissionError:
        unlock_entry(path, dir_fd, 0o700)
        return os.open(path, flags, dir_fd=dir_fd)


def unlock_entry(path: str, dir_fd: int | None, mode: int) -> None:
    """Change the mode of an entry that cannot be opened; not through a link."""
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            os.chmod(f"/proc/self/fd/{fd}", mode)
    finally:
        os.close(fd)


def _empty(fd: int, top: int, depth: int) -> bool:
    """Delete what is in a folder; true if something nested too deep was moved up to `top` instead.

    A builder may nest folders deeper than there are descriptors and stack frames.
    """
    os.fchmod(fd, 0o700)
    with os.scandir(fd) as listing:
        entries = list(listing)
    moved = False
    for entry in entries:
        with suppress(FileNotFoundError):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=fd)
            elif depth < DEEP:
                moved |= _empty_inner(fd, entry.name, top, depth + 1)
                os.rmdir(entry.name, dir_fd=fd)
            else:
                unlock_entry(entry.name, fd, 0o700)  # to change its parent it must be writable
                os.rename(entry.name, token(), src_dir_fd=fd, dst_dir_fd=top)
                moved = True
    return moved


def _empty_inner(parent: int, name: str, top: int, depth: int) -> bool:
    fd = _open_folder(name, parent)
    try:
        return _empty(fd, top, depth)
    finally:
        os.close(fd)


def to_trash(store: Store, path: str) -> str:
    """Move an object out of the store into the trash; returns where it is now.

    A folder is made writable first: without root a read-only folder cannot change its parent.
    """
    folder = trash_path(store)
    os.makedirs(folder, exist_ok=True)
    target = f"{folder}/{token()}-{os.path.basename(path)}"
    with suppress(NotADirectoryError):
        fd = _open_folder(path)
        try:
            os.fchmod(fd, 0o700)
        finally:
            os.close(fd)
    os.rename(path, target)
    return target
