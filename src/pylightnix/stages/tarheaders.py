"""The headers of a tar: old, ustar, GNU and pax, read strictly.

Our own reader rather than `tarfile`, which reads an extended header of any size into memory, keeps
every member in memory, and in the versions that are about goes round for ever on a negative size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .entries import shown
from .guard import Guard
from .streams import Stream

BLOCK_BYTES = 512
_EXTENDED_BYTES = 2**20
_MOST_EXTENDED = 8
_NO_BLOCK = bytes(BLOCK_BYTES)
_EXTENDED = (b"x", b"X", b"g", b"L", b"K", b"V")
WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")
_DECIMAL = re.compile(rb"[0-9]{1,18}")
_OCTAL = re.compile(rb"[0-7]*")
# What describes one file; said about all files at once it would be a mistake or a trick.
_OF_ONE_FILE = (b"path", b"linkpath", b"size")


@dataclass(frozen=True, slots=True)
class Header:
    """One entry as its headers describe it, nothing checked but the form."""

    name: bytes
    flag: bytes
    mode: int
    size_bytes: int
    target: bytes
    block: bytes
    pax: Mapping[bytes, bytes] = field(default_factory=dict)
    sparse: tuple[bytes, ...] = ()


def is_header(block: bytes) -> bool:
    """Whether a block carries the right checksum: the sign of a tar, whatever its kind."""
    if len(block) < BLOCK_BYTES or block == _NO_BLOCK:
        return False
    said = _number(block[148:156])
    unsigned = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if said == unsigned:
        return True
    # Some old tars added the bytes up as signed ones.
    return said == unsigned - 256 * sum(byte >= 128 for byte in block[:148] + block[156:])


def next_header(stream: Stream, guard: Guard) -> Header | None:
    """The next entry with the extended headers before it taken in; None at the end mark."""
    name, target, pax, sparse = b"", b"", dict[bytes, bytes](), list[bytes]()
    for _ in range(_MOST_EXTENDED + 1):
        block = stream.upto(BLOCK_BYTES)
        if block == _NO_BLOCK and not (name or target or pax):
            return None
        if not block:
            raise guard.bad("it is cut short (a tar ends with an end mark)")
        if not is_header(block):
            raise guard.bad(
                "it is cut short" if len(block) < BLOCK_BYTES else "a header in it is damaged"
            )
        flag = block[156:157]
        if flag == b"L":
            name = _extension(block, stream, guard).rstrip(b"\0")
        elif flag == b"K":
            target = _extension(block, stream, guard).rstrip(b"\0")
        elif flag in b"xX":
            pairs = _pax_pairs(_extension(block, stream, guard), guard)
            pax.update(pairs)
            # Version 0.0 of GNU's sparse files repeats keys, and their order is the map.
            sparse += [
                value
                for key, value in pairs
                if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
            ]
        elif flag == b"g":
            _check_global(_pax_pairs(_extension(block, stream, guard), guard), guard)
        elif flag != b"V":  # V only labels the whole volume
            return _merged(block, name, target, pax, tuple(sparse), guard)
    raise guard.hostile(shown(name), f"has more than {_MOST_EXTENDED} extended headers")


def count_entries(stream: Stream, most: int) -> int:
    """How many entries there are, quickly and roughly; gives up beyond `most`, or if they are big.

    A tar of nothing but entries has half a kilobyte for each. Where there is much more, writing it
    takes so long that counting would not have saved anybody's time.
    """
    count, left_bytes = 0, 2 * BLOCK_BYTES * most
    while count <= most and left_bytes > 0:
        block = stream.upto(BLOCK_BYTES)
        size, flag = _number(block[124:136] or b"\xff"), block[156:157]
        if size is None or flag in (b"", b"S") or block == _NO_BLOCK:
            break
        count += flag not in _EXTENDED
        left_bytes -= BLOCK_BYTES
        if size and flag not in WITHOUT_DATA:
            size += -size % BLOCK_BYTES
            left_bytes -= size
            for _ in stream.chunks(min(size, max(0, left_bytes))):
                pass
    return count


def size_of(block: bytes, guard: Guard) -> int:
    """The size that a header block declares."""
    size = _number(block[124:136])
    if size is None:
        raise guard.hostile(
            shown(_until_nul(block[:100])), "declares a size that is no number, or negative"
        )
    return size


def decimal(value: bytes, guard: Guard) -> int:
    """A number from a pax header."""
    if not _DECIMAL.fullmatch(value):
        raise guard.bad(f"{shown(value[:40])!r} in an extended header is no number")
    return int(value)


def octal_pairs(block: bytes, start: int, count: int, guard: Guard) -> list[int]:
    """Pairs of numbers out of GNU's old map of a sparse file, up to the first left empty."""
    numbers: list[int] = []
    for at in range(start, start + 24 * count, 24):
        if not block[at : at + 24].strip(b" \0"):
            break
        pair = _number(block[at : at + 12]), _number(block[at + 12 : at + 24])
        if pair[0] is None or pair[1] is None:
            raise guard.bad("the map of a sparse file is damaged")
        numbers += [pair[0], pair[1]]
    return numbers


def number_at(block: bytes, start: int, guard: Guard) -> int:
    """A twelve byte number out of a header block."""
    number = _number(block[start : start + 12])
    if number is None:
        raise guard.bad("a number in a header is damaged")
    return number


def _number(raw: bytes) -> int | None:
    """A number in octal digits, or binary if too big for them; None if neither, or below zero."""
    if raw[0] & 0x80:
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:]) if raw[0] == 0x80 else None
    digits = raw.strip(b" \0")
    return int(digits or b"0", 8) if _OCTAL.fullmatch(digits) else None


def _until_nul(raw: bytes) -> bytes:
    """A text field up to its NUL."""
    return raw.split(b"\0", 1)[0]


def _extension(block: bytes, stream: Stream, guard: Guard) -> bytes:
    """What an extended header holds, padding taken off."""
    size = size_of(block, guard)
    if size > _EXTENDED_BYTES:
        raise guard.hostile(
            shown(_until_nul(block[:100])), f"is an extended header of {size:,} bytes"
        )
    return stream.exactly(size + -size % BLOCK_BYTES)[:size]


def _pax_pairs(raw: bytes, guard: Guard) -> list[tuple[bytes, bytes]]:
    """Take records apart, each a length (its own digits included), a key and a value."""
    pairs, at = [], 0
    while at < len(raw):
        space = raw.find(b" ", at, at + 20)
        length = decimal(raw[at : max(space, at)], guard)
        record, end = raw[space + 1 : at + length], at + length
        key, equals, value = record.partition(b"=")
        if end > len(raw) or not equals or not value.endswith(b"\n"):
            raise guard.bad("an extended header is damaged")
        pairs.append((key, value[:-1]))
        at = end
    return pairs


def _check_global(pairs: list[tuple[bytes, bytes]], guard: Guard) -> None:
    """Let comments pass, refuse what would rename or resize every file."""
    for key, value in pairs:
        if key in _OF_ONE_FILE or key.startswith(b"GNU.sparse"):
            raise guard.hostile(shown(value[:80]), f"is set as {shown(key)!r} of all files at once")


def _merged(
    block: bytes,
    name: bytes,
    target: bytes,
    pax: Mapping[bytes, bytes],
    sparse: tuple[bytes, ...],
    guard: Guard,
) -> Header:
    """One entry from its own block and what the extended headers say instead."""
    short = _until_nul(block[:100])
    prefix = _until_nul(block[345:500]) if block[257:263] == b"ustar\0" else b""
    plain = prefix + b"/" + short if prefix else short
    size = pax.get(b"size")
    return Header(
        name=pax.get(b"GNU.sparse.name") or pax.get(b"path", name or plain),
        flag=block[156:157],
        mode=_number(block[100:108]) or 0,
        size_bytes=size_of(block, guard) if size is None else decimal(size, guard),
        target=pax.get(b"linkpath", target or _until_nul(block[157:257])),
        block=block,
        pax=pax,
        sparse=sparse,
    )
