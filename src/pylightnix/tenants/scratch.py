"""Scratch folders: listed, and copied between a tenant's folder and a run's, by descriptors.

A run has a folder of its own in memory. What it leaves there is read like anything that comes from
strangers: no link is followed, no device opened, nothing taken but plain files and folders.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from pylightnix.core.value import value

from .refusals import InvalidTenant

MOST_ENTRIES = 50_000
_DEPTH_MAX = 32
PAGE = 4096
LOOK = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class TooMuch(Exception):
    """A folder holds more entries than are taken."""


@value
class Entry:
    """A file or a folder.

    Attributes:
        is_folder: which of both.
        size_bytes: of a file.
        stamp: changes whenever a file does.
    """

    is_folder: bool
    size_bytes: int
    stamp: tuple[int, int, int]


@value
class Listing:
    """What is in a folder.

    Attributes:
        entries: path in it -> what is there, folders before what is in them.
        others: how many links, devices and such there are; they are not taken.
    """

    entries: Mapping[str, Entry]
    others: int

    @property
    def bytes(self) -> int:
        """The lengths of all files together."""
        return sum(entry.size_bytes for entry in self.entries.values())

    @property
    def room_bytes(self) -> int:
        """The bytes that a folder in memory takes for it, at most."""
        return sum(-(-entry.size_bytes // PAGE) * PAGE for entry in self.entries.values())


@contextmanager
def folder(path: str) -> Iterator[int]:
    """Open a folder; a link is not followed.

    Raises:
        InvalidTenant: it is none.
    """
    try:
        fd = os.open(path, LOOK)
    except OSError as error:
        issue = f"{error.strerror}; it has to be a folder, and no link"
        raise InvalidTenant("a folder of a tenant", os.path.basename(path), issue) from None
    try:
        yield fd
    finally:
        os.close(fd)


def listing(fd: int) -> Listing:
    """List a folder and all below it.

    Raises:
        TooMuch: there is more than is taken, or it lies deeper.
    """
    entries: dict[str, Entry] = {}
    others = _list(fd, "", entries)
    return Listing(entries, others)


def _list(fd: int, prefix: str, entries: dict[str, Entry]) -> int:
    if prefix.count("/") > _DEPTH_MAX:
        raise TooMuch(f"folders that are more than {_DEPTH_MAX} deep")
    others, folders = 0, []
    with os.scandir(fd) as names:  # one by one: there may be millions
        for item in names:
            try:
                status = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # the platform tidies up
            if stat.S_ISDIR(status.st_mode):
                entries[f"{prefix}{item.name}"] = Entry(True, 0, (0, 0, 0))
                folders.append(item.name)
            elif stat.S_ISREG(status.st_mode):
                stamp = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
                entries[f"{prefix}{item.name}"] = Entry(False, status.st_size, stamp)
            else:
                others += 1
            if len(entries) + others > MOST_ENTRIES:
                raise TooMuch(f"more than {MOST_ENTRIES:,} files")
    for name in folders:
        inner = _opened(name, fd)
        try:
            others += _list(inner, f"{prefix}{name}/", entries)
        finally:
            os.close(inner)
    return others


def _opened(name: str, fd: int) -> int:
    """Open a folder, also one that its owner made unreadable."""
    try:
        return os.open(name, LOOK, dir_fd=fd)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=fd)
        return os.open(name, LOOK, dir_fd=fd)


def difference(before: Listing, after: Listing) -> tuple[dict[str, Entry], list[str]]:
    """Tell what came or was changed, and what went, the innermost first."""
    come = {path: one for path, one in after.entries.items() if before.entries.get(path) != one}
    gone = [path for path in before.entries if path not in after.entries]
    return come, gone[::-1]


def copied(source: int, entries: Mapping[str, Entry], target: int) -> None:
    """Copy files and folders; what is at a place in `target` is replaced.

    Raises:
        OSError: there is no room, say.
    """
    for path, entry in entries.items():
        with _parent(target, path) as (into, name):
            if entry.is_folder:
                _make_folder(name, into)
            else:
                with _parent(source, path) as (of, _):
                    _copy(of, name, entry.size_bytes, into)


def dropped(target: int, paths: list[str]) -> None:
    """Delete files and folders, the innermost first; a folder that is not empty stays."""
    for path in paths:
        with suppress(OSError), _parent(target, path) as (into, name):
            try:
                os.unlink(name, dir_fd=into)
            except IsADirectoryError:
                os.rmdir(name, dir_fd=into)


@contextmanager
def _parent(root: int, path: str) -> Iterator[tuple[int, str]]:
    """Open the folder that a path lies in; no part of it may be a link."""
    *parents, name = path.split("/")
    fd = os.dup(root)
    try:
        for part in parents:
            inner = os.open(part, LOOK, dir_fd=fd)
            os.close(fd)
            fd = inner
        yield fd, name
    finally:
        os.close(fd)


def _make_folder(name: str, into: int) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=into)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=into, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=into)
            os.mkdir(name, 0o755, dir_fd=into)


def _copy(of: int, name: str, size_bytes: int, into: int) -> None:
    """Copy a file aside, and put it in its place."""
    aside = f".in-{os.urandom(8).hex()}"
    source = _readable(name, of)
    try:
        status = os.fstat(source)
        target = os.open(aside, MAKE, 0o755 if status.st_mode & 0o100 else 0o644, dir_fd=into)
        try:
            left = min(size_bytes, status.st_size)
            while left and (sent := os.sendfile(target, source, None, left)):
                left -= sent
            os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
        finally:
            os.close(target)
        try:
            os.rename(aside, name, src_dir_fd=into, dst_dir_fd=into)
        except IsADirectoryError:
            _drop_tree(name, into)
            os.rename(aside, name, src_dir_fd=into, dst_dir_fd=into)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside, dir_fd=into)
        raise
    finally:
        os.close(source)


def _readable(name: str, of: int) -> int:
    """Open a file, also one that its owner made unreadable."""
    try:
        return os.open(name, _READ, dir_fd=of)
    except PermissionError:
        os.chmod(name, 0o600, dir_fd=of)
        return os.open(name, _READ, dir_fd=of)


def _drop_tree(name: str, into: int) -> None:
    import shutil

    shutil.rmtree(name, dir_fd=into)
