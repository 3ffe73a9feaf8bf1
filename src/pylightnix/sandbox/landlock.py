"""Landlock: a process gives up files, TCP, abstract sockets and signals, for good.

Made by raw system calls, by the version (ABI) that the kernel has.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

from .kernel import syscall

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1
_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_TCP = 3  # bind and connect
_SCOPES = 3  # abstract unix sockets and signals

NET_ABI, SCOPE_ABI = 4, 6


def abi() -> int:
    """Give the version of Landlock that this kernel has on; 0 for none."""
    try:
        return syscall(_CREATE, None, 0, _VERSION)
    except OSError:
        return 0


def _rights(version: int) -> int:
    """All rights about files that a version knows."""
    known = (1 << 13) - 1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL)):
        known |= right if version >= since else 0
    return known


def restrict(ro: Iterable[str], rw: Iterable[str], *, network: bool) -> None:
    """Leave this process, and all that it starts, nothing but this.

    Args:
        ro: files and folders to read, list and execute.
        rw: files and folders to change too.
        network: leave TCP as it is.

    Raises:
        OSError: a path is not there, or the kernel has no Landlock.

    Effects: needs `no_new_privileges` before.
    """
    version = abi()
    every = _rights(version)
    fields = (ctypes.c_uint64 * 3)(
        every,
        _TCP if version >= NET_ABI and not network else 0,
        _SCOPES if version >= SCOPE_ABI else 0,
    )
    size = 24 if version >= SCOPE_ABI else 16 if version >= NET_ABI else 8
    rules = syscall(_CREATE, ctypes.cast(fields, ctypes.c_void_p), size, 0)
    try:
        for paths, rights in ((ro, _READ), (rw, every)):
            for path in paths:
                _grant(rules, path, rights & every)
        syscall(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _grant(rules: int, path: str, rights: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(folder).st_mode):
            rights &= _OF_FILES
        rule = _Beneath(rights, folder)
        syscall(_ADD, rules, _BENEATH, ctypes.cast(ctypes.pointer(rule), ctypes.c_void_p), 0)
    finally:
        os.close(folder)
