"""What a file system can do, found out by doing it in a folder made for that."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeAlias

from .fsys import write_new
from .syscalls import rename_noreplace

Probe: TypeAlias = Callable[[str], bool]


def rename_never_replaces(folder: str) -> bool:
    """Tell whether a rename onto an existing empty folder is refused."""
    os.mkdir(f"{folder}/a")
    os.mkdir(f"{folder}/b")
    try:
        rename_noreplace(f"{folder}/a", f"{folder}/b")
    except FileExistsError:
        return True
    return False


def flock_excludes(folder: str) -> bool:
    """Tell whether a second lock on one file is refused."""
    import fcntl

    write_new(f"{folder}/lock", b"")
    first = os.open(f"{folder}/lock", os.O_RDONLY | os.O_CLOEXEC)
    second = os.open(f"{folder}/lock", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EWOULDBLOCK)
    finally:
        os.close(first)
        os.close(second)
    return False


def hard_links(folder: str) -> bool:
    """Tell whether a file can have two names."""
    write_new(f"{folder}/one", b"")
    try:
        os.link(f"{folder}/one", f"{folder}/two")
    except OSError:
        return False
    return True


def reflinks(folder: str) -> bool:
    """Tell whether a file can be cloned without copying."""
    import fcntl

    ficlone = 0x40049409
    write_new(f"{folder}/whole", b"x" * 4096)
    source = os.open(f"{folder}/whole", os.O_RDONLY | os.O_CLOEXEC)
    target = os.open(f"{folder}/clone", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.ioctl(target, ficlone, source)
    except OSError:
        return False
    finally:
        os.close(source)
        os.close(target)
    return True


def case_matters(folder: str) -> bool:
    """Tell whether `A` and `a` are two names."""
    write_new(f"{folder}/Case", b"")
    return not os.path.exists(f"{folder}/case")


ALL: tuple[tuple[str, bool, Probe], ...] = (
    ("rename without replacing", True, rename_never_replaces),
    ("file locks", True, flock_excludes),
    ("hard links", False, hard_links),
    ("clones", False, reflinks),
    ("names in upper and lower case", False, case_matters),
)
"""Name, whether the store needs it, and the probe."""
