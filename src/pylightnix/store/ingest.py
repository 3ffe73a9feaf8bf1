"""Files and folders from outside the store: their hash, and a copy of them."""

from __future__ import annotations

import os
import shutil
import stat

from pylightnix.core.codec import canonical_json
from pylightnix.core.hashing import tree_digest
from pylightnix.core.manifest import Entry

from .freeze import InvalidOutput, hash_open
from .layout import Store

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def hash_path(store: Store | None, path: str) -> str:
    """Give 64 hex digits: of a file the SHA-256 of its contents, of a folder that of its canonical
    listing.

    Names, kinds, x bits and contents count; times, owners and other modes do not. The path may be a
    link to the file or folder; links inside a folder are taken as links.

    Raises:
        OSError: something could not be read.
        InvalidOutput: the folder holds something that cannot be stored.
    """
    real = os.path.realpath(path)
    if not os.path.isdir(real):
        return _hash_file(real, os.stat(real))
    entries: list[Entry] = []
    _walk(real, "", entries)
    return tree_digest(canonical_json(sorted(entries, key=lambda entry: entry[0].encode())))


def _hash_file(path: str, status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        raise InvalidOutput(
            os.path.dirname(path), path, "only files, folders and symlinks can be stored"
        )
    fd = os.open(path, _READ)
    try:
        return hash_open(fd, status.st_size)[0]
    finally:
        os.close(fd)


def _walk(root: str, prefix: str, entries: list[Entry]) -> None:
    with os.scandir(f"{root}/{prefix}") as listing:
        for item in listing:
            path = prefix + item.name
            if item.is_symlink():
                entries.append((path, "l", os.readlink(item.path)))
            elif item.is_dir():
                entries.append((path, "d"))
                _walk(root, f"{path}/", entries)
            else:
                status = item.stat(follow_symlinks=False)
                kind = "x" if status.st_mode & 0o111 else "f"
                entries.append((path, kind, status.st_size, _hash_file(item.path, status)))


def copy_path(source: str, target: str) -> None:
    """Copy a file, or a tree without following links in it; `target` must not be there yet.

    Raises:
        OSError: something could not be read or written; what was copied so far stays.
        InvalidOutput: a special file.
    """
    if os.path.isdir(source):
        os.mkdir(target, 0o755)
        with os.scandir(source) as listing:
            for item in listing:
                if item.is_symlink():
                    os.symlink(os.readlink(item.path), f"{target}/{item.name}")
                else:
                    copy_path(item.path, f"{target}/{item.name}")
        return
    status = os.stat(source)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidOutput(
            os.path.dirname(source), source, "only files, folders and symlinks can be stored"
        )
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if status.st_mode & 0o111 else 0o644)
