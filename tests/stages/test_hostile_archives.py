"""Archives that mean harm, or are broken: refused whole, and nothing of them stays."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.errors import FetchError
from pylightnix.stages.archives import extract
from pylightnix.stages.guard import DEFAULT_LIMITS, BadArchive, HostileArchive, Limits
from stages.packing import (
    END,
    file,
    folder,
    hardlink,
    head,
    old_sparse,
    padded,
    pax,
    symlink,
    throwaway,
    tree,
    zipped,
)

MIB = 2**20
LINK = stat.S_IFLNK | 0o777
SMALL = Limits(entries=100, total_bytes=MIB)


def tar(*entries: bytes) -> bytes:
    return b"".join(entries) + END


def chain(count: int) -> bytes:
    """Links each of which leads to the one before it."""
    links = [symlink(b"l%d" % n, b"l%d" % (n - 1)) for n in range(1, count + 1)]
    return tar(file(b"l0"), *links)


# Well-meant entries come first: they are to vanish, too.
GOOD = file(b"good/file") + symlink(b"good/link", b"file")
PIECES = (b"%011o\0%011o\0" % (1, 0) * 21).ljust(504, b"\0") + b"\1" + bytes(7)
MANY_PIECES = head(b"x", b"S", tail=bytes(137) + b"\1" + b"%011o\0" % 9) + PIECES * 4000
HOSTILE_TARS: dict[str, tuple[bytes, str]] = {
    "two dots": (tar(GOOD, file(b"a/../../escaped")), "'..'"),
    "two dots that stay inside": (tar(GOOD, file(b"a/../b")), "'..'"),
    "an absolute name": (tar(GOOD, file(b"/tmp/escaped")), "absolute name"),
    "an absolute name by pax": (tar(GOOD, pax({b"path": b"/escaped"}), file(b"x")), "absolute"),
    "an absolute link": (tar(GOOD, symlink(b"l", b"/etc/passwd")), "absolute link target"),
    "a link out": (tar(GOOD, symlink(b"l", b"../secret")), "leads out"),
    "a link out of a folder": (tar(GOOD, symlink(b"a/b/l", b"../../../secret")), "leads out"),
    "a link out by pax": (
        tar(GOOD, pax({b"linkpath": b"../secret"}), symlink(b"l", b"x")),
        "leads out",
    ),
    "a link out through another link": (
        tar(GOOD, symlink(b"a/b/l", b"../.."), symlink(b"a/b/m", b"l/../secret")),
        "leads out",
    ),
    "a link out through a later link": (
        tar(GOOD, symlink(b"a/b/m", b"l/../secret"), symlink(b"a/b/l", b"../..")),
        "leads out",
    ),
    "a link out for those who only read it": (
        tar(GOOD, symlink(b"x", b"a/b/c"), symlink(b"y", b"x/../../../good")),
        "leads out",
    ),
    "links in a circle": (tar(GOOD, symlink(b"a", b"b"), symlink(b"b", b"a")), "circle"),
    "a link to itself": (tar(GOOD, symlink(b"a", b"a")), "circle"),
    "a chain of 41 links": (chain(41), "more than 40 links"),
    "an empty link": (tar(GOOD, symlink(b"a", b"")), "empty link target"),
    "a file through a link": (tar(symlink(b"l", b"good"), GOOD, file(b"l/x")), "symbolic link"),
    "a file through a link out": (tar(symlink(b"l", b".."), file(b"l/x")), "symbolic link"),
    "a file in the place of a link": (tar(symlink(b"l", b"good"), file(b"l")), "different kinds"),
    "a link in the place of a file": (tar(file(b"l"), symlink(b"l", b"x")), "different kinds"),
    "a link in the place of a folder": (
        tar(file(b"l/x"), symlink(b"l", b"..")),
        "different kinds",
    ),
    "a folder in the place of a file": (tar(file(b"x"), folder(b"x")), "different kinds"),
    "a folder in the place of a link": (tar(symlink(b"x", b"y"), folder(b"x")), "symbolic link"),
    "a file in the place of a folder": (tar(folder(b"x"), file(b"x")), "different kinds"),
    "a file below a file": (tar(file(b"x"), file(b"x/y")), "different kinds"),
    "a file in the place of everything": (tar(head(b".", b"7")), "would replace"),
    "a hard link out": (tar(GOOD, hardlink(b"h", b"../secret")), "'..'"),
    "an absolute hard link": (tar(GOOD, hardlink(b"h", b"/etc/passwd")), "absolute"),
    "a hard link to a symbolic one": (tar(GOOD, hardlink(b"h", b"good/link")), "symbolic link"),
    "a hard link through a symbolic one": (
        tar(GOOD, symlink(b"d", b"good"), hardlink(b"h", b"d/file")),
        "symbolic link",
    ),
    "a hard link to nothing": (tar(GOOD, hardlink(b"h", b"nothing")), "not there"),
    "a hard link into nothing": (tar(GOOD, hardlink(b"h", b"no/thing")), "not there"),
    "a hard link to a folder": (tar(GOOD, hardlink(b"h", b"good")), "no file"),
    "a hard link to everything": (tar(GOOD, hardlink(b"h", b".")), "not there"),
    "a character device": (tar(GOOD, head(b"tty", b"3")), "character device"),
    "a block device": (tar(GOOD, head(b"sda", b"4")), "block device"),
    "a fifo": (tar(GOOD, head(b"pipe", b"6")), "fifo"),
    "something unheard of": (tar(GOOD, head(b"odd", b"Z")), "kind that we do not know"),
    "an empty name": (tar(GOOD, file(b"")), "empty name"),
    "a NUL in a name": (tar(GOOD, pax({b"path": b"a\0b"}), file(b"x")), "NUL"),
    "a name that is not UTF-8": (tar(GOOD, file(b"\xff\xfe")), "not UTF-8"),
    "a part of a name that is too long": (
        tar(GOOD, pax({b"path": b"n" * 256}), file(b"x")),
        "too long",
    ),
    "a name that is too long": (tar(GOOD, pax({b"path": b"n/" * 2000}), file(b"x")), "too long"),
    "a name that is too deep": (tar(GOOD, pax({b"path": b"n/" * 200}), file(b"x")), "deeper"),
    "a target that is too long": (
        tar(GOOD, pax({b"linkpath": b"n/" * 2048}), symlink(b"x", b"y")),
        "too long",
    ),
    "a target of too many parts": (
        tar(GOOD, pax({b"linkpath": b"n/" * 300}), symlink(b"x", b"y")),
        "too long",
    ),
    "a negative size": (tar(GOOD, head(b"x", size=b"\xff" * 12)), "no number"),
    "a size that is no number": (tar(GOOD, head(b"x", size=b"many")), "no number"),
    "a size beyond all limits": (tar(GOOD, head(b"x", size=b"\x80" + b"\x7f" * 11)), "more than"),
    "a sparse bomb": (tar(GOOD, old_sparse(b"x", 2**33 - 1, [(0, b"a")])), "more than"),
    "a sparse file in pieces that overlap": (
        tar(GOOD, old_sparse(b"x", 9, [(0, b"aaaa"), (2, b"bb")])),
        "overlap",
    ),
    "a sparse file in a million pieces": (
        GOOD + MANY_PIECES + END,
        "too many pieces",
    ),
    "a sparse file that is longer than it says": (
        tar(GOOD, old_sparse(b"x", 9, [(8, b"aaaa")])),
        "add up",
    ),
    "an extended header of a gigabyte": (tar(GOOD, head(b"x", b"x", 2**30)), "extended header"),
    "a long name of a gigabyte": (tar(GOOD, head(b"x", b"L", 2**30)), "extended header"),
    "no end of extended headers": (
        tar(GOOD, *[pax({b"comment": b"x"})] * 50, file(b"x")),
        "extended headers",
    ),
    "one name for all files": (
        tar(pax({b"path": b"x"}, b"g"), GOOD),
        "of all files at once",
    ),
    "too many entries": (tar(GOOD, *[file(b"x")] * 200), "one more than the 100"),
    "the same folder too often": (tar(*[folder(b"x")] * 101), "one more than the 100"),
    "too many folders in few names": (
        tar(GOOD, *[file(b"%d/" % n + b"x/" * 40 + b"f") for n in range(5)]),
        "one more than the 100",
    ),
    "too many bytes": (tar(GOOD, file(b"x", bytes(MIB))), "more than 1,048,576 bytes"),
    "too many bytes by hard links": (
        tar(file(b"x", bytes(MIB // 4)), *[hardlink(b"h%d" % n, b"x") for n in range(4)]),
        "more than 1,048,576 bytes",
    ),
}


BROKEN_TARS: dict[str, tuple[bytes, str]] = {
    "no end mark": (GOOD, "cut short"),
    "cut in a header": ((GOOD + file(b"x"))[: len(GOOD) + 100], "cut short"),
    "cut in a file": ((GOOD + file(b"x", bytes(2000)))[: len(GOOD) + 1000], "cut short"),
    "a size that is a lie": (GOOD + head(b"x", size=10_000) + END, "cut short"),
    "a header with a flipped bit": (GOOD + b"y" + file(b"x")[1:] + END, "damaged"),
    "an extended header cut short": (tar(GOOD, head(b"x", b"x", 4) + padded(b"99 a")), "damaged"),
    "an extended header without sense": (
        tar(GOOD, head(b"x", b"x", 4) + padded(b"abcd")),
        "number",
    ),
    "cut in an extended header": (GOOD + head(b"x", b"x", 4), "cut short"),
    "a long name at the end": (tar(GOOD, head(b"x", b"L", 4) + padded(b"name")), "damaged"),
    "a sparse file with a damaged map": (
        GOOD + head(b"x", b"S", tail=bytes(41) + b"8" * 24 + bytes(85)) + END,
        "map of a sparse file is damaged",
    ),
    "a sparse file with a damaged size": (
        GOOD + head(b"x", b"S", tail=bytes(138) + b"8" * 12) + END,
        "number in a header is damaged",
    ),
    "a sparse file of an unknown kind": (
        tar(GOOD, pax({b"GNU.sparse.major": b"7"}), file(b"x")),
        "sparse file of a kind",
    ),
    "a sparse file with half a pair": (
        tar(GOOD, pax({b"GNU.sparse.map": b"0,1,2", b"GNU.sparse.size": b"9"}), file(b"x")),
        "map of a sparse file is damaged",
    ),
    "a sparse file with an endless map": (
        tar(
            GOOD,
            pax({b"GNU.sparse.major": b"1", b"GNU.sparse.realsize": b"9"}),
            file(b"x", b"99999\n" + b"1\n" * 253),
        ),
        "map of a sparse file is damaged",
    ),
}


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """A folder with something in it, and something beside it that links could lead to."""
    (tmp_path / "secret").write_text("not for you")
    made = tmp_path / "into"
    made.mkdir()
    (made / "keep").write_text("was here")
    return made


def refused(
    data: bytes, into: Path, limits: Limits = DEFAULT_LIMITS, name: str = "archive"
) -> FetchError:
    """The error, after it was seen that everything is as it was and that it did not take long."""
    archive = into.parent / name
    archive.write_bytes(data)
    before, start_s = tree(into.parent), time.monotonic()
    with pytest.raises(FetchError) as refusal:
        extract(str(archive), str(into), limits)
    assert time.monotonic() - start_s < 5
    assert tree(into.parent) == before
    assert str(archive) in str(refusal.value)
    return refusal.value


@pytest.mark.parametrize("packed", ["tar", "gz"])
@pytest.mark.parametrize("kind", HOSTILE_TARS)
def test_a_hostile_tar_is_refused_whole(kind: str, packed: str, into: Path) -> None:
    data, cause = HOSTILE_TARS[kind]
    error = refused(gzip.compress(data) if packed == "gz" else data, into, SMALL)
    assert isinstance(error, HostileArchive)
    assert cause in str(error)


@pytest.mark.parametrize("kind", BROKEN_TARS)
def test_a_broken_tar_is_refused_whole(kind: str, into: Path) -> None:
    data, cause = BROKEN_TARS[kind]
    error = refused(data, into)
    assert isinstance(error, BadArchive)
    assert cause in str(error)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
NOISE = bytes(n * n * 31 % 251 for n in range(5000))


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed_data_that_is_cut_short_is_refused(kind: str, into: Path) -> None:
    packed = PACKERS[kind](tar(GOOD, file(b"x", NOISE)))
    for length in (len(packed) - 1, len(packed) // 2):
        assert isinstance(refused(packed[:length], into), BadArchive)


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed_data_with_a_flipped_bit_is_refused(kind: str, into: Path) -> None:
    packed = bytearray(PACKERS[kind](tar(GOOD, file(b"x", NOISE))))
    packed[-7] ^= 1
    assert isinstance(refused(bytes(packed), into), BadArchive)


@pytest.mark.parametrize("kind", PACKERS)
def test_garbage_behind_compressed_data_is_refused(kind: str, into: Path) -> None:
    packed = PACKERS[kind](tar(GOOD)) + b"garbage"
    assert isinstance(refused(packed, into), BadArchive)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_of_one_big_file_is_refused_by_its_header(kind: str, into: Path) -> None:
    packed = PACKERS[kind](tar(head(b"x", size=2**33 - 1) + bytes(3 * MIB)))
    error = refused(packed, into)
    assert isinstance(error, HostileArchive)
    assert "more than" in str(error)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_that_grows_beyond_the_ratio_is_refused(kind: str, into: Path) -> None:
    packed = PACKERS[kind](tar(*[file(b"f%d" % n, bytes(MIB)) for n in range(8)]))
    # What these compressors make of zeros differs: up to a thousandth, or much less.
    error = refused(packed, into, Limits(ratio=100, ratio_floor_bytes=4 * MIB))
    assert isinstance(error, HostileArchive)
    assert "Limits(ratio=...)" in str(error)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_that_is_a_single_file_is_refused(kind: str, into: Path) -> None:
    packed = PACKERS[kind](bytes(8 * MIB))
    limits = Limits(ratio=100, ratio_floor_bytes=4 * MIB)
    assert isinstance(refused(packed, into, limits, f"zeros.{kind}"), HostileArchive)


def test_a_bomb_in_what_is_skipped_is_refused(into: Path) -> None:
    packed = gzip.compress(tar(GOOD) + bytes(70 * MIB), 1)
    assert isinstance(refused(packed, into, SMALL), HostileArchive)


def test_entries_are_counted_before_all_are_made(into: Path) -> None:
    # Half of them have data, which is passed over; making them all would take much longer.
    packed = gzip.compress(head(b"a") * 50_000 + file(b"b") * 50_001, 1)
    error = refused(packed, into, Limits(entries=100_000))
    assert isinstance(error, HostileArchive)
    assert error.entry == "(all of it)"
    assert "100,000" in str(error)


def test_a_file_of_many_tiny_streams_is_refused(into: Path) -> None:
    assert isinstance(refused(gzip.compress(b"") * 20_000, into), BadArchive)


def test_an_xz_that_wants_gigabytes_of_memory_is_refused(into: Path) -> None:
    greedy = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1536 * MIB}]
    try:
        packed = lzma.compress(b"x", filters=greedy)
    except MemoryError:
        pytest.skip("not even packing it is possible here")
    error = refused(packed, into)
    assert isinstance(error, BadArchive)
    assert "emory" in str(error)


ZIPS: dict[str, tuple[bytes, str]] = {
    "two dots": (zipped([("good", b"x"), ("../escaped", b"x")]), "'..'"),
    "two dots in the middle": (zipped([("good", b"x"), ("a/../../b", b"x")]), "'..'"),
    "an absolute name": (zipped([("good", b"x"), ("/escaped", b"x")]), "absolute"),
    "an absolute link": (zipped([("good", b"x"), ("l", b"/etc/passwd", LINK)]), "absolute"),
    "a link out": (zipped([("good", b"x"), ("l", b"../secret", LINK)]), "leads out"),
    "a link with a NUL": (zipped([("good", b"x"), ("l", b"a\0b", LINK)]), "NUL"),
    "a link that is too long": (zipped([("l", b"a/" * 4000, LINK)]), "too long"),
    "a file through a link": (
        zipped([("good/x", b"x"), ("l", b"good", LINK), ("l/y", b"y")]),
        "symbolic link",
    ),
    "a fifo": (zipped([("good", b"x"), ("p", b"", stat.S_IFIFO | 0o644)]), "fifo"),
    "a socket": (zipped([("good", b"x"), ("s", b"", stat.S_IFSOCK | 0o644)]), "socket"),
    "a device": (zipped([("good", b"x"), ("d", b"", stat.S_IFCHR | 0o644)]), "device"),
    "a folder with contents": (zipped([("a/", b"x")]), "something else"),
    "a folder that is a link": (zipped([("a/", b"", LINK)]), "something else"),
    "a file in the place of everything": (zipped([("./.", b"x")]), "would replace"),
    "a file below a file": (zipped([("x", b"x"), ("x/y", b"y")]), "different kinds"),
    "too many entries": (zipped([(f"f{n}", b"") for n in range(101)]), "one more than the 100"),
    "too many bytes": (zipped([("x", bytes(MIB)), ("y", b"y")]), "more than 1,048,576 bytes"),
}


@pytest.mark.parametrize("kind", ZIPS)
def test_a_hostile_zip_is_refused_whole(kind: str, into: Path) -> None:
    data, cause = ZIPS[kind]
    error = refused(data, into, SMALL)
    assert isinstance(error, HostileArchive)
    assert cause in str(error)


def listed_at(data: bytes | bytearray) -> int:
    """Where the list at the end of a zip begins."""
    return data.index(b"PK\1\2")


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


ONE = zipped([("name", b"data")], method=0)


def test_a_zip_with_a_bomb_in_its_list_is_refused_by_its_sizes(into: Path) -> None:
    data = patched(ONE, listed_at(ONE) + 24, struct.pack("<I", 2**32 - 2))
    assert isinstance(refused(data, into), HostileArchive)


def test_a_zip_that_lies_about_a_size_is_refused(into: Path) -> None:
    whole = zipped([("name", NOISE)])
    for claim, kind in ((len(NOISE) - 1, HostileArchive), (len(NOISE) + 1, BadArchive)):
        data = patched(whole, listed_at(whole) + 24, struct.pack("<I", claim))
        assert isinstance(refused(data, into), kind)


def test_a_zip_that_names_an_entry_twice_differently_is_refused(into: Path) -> None:
    data = patched(ONE, 30, b"evil")
    error = refused(data, into)
    assert isinstance(error, HostileArchive)
    assert "another place" in str(error)


def test_a_zip_whose_entries_share_their_bytes_is_refused(into: Path) -> None:
    two = zipped([("a", NOISE), ("b", NOISE)])
    second = two.index(b"PK\1\2", listed_at(two) + 1)
    error = refused(patched(two, second + 42, struct.pack("<I", 0)), into)
    assert isinstance(error, HostileArchive)
    assert "shares its bytes" in str(error)


@pytest.mark.parametrize("start", [1, 2**31])
def test_a_zip_whose_list_points_nowhere_is_refused(start: int, into: Path) -> None:
    data = patched(ONE, len(ONE) - 6, struct.pack("<I", listed_at(ONE) + start))
    assert isinstance(refused(data, into), BadArchive)


def test_a_zip_whose_entry_points_nowhere_is_refused(into: Path) -> None:
    data = patched(ONE, listed_at(ONE) + 42, struct.pack("<I", 2**31))
    assert isinstance(refused(data, into), BadArchive)


def test_a_zip_with_a_name_that_is_not_utf8_is_refused(into: Path) -> None:
    data = zipped([("n\u00e4me", b"data")], method=0).replace("\u00e4".encode(), b"\xff\xff")
    error = refused(data, into)
    assert isinstance(error, HostileArchive)
    assert "not UTF-8" in str(error)


def test_an_encrypted_zip_is_refused(into: Path) -> None:
    data = patched(ONE, listed_at(ONE) + 8, struct.pack("<H", 1))
    error = refused(data, into)
    assert isinstance(error, BadArchive)
    assert "encrypted" in str(error)


def test_a_zip_with_an_unknown_method_is_refused(into: Path) -> None:
    data = patched(ONE, listed_at(ONE) + 10, struct.pack("<H", 97))
    error = refused(data, into)
    assert isinstance(error, BadArchive)
    assert "97" in str(error)


@pytest.mark.parametrize("method", [0, 8, 12, 14], ids=["stored", "deflate", "bz2", "lzma"])
def test_a_zip_with_a_flipped_bit_is_refused(method: int, into: Path) -> None:
    data = bytearray(zipped([("good", b"x"), ("name", NOISE)], method=method))
    data[listed_at(data) - 9] ^= 1
    refused(bytes(data), into)


def test_a_zip_with_a_damaged_head_of_lzma_is_refused(into: Path) -> None:
    data = zipped([("name", NOISE)], method=14)
    error = refused(patched(data, 30 + 4, b"XXXX"), into)
    assert isinstance(error, BadArchive)
    assert "damaged" in str(error)


def test_a_long_list_of_a_big_zip_is_refused_too(
    into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
    data = zipped([(f"f{n}", b"") for n in range(101)])
    assert b"PK\6\6" in data
    assert "one more than the 100" in str(refused(data, into, SMALL))


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.99])
def test_a_zip_that_is_cut_short_is_refused(keep: float, into: Path) -> None:
    data = zipped([("name", NOISE), ("other", NOISE)])
    assert isinstance(refused(data[: int(len(data) * keep)], into), BadArchive)


def test_a_long_list_is_refused_before_it_is_read_into_memory(into: Path) -> None:
    one = ONE[listed_at(ONE) : -22]
    many = one * 2_000
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(many), listed_at(ONE), 0)
    error = refused(ONE[: listed_at(ONE)] + many + end, into, SMALL)
    assert isinstance(error, HostileArchive)
    assert "one more than the 100" in str(error)


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", zlib.compress(b"x"), bytes(1024)])
def test_what_is_no_archive_is_refused(data: bytes, into: Path) -> None:
    error = refused(data, into)
    assert isinstance(error, BadArchive)
    assert "none of the archives that we know" in str(error)


def test_a_text_that_calls_itself_a_tar_is_refused(into: Path) -> None:
    assert isinstance(refused(gzip.compress(b"text"), into, name="x.tar.gz"), BadArchive)


def test_what_is_there_already_is_not_replaced(into: Path) -> None:
    error = refused(tar(file(b"new"), file(b"keep", b"changed")), into)
    assert isinstance(error, HostileArchive)
    assert "already" in str(error)


def test_what_cannot_be_moved_to_its_place_is_taken_back(
    into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is full: of three things the second cannot be moved."""
    (into.parent / "archive").write_bytes(tar(file(b"a"), file(b"b"), file(b"c")))
    before, rename = tree(into.parent), os.rename

    def full(source: str, target: str) -> None:
        if target.endswith("into/b"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"):
        extract(str(into.parent / "archive"), str(into))
    assert tree(into.parent) == before


def test_an_archive_that_is_missing_or_a_folder_is_refused(into: Path) -> None:
    for path in (into.parent / "missing", into):
        with pytest.raises(BadArchive):
            extract(str(path), str(into))


WELL_FORMED: dict[str, bytes] = {
    "tar": tar(GOOD, pax({b"path": b"renamed"}), file(b"x"), hardlink(b"h", b"renamed")),
    "sparse tar": tar(GOOD, old_sparse(b"x", 99, [(3, b"aa"), (50, b"bb")])),
    "gz": gzip.compress(tar(GOOD), mtime=0),
    "bz2": bz2.compress(tar(GOOD)),
    "xz": lzma.compress(tar(GOOD)),
    "zip": zipped([("good/file", b"x"), ("l", b"good", LINK), ("d/", b""), ("n", NOISE)]),
}


def unpacked_or_refused(data: bytes) -> None:
    """Whatever it is: all of it or nothing, and not a thing outside."""
    with throwaway() as top:
        (top / "secret").write_text("not for you")
        (top / "into").mkdir()
        (top / "archive").write_bytes(data)
        before = tree(top)
        try:
            extract(str(top / "archive"), str(top / "into"), SMALL)
        except FetchError:
            assert tree(top) == before
        else:
            assert {name: what for name, what in tree(top).items() if name in before} == before
            for path in (top / "into").rglob("*"):
                assert path.resolve().is_relative_to(top / "into")


@pytest.mark.parametrize("kind", WELL_FORMED)
@given(damage=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4))
def test_any_damage_is_refused_or_harmless(kind: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(WELL_FORMED[kind])
    for at, byte in damage:
        data[at % len(data)] = byte
    unpacked_or_refused(bytes(data))


TEXTS = st.one_of(
    st.sampled_from(
        [b"a", b"b", b"a/b", b"..", b".", b"a/..", b"/a", b"b/../..", b"\xff", b"a/./b"]
    ),
    st.binary(max_size=20),
).map(lambda text: text.split(b"\0")[0])
SIZES = st.one_of(st.integers(0, 2000), st.binary(min_size=12, max_size=12))
ENTRIES = st.builds(
    lambda name, flag, size, link, data, mode: head(name, flag, size, link, mode) + padded(data),
    TEXTS,
    st.sampled_from([bytes([flag]) for flag in b"0123567\0DKLSVXgx"]),
    SIZES,
    TEXTS,
    st.sampled_from([b"", b"", b"10 path=a\n", b"18 linkpath=../..\n", b"2\n0\n1\n3\n4\n"]),
    st.integers(0, 0o7777),
)
USUAL = st.sampled_from([file(b"a"), file(b"a/b"), folder(b"a"), symlink(b"a", b"b"), GOOD])


@given(entries=st.lists(st.one_of(ENTRIES, USUAL), max_size=8))
def test_any_entries_are_refused_or_harmless(entries: list[bytes]) -> None:
    unpacked_or_refused(tar(*entries))
