"""A zip as a sequence of entries. The list at its end is read by `zipfile`, the content by us."""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import TYPE_CHECKING, BinaryIO

from .decompressors import decompressed
from .entries import TARGET_BYTES, Entries, Entry, parse_parts, parse_target, shown
from .guard import Guard
from .streams import pieces_of

if TYPE_CHECKING:
    from zipfile import ZipInfo

_UNIX = (3, 19)  # the systems whose attributes hold a mode: Unix and OS X
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF8 = 0x800
_METHODS = {8: "deflate", 12: "bz2", 14: "lzma", 93: "zst"}
_LOCAL = struct.Struct("<4s5H3I2H")  # the header that stands before each entry's data
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_BYTES = 20
_TAIL_BYTES = 2**16 + _END.size + _LOCATOR_BYTES + _END64.size
_END_SIGN = b"PK\5\6"


def zip_entries(file: BinaryIO, guard: Guard) -> Entries:
    """Entries in the order of the archive's list, each with its bytes."""
    listed = _listed(file, guard)
    guard.promise("(all of it)", sum(info.file_size for info in listed))
    _check_overlaps(listed, guard)
    for info in listed:
        yield from _entry(file, info, guard)


def is_zip(file: BinaryIO) -> bool:
    """Whether there is a zip's list at the end, whatever the beginning looks like."""
    import zipfile

    return zipfile.is_zipfile(file)


def _listed(file: BinaryIO, guard: Guard) -> list[ZipInfo]:
    """What the list says, after a look at how long it is: it is read into memory."""
    import zipfile

    if _listed_count(file) > guard.limits.entries:
        raise guard.too_many("(all of it)")
    try:
        with zipfile.ZipFile(file) as archive:
            listed = archive.infolist()
    except UnicodeDecodeError as error:
        raise guard.hostile(shown(error.object[:80]), "has a name that is not UTF-8") from None
    except Exception as error:  # BadZipFile, struct.error, ValueError, OverflowError and others
        raise guard.bad(f"the zip is cut short or damaged ({error})") from error
    return listed


def _listed_count(file: BinaryIO) -> int:
    """How many entries the list at the end can hold: their signs counted, its claim unheard."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read()
    end = len(tail) - _END.size
    if end < 0 or tail[end : end + 4] != _END_SIGN or tail[-2:] != b"\0\0":  # a comment follows
        end = tail.rfind(_END_SIGN, 0, max(0, end) + 4)
    if end < 0:
        return 0
    list_bytes, before = _END.unpack_from(tail, end)[5], 0
    end64 = end - _LOCATOR_BYTES - _END64.size
    if end64 >= 0 and tail.startswith(b"PK\6\6", end64):
        list_bytes, before = _END64.unpack_from(tail, end64)[8], end - end64
    stop = size - len(tail) + end - before
    return _count(file, max(0, stop - list_bytes), stop, b"PK\1\2")


def _count(file: BinaryIO, start: int, stop: int, sign: bytes) -> int:
    """How often a sign occurs between two places."""
    file.seek(start)
    found, seam = 0, b""
    for piece in pieces_of(file, stop - start):
        found += (seam + piece).count(sign)
        seam = piece[1 - len(sign) :]
    return found


def _check_overlaps(listed: list[ZipInfo], guard: Guard) -> None:
    """Refuse entries that share bytes of the archive: how a small zip becomes a big tree."""
    spans = sorted((info.header_offset, info.compress_size, info.filename) for info in listed)
    for (start, size, name), (following, _, _) in pairwise(spans):
        if start + _LOCAL.size + size > following:
            raise guard.hostile(name, "shares its bytes with another entry")


def _entry(file: BinaryIO, info: ZipInfo, guard: Guard) -> Entries:
    """One entry with its bytes, or the refusal of it."""
    raw = _raw_name(info)
    name, mode = shown(raw), _mode(info)
    guard.entry(name)
    parts, kind = parse_parts(raw, guard), stat.S_IFMT(mode)
    is_folder = raw.endswith(b"/") or kind == stat.S_IFDIR
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise guard.hostile(name, "is a device, a fifo or a socket")
    if is_folder and (kind not in (0, stat.S_IFDIR) or info.file_size):
        raise guard.hostile(name, "is a folder and something else at once")
    if is_folder:
        yield Entry(name, parts, "folder"), iter(())
        return
    if not parts:
        raise guard.hostile(name, "would replace the folder that everything goes into")
    body = _body(file, info, name, guard)
    if kind == stat.S_IFLNK:
        if info.file_size > TARGET_BYTES:
            raise guard.hostile(name, "has a link target that is too long")
        yield (
            Entry(name, parts, "symlink", target=parse_target(name, b"".join(body), guard)),
            iter(()),
        )
    else:
        yield Entry(name, parts, "file", info.file_size, executable=bool(mode & 0o111)), body


def _raw_name(info: ZipInfo) -> bytes:
    """The name in UTF-8; where it is not marked as that it may still be, or else is of DOS."""
    if info.flag_bits & _UTF8:
        return info.orig_filename.encode()
    raw = info.orig_filename.encode("cp437")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return info.orig_filename.encode()
    return raw


def _mode(info: ZipInfo) -> int:
    """Kind and permissions as on Unix; 0 where the archive does not say."""
    return info.external_attr >> 16 if info.create_system in _UNIX else 0


def _body(file: BinaryIO, info: ZipInfo, name: str, guard: Guard) -> Iterator[bytes]:
    """The content, its size and checksum compared with what the list says."""
    crc, left = 0, info.file_size
    for chunk in _unpacked(file, info, name, guard):
        left -= len(chunk)
        if left < 0:
            raise guard.hostile(name, "is longer than the list of the archive says")
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if left or crc != info.CRC:
        raise guard.bad(f"{name!r} in it is cut short or damaged")


def _unpacked(file: BinaryIO, info: ZipInfo, name: str, guard: Guard) -> Iterator[bytes]:
    """The content as the method given makes it."""
    if info.flag_bits & _ENCRYPTED:
        raise guard.bad(f"{name!r} in it is encrypted", "decrypt it first and pack it again")
    method = _METHODS.get(info.compress_type)
    if method is None and info.compress_type != 0:
        raise guard.bad(
            f"{name!r} is compressed by method {info.compress_type}, which we do not know"
        )
    _go_to_data(file, info, name, guard)
    lead = _lzma_header(file, info, name, guard) if method == "lzma" else b""
    raw = chain([lead], pieces_of(file, max(0, info.compress_size - (9 if lead else 0))))
    if method is None:
        return raw
    return decompressed(raw, method, guard, many=False)


def _go_to_data(file: BinaryIO, info: ZipInfo, name: str, guard: Guard) -> None:
    """Stand behind the header of an entry, which must agree with the list."""
    header = b""
    # Damage at the end moves all places, below zero too.
    if 0 <= info.header_offset < guard.archive_bytes:
        file.seek(info.header_offset)
        header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
        raise guard.bad(f"{name!r} in it is cut short or damaged")
    fields = _LOCAL.unpack(header)
    said = file.read(fields[9])
    if said != info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437"):
        raise guard.hostile(name, f"is called {shown(said[:80])!r} in another place of the archive")
    file.seek(fields[10], 1)


def _lzma_header(file: BinaryIO, info: ZipInfo, name: str, guard: Guard) -> bytes:
    """What a zip says about lzma data, as the head of a lone lzma file: those heed a limit."""
    said = file.read(9)
    if len(said) < 9 or said[2:4] != b"\5\0":
        raise guard.bad(f"{name!r} in it is cut short or damaged")
    marked = info.flag_bits & 0x2
    return said[4:] + struct.pack("<Q", 2**64 - 1 if marked else info.file_size)
