"""A download under way: the part that is on the disk, and its digests. A stateful handle."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from pylightnix.core.errors import FetchError, InvalidValue

_CHUNK_BYTES = 1024 * 1024
_DIGITS = {"sha256": 64, "sha1": 40}


class HashMismatch(FetchError):
    """What was fetched is not what its hash says; it was deleted."""

    def __init__(self, url: str, expected: str, got: str) -> None:
        """Keep where it came from, and both digests in hex."""
        super().__init__(url, expected, got)
        self.url, self.expected, self.got = url, expected, got

    def __str__(self) -> str:
        """Say what came, what should have, and what to do about it."""
        return (
            f"{self.url} has the hash {self.got}, but {self.expected} was asked for: it has changed, or the hash "
            "is of something else. If the new content is what you want, give its hash"
        )


@dataclass(frozen=True, slots=True)
class Digests:
    """The hashes that a file must have: 64 hex digits of SHA-256, 40 of SHA-1, or none."""

    sha256: str | None = None
    sha1: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no file can have as its hash."""
        for name, digest in self.wanted().items():
            digits = _DIGITS[name]
            if not isinstance(digest, str) or not re.fullmatch(f"[0-9a-f]{{{digits}}}", digest):
                raise InvalidValue(
                    f"{name}={digest!r} is no hash: give the {digits} lower-case hex digits that `{name}sum` prints"
                )

    def wanted(self) -> Mapping[str, str]:
        """Those that were given, by name."""
        given = {"sha256": self.sha256, "sha1": self.sha1}
        return {name: digest for name, digest in given.items() if digest is not None}


class Part:
    """A file that grows while its digests are computed."""

    def __init__(self, path: str, digests: Digests) -> None:
        """Take up what is there; without a hash to prove it by, begin anew."""
        self._digests = digests
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file: BinaryIO = os.fdopen(os.open(path, flags, 0o644), "r+b")
        self.size_bytes = 0
        self.is_patchwork = False
        self._hashers = self._fresh_hashers()
        if not digests.wanted():
            self.restart()
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

    def resume(self) -> None:
        """Note that what follows comes from another response than what is there."""
        self.is_patchwork = True

    def append(self, piece: bytes) -> None:
        """Add what came."""
        self._file.write(piece)
        self._count(piece)

    def check(self, url: str) -> None:
        """Raise `HashMismatch` if it is not what was wanted."""
        self._file.flush()
        for name, expected in self._digests.wanted().items():
            got = self._hashers[name].hexdigest()
            if got != expected:
                raise HashMismatch(url, expected, got)

    def _count(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        for hasher in self._hashers.values():
            hasher.update(piece)

    def _fresh_hashers(self) -> dict[str, "hashlib._Hash"]:
        names = self._digests.wanted()
        return {name: hashlib.new(name, usedforsecurity=False) for name in names}
