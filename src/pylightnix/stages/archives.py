"""Unpacking of archives that nobody vouches for: all of one, or nothing."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from functools import partial
from typing import BinaryIO

from pylightnix.core.errors import InvalidValue

from .decompressors import compression, decompressed
from .entries import Entries, parse_parts
from .guard import DEFAULT_LIMITS, BadArchive, Guard, Limits
from .naming import TAR_SUFFIXES, stem
from .planter import Planter
from .streams import Stream, pieces_of
from .tarballs import tar_entries
from .tarheaders import BLOCK_BYTES, is_header
from .zips import is_zip, zip_entries

_ZIP_MAGIC = (b"PK\3\4", b"PK\5\6", b"PK\7\x08")
_FORMATS = "tar (plain, gz, bz2, xz, zst), zip, and single files as gz, bz2, xz, zst"


def extract(archive: str, into: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Unpack an archive into a folder, whole or not at all.

    Everything is made in a folder of its own inside `into` and moved up at the end. What the
    archive is, its content says; the suffix only decides between a tar and a single file where the
    content leaves that open. Files get mode 0644, or 0755 if any x bit was set, folders 0755;
    owners, times and other bits are not taken over. A hard link becomes a copy. A compressed file
    that is no tar becomes one file, called as the archive without its suffix.

    Args:
        archive: path of the file to unpack.
        into: path of an existing folder.
        limits: how much may come out.

    Raises:
        HostileArchive: an entry would leave `into`, is neither file, folder nor link, has an
            impossible name, comes twice as different things, is there already, or is one too many
            or too big. `into` is as it was.
        BadArchive: no format that we know, damaged, cut short, encrypted, or zst where nothing can
            read that. `into` is as it was.
        InvalidValue: `into` is no folder.

    Effects: writes inside `into` only.
    Concept: unpack beside, judge links last, then rename; no trust in names, sizes or links that an
    archive states.
    """
    if not os.path.isdir(into):
        raise InvalidValue(f"cannot unpack into {into}: there is no such folder; make it first")
    if not os.path.isfile(archive):
        what = "it is a folder" if os.path.isdir(archive) else "there is no such file"
        raise BadArchive(archive, what, "give the path of a file")
    nursery = os.path.join(into, f".unpacking-{os.urandom(8).hex()}")
    os.mkdir(nursery, 0o700)
    try:
        with open(archive, "rb") as file:
            guard = Guard(archive, os.fstat(file.fileno()).st_size, limits)
            with closing(Planter(nursery, guard)) as planter:
                _unpack(file, planter, guard)
        _move_up(nursery, into, guard)
    finally:
        shutil.rmtree(nursery, ignore_errors=True)


def _form(file: BinaryIO, name: str) -> str | None:
    """What a file is: zip, tar, a compression, or None."""
    head = file.read(BLOCK_BYTES)
    is_empty_tar = head == bytes(BLOCK_BYTES) and name.lower().endswith(".tar")
    if is_header(head) or is_empty_tar:
        return "tar"
    packed = compression(head)
    if packed is not None:
        return packed
    # Zips that unpack themselves have a program in front.
    if head.startswith(_ZIP_MAGIC) or (name.lower().endswith(".zip") and is_zip(file)):
        return "zip"
    return None


def _unpack(file: BinaryIO, planter: Planter, guard: Guard) -> None:
    """Make what the archive holds."""
    form = _form(file, guard.archive)
    if form is None:
        raise guard.bad(f"it is none of the archives that we know: {_FORMATS}")
    file.seek(0)
    if form == "zip":
        _plant(zip_entries(file, guard), planter, guard)
        return
    stream = _stream(file, form, guard)
    if is_header(stream.peek(BLOCK_BYTES)) or guard.archive.lower().endswith(TAR_SUFFIXES):
        with open(guard.archive, "rb") as second:
            again = partial(_stream, second, form, guard.afresh())
            _plant(tar_entries(stream, guard, again), planter, guard)
    else:
        name = stem(os.path.basename(guard.archive))
        planter.file(parse_parts(os.fsencode(name), guard), stream.rest(), executable=False)


def _stream(file: BinaryIO, form: str, guard: Guard) -> Stream:
    """The content of a file, decompressed if it is compressed."""
    pieces = pieces_of(file)
    return Stream(pieces if form == "tar" else decompressed(pieces, form, guard), guard)


def _plant(entries: Entries, planter: Planter, guard: Guard) -> None:
    """Make each entry, links last."""
    for entry, chunks in entries:
        if entry.kind == "folder":
            planter.folder(entry.parts)
        elif entry.kind == "file":
            planter.file(entry.parts, chunks, executable=entry.executable)
        elif entry.kind == "symlink":
            planter.symlink(entry.parts, entry.target)
        else:
            planter.copy(entry.parts, entry.source)
    planter.finish()


def _move_up(nursery: str, into: str, guard: Guard) -> None:
    """Put everything that was made where it belongs; take it back if that fails half way."""
    names = sorted(os.listdir(nursery))
    for name in names:
        if os.path.lexists(os.path.join(into, name)):
            raise guard.hostile(name, f"is in {into} already: unpack it elsewhere")
    moved: list[str] = []
    try:
        for name in names:
            os.rename(os.path.join(nursery, name), os.path.join(into, name))
            moved.append(name)
    except BaseException:
        for name in moved:
            os.rename(os.path.join(into, name), os.path.join(nursery, name))
        raise
