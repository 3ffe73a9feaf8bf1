"""Hashes of files, and what is known of them from when they were written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

Hashed: TypeAlias = tuple[int, int, str]
"""The state of a file when it was hashed (see `state_of`), and the hash."""
Known: TypeAlias = Mapping[int, Hashed]
NOTHING: Known = {}
CHUNK = 1 << 20


def state_of(status: os.stat_result) -> tuple[int, int]:
    """Give what of a file changes when its contents do: its length and its time."""
    return status.st_size, status.st_mtime_ns


def hash_open(fd: int, size_hint: int) -> tuple[str, int]:
    """Hash an open file in a stream: its 64 hex digits and its length in bytes."""
    if size_hint < CHUNK:
        # Small files are most files: one read that asks for a byte more than there is sees the end,
        # too.
        data = os.read(fd, size_hint + 1)
        if len(data) == size_hint:
            return sha256(data).hexdigest(), size_hint
        os.lseek(fd, 0, os.SEEK_SET)
    state, size = sha256(), 0
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    while count := os.readv(fd, [buffer]):
        state.update(view[:count])
        size += count
    return state.hexdigest(), size
