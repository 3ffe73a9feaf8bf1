"""Bytes in the order in which they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from .decompressors import CHUNK_BYTES
from .guard import Guard

_PIECE_BYTES = 64 * 1024


def pieces_of(file: BinaryIO, size_bytes: int | None = None) -> Iterator[bytes]:
    """Read a file from where it stands, to its end or so many bytes of it."""
    left = size_bytes
    while piece := file.read(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES)):
        left = None if left is None else left - len(piece)
        yield piece


class Stream:
    """Bytes in order, from one end to the other, with a look ahead."""

    def __init__(self, pieces: Iterator[bytes], guard: Guard) -> None:
        """Start at the beginning of the pieces."""
        self._pieces, self._guard = pieces, guard
        self._piece, self._at = b"", 0

    def _filled(self) -> bool:
        """Have at least one byte at hand; False at the end."""
        while self._at >= len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._guard.read(len(piece))
            self._piece, self._at = piece, 0
        return True

    def some(self, most_bytes: int) -> bytes:
        """What is at hand, never more than asked for; empty at the end only."""
        if most_bytes <= 0 or not self._filled():
            return b""
        taken = self._piece[self._at : self._at + most_bytes]
        self._at += len(taken)
        return taken

    def upto(self, most_bytes: int) -> bytes:
        """As many bytes as asked for, fewer at the end only."""
        taken = self.some(most_bytes)
        while len(taken) < most_bytes and (more := self.some(most_bytes - len(taken))):
            taken += more
        return taken

    def peek(self, most_bytes: int) -> bytes:
        """The same without taking them."""
        seen = self.upto(most_bytes)
        self._piece, self._at = seen + self._piece[self._at :], 0
        return seen

    def exactly(self, size_bytes: int) -> bytes:
        """Precisely so many bytes."""
        taken = self.upto(size_bytes)
        if len(taken) < size_bytes:
            raise self._guard.bad("it is cut short")
        return taken

    def chunks(self, size_bytes: int) -> Iterator[bytes]:
        """Precisely so many bytes, a handy number at a time."""
        left = size_bytes
        while left:
            chunk = self.some(min(left, CHUNK_BYTES))
            if not chunk:
                raise self._guard.bad("it is cut short")
            left -= len(chunk)
            yield chunk

    def rest(self) -> Iterator[bytes]:
        """All that is left."""
        while chunk := self.some(CHUNK_BYTES):
            yield chunk
