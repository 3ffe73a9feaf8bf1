"""Files and folders from outside the store: their hash, and a copy of them."""

from __future__ import annotations

import os
import shutil
import stat

from pylightnix.core.codec import canonical_json
from pylightnix.core.hashing import tree_digest
from pylightnix.core.manifest import Entry

from .freeze import MAX_DEPTH, InvalidOutput, hash_open
from .layout import Store

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def hash_path(store: Store | None, path: str) -> str:
    """Hash a file or a folder: 64 hex digits.

    Of a file it is the SHA-256 of its contents, of a folder that of its canonical listing. Names,
    kinds, x bits and contents count; times, owners and other modes do not. The path may be a link
    to the file or folder; links inside a folder are taken as links.

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
    _require_shallow(root, prefix, prefix.count("/"))
    with os.scandir(f"{root}/{prefix}") as listing:
        for item in listing:
            path = prefix + item.name
            _require_text(root, path, item.name)
            if item.is_symlink():
                target = os.readlink(item.path)
                _require_text(root, path, target)
                entries.append((path, "l", target))
            elif item.is_dir():
                entries.append((path, "d"))
                _walk(root, f"{path}/", entries)
            else:
                status = item.stat(follow_symlinks=False)
                kind = "x" if status.st_mode & 0o111 else "f"
                entries.append((path, kind, status.st_size, _hash_file(item.path, status)))


def _require_text(root: str, path: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidOutput(root, path, "its name or target is not UTF-8; rename it") from None


def _require_shallow(root: str, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidOutput(root, path, f"it is nested deeper than {MAX_DEPTH} folders")


def copy_path(source: str, target: str, depth: int = 0) -> None:
    """Copy a file, or a tree without following links in it; `target` must not be there yet.

    Args:
        source: the file or folder.
        target: the path of the copy.
        depth: how many folders around it are being copied already.

    Raises:
        OSError: something could not be read or written; what was copied so far stays.
        InvalidOutput: a special file, or too deep a tree.
    """
    if os.path.isdir(source):
        _require_shallow(os.path.dirname(source), source, depth)
        os.mkdir(target, 0o755)
        with os.scandir(source) as listing:
            for item in listing:
                if item.is_symlink():
                    os.symlink(os.readlink(item.path), f"{target}/{item.name}")
                else:
                    copy_path(item.path, f"{target}/{item.name}", depth + 1)
        return
    status = os.stat(source)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidOutput(
            os.path.dirname(source), source, "only files, folders and symlinks can be stored"
        )
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if status.st_mode & 0o111 else 0o644)
