"""A download under way: the part of it that is on the disk, and its digests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .sources import Digests, HashMismatch

if TYPE_CHECKING:
    from hashlib import _Hash

_CHUNK_BYTES = 1024 * 1024


class Part:
    """A file that grows while its digests are computed; a stateful handle.

    Attributes:
        size_bytes: how much has come.
        is_provable: whether there is a hash that will tell if it is right.
        is_patchwork: whether what has come is of more than one response.
    """

    def __init__(self, path: str, digests: Digests) -> None:
        """Take up what is there."""
        self._digests = digests
        self.is_provable = bool(digests.wanted())
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o644), "r+b")
        self.size_bytes = 0
        self._hashers = self._fresh_hashers()
        while piece := self._file.read(_CHUNK_BYTES):
            self._count(piece)
        self.is_patchwork = self.size_bytes > 0

    def close(self) -> None:
        """Write out what is still in memory and let go of the file."""
        self._file.close()

    def restart(self) -> None:
        """Forget all of it."""
        self._file.seek(0)
        self._file.truncate()
        self.size_bytes, self.is_patchwork, self._hashers = 0, False, self._fresh_hashers()

    def append(self, piece: bytes) -> None:
        """Add what came."""
        self._file.write(piece)
        self._count(piece)

    def check(self, url: str) -> None:
        """Raise `HashMismatch` if it is not what was wanted."""
        for name, expected in self._digests.wanted().items():
            got = self._hashers[name].hexdigest()
            if got != expected:
                raise HashMismatch(url, expected, got)

    def _count(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        for hasher in self._hashers.values():
            hasher.update(piece)

    def _fresh_hashers(self) -> dict[str, _Hash]:
        names = self._digests.wanted()
        return {name: hashlib.new(name, usedforsecurity=False) for name in names}


@contextmanager
def own_part(path: str) -> Iterator[str | None]:
    """Keep a part for ourselves: gives its path, or None while another process has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        yield path if _is_ours(fd, path) else None
    finally:
        os.close(fd)


def _is_ours(fd: int, path: str) -> bool:
    """Lock what we opened; then see whether it still is what has the name."""
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it before us may have finished, and what we opened is his result by now.
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except OSError:
        return False
