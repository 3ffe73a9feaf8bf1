"""Decompressors: gz, bz2, xz, zst and what zip uses, all read the same way in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol, cast

from .guard import Guard

CHUNK_BYTES = 256 * 1024
# A hostile xz may ask for a dictionary of 4 GiB; `xz -9` uses 64 MiB.
_LZMA_MEMORY_BYTES = 2**30
# One block of 128 KiB may come out of four bytes of zst, and `zstandard` has no way to ask for less
# at a time.
_ZSTANDARD_BITE_BYTES = 512
_TINY_STREAMS = 10_000
_MAGIC = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zst"}


class Decompressor(Protocol):
    """What bz2, lzma and zstd decompressors have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more is put in."""

    @property
    def unused_data(self) -> bytes:
        """What was put in beyond the end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Put some in, take some out."""


class _Deflated:
    """zlib, with the manners of the other decompressors."""

    def __init__(self, window_bits: int) -> None:
        import zlib

        self._zlib = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = CHUNK_BYTES) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        # Even with all input taken, zlib may hold back what did not fit.
        self.needs_input = not self._zlib.unconsumed_tail and len(out) < max_length
        return out


class _Zstandard:
    """The package `zstandard`, fed in small bites because it gives back all that comes of one."""

    def __init__(self, zstd: Any) -> None:
        self._zstd = zstd
        self._waiting = b""

    @property
    def eof(self) -> bool:
        return bool(self._zstd.eof)

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    @property
    def unused_data(self) -> bytes:
        return bytes(self._zstd.unused_data) + self._waiting

    def decompress(self, data: bytes, max_length: int = CHUNK_BYTES) -> bytes:
        waiting = self._waiting + data
        bite, self._waiting = waiting[:_ZSTANDARD_BITE_BYTES], waiting[_ZSTANDARD_BITE_BYTES:]
        return bytes(self._zstd.decompress(bite))


def compression(head: bytes) -> str | None:
    """Which compression the first bytes of a file are the sign of."""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def decompressed(
    pieces: Iterable[bytes], kind: str, guard: Guard, *, many: bool = True
) -> Iterator[bytes]:
    """Bytes that come out of a compressed file, at most about `CHUNK_BYTES` at a time.

    The kinds are gz, deflate (as in zip), bz2, xz, lzma (its old form) and zst. With `many`,
    further streams may follow the first, zeros between them; without, what follows is left alone.
    """
    machine, begun, streams, made_bytes = _decompressor(kind, guard), False, 0, 0
    for piece in pieces:
        raw = piece
        while raw or (begun and not machine.needs_input):
            if streams and not begun:
                raw = raw.lstrip(b"\0")
                if not raw:
                    break
            out = _step(machine, raw, guard)
            begun, raw, made_bytes = True, b"", made_bytes + len(out)
            if out:
                yield out
            if machine.eof:
                if not many:
                    return
                streams += 1
                # A thousand empty streams fit in 20 kB, and each costs as much as a big one.
                if streams > _TINY_STREAMS and made_bytes < 1024 * streams:
                    raise guard.bad("it is made of too many tiny streams")
                raw, machine, begun = machine.unused_data, _decompressor(kind, guard), False
    if begun:
        raise guard.bad("the compressed data is cut short")


def _decompressor(kind: str, guard: Guard) -> Decompressor:
    """A fresh decompressor."""
    if kind in ("gz", "deflate"):
        return _Deflated(31 if kind == "gz" else -15)
    if kind == "bz2":
        import bz2

        return bz2.BZ2Decompressor()
    if kind == "zst":
        return _zstd(guard)
    import lzma

    form = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(form, memlimit=_LZMA_MEMORY_BYTES)


def _zstd(guard: Guard) -> Decompressor:
    """Take the standard library's where it has one (3.14), otherwise the package `zstandard`."""
    for module in ("compression.zstd", "zstandard"):
        try:
            zstd = import_module(module)
        except ImportError:
            continue
        made = zstd.ZstdDecompressor()
        return (
            _Zstandard(made.decompressobj()) if module == "zstandard" else cast(Decompressor, made)
        )
    raise guard.bad("nothing here reads zst", "install what does: pip install 'pylightnix[zstd]'")


def _step(machine: Decompressor, raw: bytes, guard: Guard) -> bytes:
    """Put some in, take some out."""
    try:
        return machine.decompress(raw, CHUNK_BYTES)
    except Exception as error:  # each of the libraries has an error class of its own
        raise guard.bad(f"the compressed data is damaged ({error})") from error
