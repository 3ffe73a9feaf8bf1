"""Tars and zips made byte by byte, so that they can be as wrong as a test wants them."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BLOCK = 512
END = bytes(2 * BLOCK)


def head(
    name: bytes,
    flag: bytes = b"0",
    size: int | bytes = 0,
    link: bytes = b"",
    mode: int = 0o644,
    tail: bytes = b"",
) -> bytes:
    """A header with the right checksum: ustar, or GNU's with its own fields in the `tail`."""
    octal = b"%011o\0" % size if isinstance(size, int) else size
    plain = b"ustar\x0000" if not tail else b"ustar  \0"
    block = b"".join(
        [
            name.ljust(100, b"\0"),
            b"%07o\0" % mode,
            b"%07o\0" % 0,
            b"%07o\0" % 0,
            octal.ljust(12, b"\0"),
            b"%011o\0" % 0,
            b" " * 8,
            flag,
            link.ljust(100, b"\0"),
            plain,
            bytes(80),
            tail,
        ]
    ).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def file(name: bytes, data: bytes = b"data", mode: int = 0o644) -> bytes:
    return head(name, b"0", len(data), mode=mode) + padded(data)


def folder(name: bytes) -> bytes:
    return head(name, b"5", mode=0o755)


def symlink(name: bytes, target: bytes) -> bytes:
    return head(name, b"2", link=target)


def hardlink(name: bytes, target: bytes) -> bytes:
    return head(name, b"1", link=target)


def pax(fields: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]], flag: bytes = b"x") -> bytes:
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    data = b"".join(record(key, value) for key, value in pairs)
    return head(b"pax", flag, len(data)) + padded(data)


def record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return str(length).encode() + body


def old_sparse(name: bytes, real_size: int, pieces: Iterable[tuple[int, bytes]]) -> bytes:
    """A sparse file as GNU tar made them first: at most four pieces, listed in the header."""
    listed = b"".join(b"%011o\0%011o\0" % (offset, len(data)) for offset, data in pieces)
    stored = b"".join(data for _, data in pieces)
    tail = (bytes(41) + listed.ljust(96, b"\0") + b"\0" + b"%011o\0" % real_size).ljust(167, b"\0")
    return head(name, b"S", len(stored), tail=tail) + padded(stored)


def zipped(entries: Iterable[tuple[str, bytes] | tuple[str, bytes, int]], method: int = 8) -> bytes:
    """A zip of names, contents and, where given, modes as on Unix."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data, *mode in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.create_system = 3
            info.external_attr = (mode[0] if mode else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    return out.getvalue()


@contextmanager
def throwaway() -> Iterator[Path]:
    """A folder for one example of a law: pytest would keep those of all examples."""
    with TemporaryDirectory() as top:
        yield Path(top).resolve()


def tree(top: Path) -> dict[str, object]:
    """All that is below a folder: bytes and x bit of files, targets of links, None for folders."""
    found: dict[str, object] = {}
    for path in sorted(top.rglob("*")):
        name, mode = path.relative_to(top).as_posix(), path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[name] = str(path.readlink())
        elif stat.S_ISDIR(mode):
            found[name] = None
        else:
            found[name] = (path.read_bytes(), bool(mode & 0o111))
    return found
