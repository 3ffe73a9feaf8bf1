"""The two system calls that the standard library lacks.

They are a rename that never replaces, and a flush of one file system.
"""

from __future__ import annotations

import errno
import os
from functools import cache
from typing import Any

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1


@cache
def _function(name: str) -> Any:
    import ctypes

    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


def _call(name: str, *args: object) -> None:
    function = _function(name)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    if function(*args) != 0:
        from ctypes import get_errno

        code = get_errno()
        raise OSError(code, os.strerror(code), *(a.decode() for a in args if isinstance(a, bytes)))


def rename_noreplace(source: str, target: str) -> None:
    """Rename, or raise `FileExistsError`; never replaces anything, not even an empty folder.

    Where the call or the file system lacks it (old NFS), a plain rename is the best there is;
    callers hold the build lock, and a realization is never an empty folder, which is all that a
    plain rename of a folder replaces.
    """
    try:
        _call(
            "renameat2",
            _AT_FDCWD,
            os.fsencode(source),
            _AT_FDCWD,
            os.fsencode(target),
            _RENAME_NOREPLACE,
        )
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(error.errno, error.strerror, target) from error
        if error.errno not in (errno.ENOSYS, errno.EINVAL):
            raise
        _rename_plainly(source, target)


def _rename_plainly(source: str, target: str) -> None:
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(error.errno, error.strerror, target) from error
        raise


def sync_filesystem(path: str) -> None:
    """Flush the file system that holds `path`, data and names.

    Raises:
        OSError: something written to it since the descriptor was opened did not reach the disk.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        _call("syncfs", fd)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        os.sync()
    finally:
        os.close(fd)
