"""A tar as a sequence of entries, read from front to end once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .decompressors import CHUNK_BYTES
from .entries import Entries, Entry, parse_parts, parse_target, shown
from .guard import Guard
from .streams import Stream
from .tarheaders import (
    BLOCK_BYTES,
    WITHOUT_DATA,
    Header,
    count_entries,
    decimal,
    next_header,
    number_at,
    octal_pairs,
)

_FILES = (b"0", b"\0", b"7", b"S")
_FOLDERS = (b"5", b"D")
_SPECIAL = {b"3": "a character device", b"4": "a block device", b"6": "a fifo"}
_MAP_BYTES = 2**20
_MANY = 4_000
_Spans = list[tuple[int, int]]


def tar_entries(stream: Stream, guard: Guard, again: Callable[[], Stream]) -> Entries:
    """Entries in the order of the archive, each with its bytes; reads on to the very end.

    Once there were many entries, all are counted in a second stream from the beginning, made by
    `again`: making a million files before refusing the next one would take a minute.
    """
    met = 0
    while (header := next_header(stream, guard)) is not None:
        guard.entry(shown(header.name))
        met += 1
        if met == _MANY and count_entries(again(), guard.limits.entries) > guard.limits.entries:
            raise guard.too_many("(all of it)")
        entry = _entry(header, guard)
        if entry.kind == "file":
            yield from _file(header, entry, stream, guard)
        else:
            yield entry, iter(())
            # Old tars mark a folder by its slash only; GNU's dumps list what is in it as its data.
            if header.flag not in WITHOUT_DATA:
                _skip(stream, header.size_bytes + -header.size_bytes % BLOCK_BYTES)
    # A checksum comes at the very end of gz and xz.
    for _ in stream.rest():
        pass


def _entry(header: Header, guard: Guard) -> Entry:
    """What a header asks for, or the refusal of it."""
    name, flag = shown(header.name), header.flag
    parts = parse_parts(header.name, guard)
    if flag in _FOLDERS or (flag in (b"0", b"\0") and header.name.endswith(b"/")):
        return Entry(name, parts, "folder")
    if not parts:
        raise guard.hostile(name, "would replace the folder that everything goes into")
    if flag in _FILES:
        return Entry(name, parts, "file", header.size_bytes, executable=bool(header.mode & 0o111))
    if flag == b"2":
        return Entry(name, parts, "symlink", target=parse_target(name, header.target, guard))
    if flag == b"1":
        return Entry(name, parts, "hardlink", source=parse_parts(header.target, guard, of=name))
    if flag in _SPECIAL:
        raise guard.hostile(name, f"is {_SPECIAL[flag]}")
    raise guard.hostile(name, f"is of a kind that we do not know ({shown(flag)!r})")


def _file(header: Header, entry: Entry, stream: Stream, guard: Guard) -> Entries:
    """A regular file with its bytes, holes filled."""
    stored = header.size_bytes
    spans, real, map_bytes = _spans(header, stream, guard)
    if spans is None:
        guard.promise(entry.name, stored)
        chunks = stream.chunks(stored)
    else:
        _check_spans(entry.name, spans, real, stored - map_bytes, guard)
        guard.promise(entry.name, real)
        chunks = _filled(stream, spans, real)
    yield entry, chunks
    _skip(stream, -stored % BLOCK_BYTES)


def _skip(stream: Stream, size_bytes: int) -> None:
    """Read and forget."""
    for _ in stream.chunks(size_bytes):
        pass


def _filled(stream: Stream, spans: _Spans, real_bytes: int) -> Iterator[bytes]:
    """The stored spans with zeros between them."""
    at = 0
    for offset, length in [*spans, (real_bytes, 0)]:
        while at < offset:
            hole = bytes(min(offset - at, CHUNK_BYTES))
            at += len(hole)
            yield hole
        yield from stream.chunks(length)
        at += length


def _spans(header: Header, stream: Stream, guard: Guard) -> tuple[_Spans | None, int, int]:
    """The map of a sparse file (None for others), its real size, and the bytes the map took."""
    pax = header.pax
    if header.flag == b"S":
        numbers, more = octal_pairs(header.block, 386, 4, guard), header.block[482]
        while more:
            block = stream.exactly(BLOCK_BYTES)
            numbers += octal_pairs(block, 0, 21, guard)
            more = block[504]
            if len(numbers) > _MAP_BYTES // 8:
                raise guard.hostile(shown(header.name), "is a sparse file in too many pieces")
        return _paired(numbers, guard), number_at(header.block, 483, guard), 0
    if pax.get(b"GNU.sparse.major") == b"1":
        numbers, taken = _leading_map(stream, header.size_bytes, guard)
        return _paired(numbers, guard), decimal(pax.get(b"GNU.sparse.realsize", b""), guard), taken
    if b"GNU.sparse.size" in pax:
        raw = (
            pax[b"GNU.sparse.map"].split(b",")
            if pax.get(b"GNU.sparse.map")
            else list(header.sparse)
        )
        numbers = [decimal(number, guard) for number in raw]
        return _paired(numbers, guard), decimal(pax[b"GNU.sparse.size"], guard), 0
    if any(key.startswith(b"GNU.sparse.") for key in pax):
        raise guard.bad(f"{shown(header.name)!r} is a sparse file of a kind that we do not know")
    return None, header.size_bytes, 0


def _leading_map(stream: Stream, stored_bytes: int, guard: Guard) -> tuple[list[int], int]:
    """The map that stands before the data: decimal numbers, one a line, padded to a block."""
    numbers, tail, taken = list[int](), b"", 0
    while not numbers or len(numbers) < 1 + 2 * numbers[0]:
        if taken + BLOCK_BYTES > min(stored_bytes, _MAP_BYTES):
            raise guard.bad("the map of a sparse file is damaged, or too long")
        *lines, tail = (tail + stream.exactly(BLOCK_BYTES)).split(b"\n")
        numbers += [decimal(line, guard) for line in lines]
        taken += BLOCK_BYTES
    return numbers[1:], taken


def _paired(numbers: Sequence[int], guard: Guard) -> _Spans:
    """Offsets and lengths, two by two."""
    if len(numbers) % 2:
        raise guard.bad("the map of a sparse file is damaged")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _check_spans(name: str, spans: _Spans, real: int, stored: int, guard: Guard) -> None:
    """Refuse a map whose pieces overlap, go backwards, or do not add up."""
    at = 0
    for offset, length in spans:
        if offset < at:
            raise guard.hostile(name, "is a sparse file whose pieces overlap")
        at = offset + length
    if at > real or sum(length for _, length in spans) != stored:
        raise guard.hostile(name, "is a sparse file whose pieces do not add up to its size")
