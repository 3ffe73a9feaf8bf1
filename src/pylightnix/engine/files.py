"""Make trees writable, or read-only, for builders that copy things out of the store."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from pylightnix.core.errors import InvalidValue


def dirrw(path: str | os.PathLike[str]) -> None:
    """Make a tree writable for its owner: every file and folder, never through a symlink.

    Args:
        path: a folder outside the store, such as a copy of a dependency.

    Raises:
        InvalidValue: it is not a folder.
    """
    _each(path, lambda mode: mode | (0o700 if stat.S_ISDIR(mode) else 0o200))


def dirro(path: str | os.PathLike[str]) -> None:
    """Make a tree read-only for everybody: every file and folder, never through a symlink.

    Raises:
        InvalidValue: it is not a folder.
    """
    _each(path, lambda mode: mode & ~0o222)


def _each(path: str | os.PathLike[str], change: Callable[[int], int]) -> None:
    top = os.fspath(path)
    if os.path.islink(top) or not os.path.isdir(top):
        raise InvalidValue(f"{top} is not a folder: give the folder itself, not a link or a file")
    _chmod(top, change)
    # A folder must be readable before it can be listed; os.fwalk never follows links.
    for _, folders, files, fd in os.fwalk(top):
        for name in (*folders, *files):
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                os.chmod(name, stat.S_IMODE(change(status.st_mode)), dir_fd=fd)


def _chmod(path: str, change: Callable[[int], int]) -> None:
    os.chmod(path, stat.S_IMODE(change(os.lstat(path).st_mode)))
