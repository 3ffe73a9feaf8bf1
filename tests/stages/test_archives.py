"""Unpacking what means well: everything arrives, and only as it should be."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.errors import InvalidValue
from pylightnix.stages.archives import extract
from pylightnix.stages.guard import BadArchive, Guard, Limits
from pylightnix.stages.streams import Stream
from pylightnix.stages.tarheaders import count_entries
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

HAS_ZSTD = any(
    importlib.util.find_spec(module)
    for module in ("compression.zstd", "zstandard")
    if "." not in module or importlib.util.find_spec(module.partition(".")[0])
)
needs_zstd = pytest.mark.skipif(not HAS_ZSTD, reason="nothing here reads zst: no extra `zstd`")

# Names as people and programs make them; "." and ".." are no names, "/" and NUL cannot be in one.
NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and not name.endswith("/"))
FILES = st.tuples(st.binary(max_size=2000), st.booleans())
TREES = st.recursive(
    st.dictionaries(NAMES, FILES, max_size=4),
    lambda below: st.dictionaries(NAMES, st.one_of(FILES, below), max_size=4),
    max_leaves=12,
)


def flat(nested: dict[str, object], prefix: str = "") -> dict[str, object]:
    """A tree of dictionaries as `tree` lists one."""
    found: dict[str, object] = {}
    for name, below in nested.items():
        if isinstance(below, dict):
            found |= {prefix + name: None} | flat(below, f"{prefix}{name}/")
        else:
            found[prefix + name] = below
    return found


def as_tar(entries: dict[str, object], form: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                info.size, info.mode = len(content[0]), 0o755 if content[1] else 0o600
                archive.addfile(info, io.BytesIO(content[0]))
            else:
                info.type, info.mode = tarfile.DIRTYPE, 0o700
                archive.addfile(info)
    return out.getvalue()


def as_zip(entries: dict[str, object], method: int) -> bytes:
    def row(name: str, content: object) -> tuple[str, bytes, int]:
        if isinstance(content, tuple):
            return name, content[0], stat.S_IFREG | (0o755 if content[1] else 0o600)
        return f"{name}/", b"", stat.S_IFDIR | 0o700

    return zipped([row(*item) for item in entries.items()], method)


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Unpacks bytes and lists what came out."""

    def unpack(data: bytes, name: str = "archive", **limits: int) -> dict[str, object]:
        into = tmp_path / "into"
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        (tmp_path / name).write_bytes(data)
        extract(str(tmp_path / name), str(into), Limits(**limits))
        return tree(into)

    return unpack


def comes_out(data: bytes) -> dict[str, object]:
    with throwaway() as top:
        (top / "x.tar").write_bytes(data)  # nothing but its name tells an empty tar from zeros
        (top / "into").mkdir()
        extract(str(top / "x.tar"), str(top / "into"))
        return tree(top / "into")


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
@given(nested=TREES)
def test_what_went_into_a_tar_comes_out(form: int, nested: dict[str, object]) -> None:
    entries = flat(nested)
    assert comes_out(as_tar(entries, form)) == entries


@pytest.mark.parametrize("method", [0, 8, 12, 14], ids=["stored", "deflate", "bz2", "lzma"])
@given(nested=TREES)
def test_what_went_into_a_zip_comes_out(method: int, nested: dict[str, object]) -> None:
    entries = flat(nested)
    assert comes_out(as_zip(entries, method)) == entries


SOME = file(b"a/b", b"contents") + file(b"a/tool", b"#!", 0o755) + symlink(b"l", b"a/b")
SOME_TREE = {"a": None, "a/b": (b"contents", False), "a/tool": (b"#!", True), "l": "a/b"}
TARS: dict[str, bytes] = {
    "tar": SOME + END,
    "gz": gzip.compress(SOME + END),
    "bz2": bz2.compress(SOME + END),
    "xz": lzma.compress(SOME + END),
    "gz in two streams": gzip.compress(SOME[:700]) + bytes(99) + gzip.compress(SOME[700:] + END),
    "bz2 in two streams": bz2.compress(SOME[:700]) + bz2.compress(SOME[700:] + END),
    "xz in two streams": lzma.compress(SOME[:700]) + bytes(8) + lzma.compress(SOME[700:] + END),
    "gz with many zeros behind": gzip.compress(SOME + END) + bytes(200_000),
    "one block as end mark": SOME + bytes(512),
    "much behind the end mark": SOME + END + b"more" * 9000,
}


@pytest.mark.parametrize("kind", TARS)
def test_a_tar_is_unpacked_whatever_it_is_called(
    kind: str, unpacked: Callable[..., object]
) -> None:
    assert unpacked(TARS[kind], "oddly.named") == SOME_TREE


def test_chunks_of_any_size_are_put_together(unpacked: Callable[..., object]) -> None:
    big = os.urandom(1_000_001)
    for pack in (gzip.compress, bz2.compress, lambda data: lzma.compress(data, preset=0)):
        assert unpacked(pack(file(b"big", big) + END)) == {"big": (big, False)}
    zeros = bytes(3_000_001)
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        assert unpacked(pack(zeros), "zeros.gz") == {"zeros": (zeros, False)}


@pytest.mark.parametrize("method", [0, 8, 12, 14], ids=["stored", "deflate", "bz2", "lzma"])
def test_a_big_entry_of_a_zip_is_put_together(method: int, unpacked: Callable[..., object]) -> None:
    for big in (os.urandom(1_000_001), bytes(1_000_001)):
        assert unpacked(zipped([("big", big)], method)) == {"big": (big, False)}


def test_a_zip_keeps_x_bits_and_links(unpacked: Callable[..., object]) -> None:
    data = zipped(
        [
            ("a/tool", b"#!", stat.S_IFREG | 0o755),
            ("a/b", b"contents", stat.S_IFREG | 0o444),
            ("l", b"a/b", stat.S_IFLNK | 0o777),
        ]
    )
    assert unpacked(data) == SOME_TREE


def test_a_zip_without_modes_gives_plain_files(unpacked: Callable[..., object]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.create_system, info.external_attr = 0, 0xFFFF << 16
        archive.writestr(info, b"data")
    assert unpacked(out.getvalue()) == {"x": (b"data", False)}


def test_a_zip_with_a_program_or_a_comment_around_it_is_unpacked(
    unpacked: Callable[..., object], tmp_path: Path
) -> None:
    path = tmp_path / "sfx.zip"
    path.write_bytes(b"#!/bin/sh\n")
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"of no importance"
        archive.writestr("x", b"data")
    assert unpacked(path.read_bytes(), "sfx.zip") == {"x": (b"data", False)}


def test_a_zip_with_names_of_old_is_unpacked(unpacked: Callable[..., dict[str, object]]) -> None:
    name = "n\u00e4me"
    modern = zipped([(name, b"data")], method=0)
    unmarked = bytearray(modern)
    for flags in (6, modern.index(b"PK\1\2") + 8):
        unmarked[flags + 1] &= ~0x08
    assert list(unpacked(bytes(unmarked))) == [name]
    # The code page of DOS, padded so that all lengths stay true.
    dos = bytes(unmarked).replace("\u00e4".encode(), "\u00e4\u00e4".encode("cp437"))
    assert list(unpacked(dos)) == ["n\u00e4\u00e4me"]


def test_an_empty_archive_gives_nothing(unpacked: Callable[..., object]) -> None:
    for data, name in ((END, "x.tar"), (gzip.compress(END), "x.tgz"), (zipped([]), "x")):
        assert unpacked(data, name) == {}


def test_a_compressed_file_is_unpacked_under_its_stem(unpacked: Callable[..., object]) -> None:
    for pack, suffix in ((gzip.compress, ".gz"), (bz2.compress, ".BZ2"), (lzma.compress, ".xz")):
        assert unpacked(pack(b"text"), f"data.csv{suffix}") == {"data.csv": (b"text", False)}


def test_later_entries_of_a_name_replace_earlier_files(unpacked: Callable[..., object]) -> None:
    data = file(b"x", b"old", 0o755) + hardlink(b"h", b"x") + file(b"x", b"new") + END
    assert unpacked(data) == {"h": (b"old", True), "x": (b"new", False)}


def test_a_hard_link_becomes_a_file_of_its_own(
    unpacked: Callable[..., object], tmp_path: Path
) -> None:
    data = folder(b"d") + file(b"d/x", b"data", 0o755) + hardlink(b"h", b"./d/x") + END
    assert unpacked(data) == {"d": None, "d/x": (b"data", True), "h": (b"data", True)}
    assert (tmp_path / "into/h").stat().st_nlink == 1


def test_links_are_made_wherever_they_stand_in_the_archive(
    unpacked: Callable[..., object],
) -> None:
    data = symlink(b"a/up", b"..") + symlink(b"gone", b"nowhere") + file(b"a/x") + END
    assert unpacked(data) == {"a": None, "a/up": "..", "a/x": (b"data", False), "gone": "nowhere"}


def test_modes_are_made_plain(tmp_path: Path) -> None:
    data = file(b"d/suid", mode=0o6755) + file(b"d/none", mode=0) + head(b"e", b"5", mode=0o1777)
    (tmp_path / "x.tar").write_bytes(data + END)
    (tmp_path / "into").mkdir()
    old_umask = os.umask(0o077)
    try:
        extract(str(tmp_path / "x.tar"), str(tmp_path / "into"))
    finally:
        os.umask(old_umask)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "into").rglob("*")}
    assert modes == {"d": 0o755, "e": 0o755, "suid": 0o755, "none": 0o644}


def test_names_with_dots_and_slashes_too_many_are_taken_plainly(
    unpacked: Callable[..., object],
) -> None:
    data = folder(b"./") + folder(b"./d//") + file(b".//d/./x") + END
    assert unpacked(data) == {"d": None, "d/x": (b"data", False)}


def test_old_and_odd_headers_are_understood(unpacked: Callable[..., object]) -> None:
    v7_folder = head(b"d/", b"\0")
    ustar = head(b"x" * 50, b"0", 4)
    ustar = ustar[:345] + b"d".ljust(155, b"\0") + bytes(12)
    ustar = ustar[:148] + b"%06o\0 " % (sum(ustar) - sum(ustar[148:156]) + 256) + ustar[156:]
    binary = head(b"b", b"0", b"\x80" + bytes(10) + b"\4")
    long_name = head(b"L", b"L", 151) + padded(b"n" * 150 + b"\0") + file(b"short")
    dump = head(b"dump", b"D", 5) + padded(b"Yfile")
    label = head(b"volume", b"V")
    comment = pax({b"comment": b"of the whole"}, b"g")
    renamed = (
        pax({b"path": "gr\u00fc\u00df".encode(), b"size": b"4"}) + head(b"z") + padded(b"data")
    )
    data = b"".join([v7_folder, ustar, padded(b"data"), binary, padded(b"data"), long_name])
    data += dump + label + comment + renamed + END
    files = ["d/" + "x" * 50, "b", "n" * 150, "gr\u00fc\u00df"]
    assert unpacked(data) == {"d": None, "dump": None} | {name: (b"data", False) for name in files}


HOLES = (bytes(5) + b"data" + bytes(100) + b"more" + bytes(7), False)
SPARSE = {b"GNU.sparse.size": b"120", b"GNU.sparse.numblocks": b"2"}
LEADING_MAP = padded(b"2\n5\n4\n109\n4\n")
SPARSE_FILES: dict[str, bytes] = {
    "old": old_sparse(b"holes", 120, [(5, b"data"), (109, b"more")]),
    "0.0": pax(
        [
            *SPARSE.items(),
            (b"GNU.sparse.offset", b"5"),
            (b"GNU.sparse.numbytes", b"4"),
            (b"GNU.sparse.offset", b"109"),
            (b"GNU.sparse.numbytes", b"4"),
        ]
    )
    + file(b"holes", b"datamore"),
    "0.1": pax(SPARSE | {b"GNU.sparse.map": b"5,4,109,4", b"GNU.sparse.name": b"holes"})
    + file(b"odd", b"datamore"),
    "1.0": pax(
        {
            b"GNU.sparse.major": b"1",
            b"GNU.sparse.minor": b"0",
            b"GNU.sparse.name": b"holes",
            b"GNU.sparse.realsize": b"120",
        }
    )
    + head(b"odd", b"0", 512 + 8)
    + LEADING_MAP
    + padded(b"datamore"),
}


@pytest.mark.parametrize("kind", SPARSE_FILES)
def test_holes_are_filled(kind: str, unpacked: Callable[..., object]) -> None:
    data = SPARSE_FILES[kind] + file(b"next") + END
    assert unpacked(data) == {"holes": HOLES, "next": (b"data", False)}


@pytest.mark.parametrize("version", ["gnu", "0.0", "0.1", "1.0"])
def test_holes_as_gnu_tar_writes_them_are_filled(
    version: str, tmp_path: Path, unpacked: Callable[..., object]
) -> None:
    tar = shutil.which("tar")
    if tar is None or b"GNU" not in subprocess.run([tar, "--version"], capture_output=True).stdout:
        pytest.skip("there is no GNU tar here")
    expected = bytearray(2**20)
    with (tmp_path / "holes").open("wb") as out:
        for at in range(0, 2**20 - 4096, 40_960):
            out.seek(at)
            out.write(b"island")
            expected[at : at + 6] = b"island"
        out.truncate(2**20)
    form = ["--format=gnu"] if version == "gnu" else ["--format=pax", f"--sparse-version={version}"]
    command = [tar, "-cSf", "x.tar", "--hole-detection=raw", *form, "holes"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "x.tar").stat().st_size < 2**19
    assert unpacked((tmp_path / "x.tar").read_bytes()) == {"holes": (bytes(expected), False)}


def zst(data: bytes) -> bytes:
    if importlib.util.find_spec("zstandard"):
        return bytes(importlib.import_module("zstandard").compress(data))
    return bytes(importlib.import_module("compression.zstd").compress(data))


@needs_zstd
def test_zst_is_unpacked(unpacked: Callable[..., object]) -> None:
    assert unpacked(zst(SOME + END)) == SOME_TREE
    assert unpacked(zst(SOME[:700]) + zst(SOME[700:] + END)) == SOME_TREE
    big = os.urandom(1_000_001)
    assert unpacked(zst(big), "big.zst") == {"big": (big, False)}
    with pytest.raises(BadArchive, match="cut short"):
        unpacked(zst(big)[:-3], "big.zst")


@needs_zstd
def test_a_zst_bomb_is_refused(unpacked: Callable[..., object]) -> None:
    with pytest.raises(Exception, match="Limits"):
        unpacked(zst(bytes(300 * 2**20)))


@pytest.mark.skipif(HAS_ZSTD, reason="zst can be read here")
def test_without_zstd_the_extra_is_named(unpacked: Callable[..., object]) -> None:
    with pytest.raises(BadArchive, match=r"pip install 'pylightnix\[zstd\]'"):
        unpacked(b"\x28\xb5\x2f\xfd" + bytes(20))


@pytest.mark.parametrize(
    ("data", "name", "known"),
    [
        (gzip.compress(b"text", mtime=0), "x", True),
        (bz2.compress(b"text"), "x", True),
        (lzma.compress(b"text"), "x", True),
        (zipped([("x", b"")]), "x", True),
        (b"#!program" + zipped([]), "x.zip", True),
        (b"text", "x.zip", False),
        (b"text", "x.tar.gz", False),
        (END, "x.tar", True),
        (END, "x", False),
        (b"", "x.tar", False),
    ],
)
def test_archives_are_known_by_their_content(
    data: bytes, name: str, known: object, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "out").mkdir()
    refused = pytest.raises(BadArchive, match="none of the archives")
    with nullcontext() if known else refused:
        extract(str(tmp_path / name), str(tmp_path / "out"))


def test_into_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(SOME + END)
    with pytest.raises(InvalidValue, match="no such folder"):
        extract(str(tmp_path / "x.tar"), str(tmp_path / "missing"))


@pytest.mark.parametrize("value", [-1, 1.5, "many", True])
def test_a_limit_is_a_whole_number(value: object) -> None:
    with pytest.raises(InvalidValue, match="entries"):
        Limits(entries=value)  # type: ignore[arg-type]


def test_limits_may_be_met_exactly(unpacked: Callable[..., object]) -> None:
    data = file(b"a/x", b"12345") + file(b"b", b"12345") + END
    limits = {"entries": 3, "total_bytes": 10, "ratio": 0, "ratio_floor_bytes": 10}
    assert unpacked(data, **limits)
    with pytest.raises(Exception, match="entries="):
        unpacked(data, **limits | {"entries": 2})
    with pytest.raises(Exception, match="total_bytes="):
        unpacked(data, **limits | {"total_bytes": 9})
    with pytest.raises(Exception, match="ratio="):
        unpacked(data, **limits | {"ratio_floor_bytes": 9})


def counted(data: bytes, most: int = 100) -> int:
    guard = Guard("archive", len(data), Limits())
    return count_entries(Stream(iter([data]), guard), most)


def test_entries_are_counted_roughly() -> None:
    three = file(b"a") + pax({b"path": b"b"}) + symlink(b"x", b"y") + file(b"c", bytes(2000))
    assert counted(three + END + file(b"behind the end")) == 3
    assert counted(three) == 3
    assert counted(b"") == 0
    assert counted(three * 100, most=2) <= 3
    # What comes behind much data, or behind what we cannot measure, is not looked for.
    assert counted(file(b"a", bytes(10**6)) + file(b"b"), most=100) == 1
    assert counted(file(b"a") + old_sparse(b"b", 9, []) + file(b"c")) == 1
    assert counted(file(b"a") + head(b"b", size=b"\xff" * 12) + file(b"c")) == 1


def test_a_zip_of_more_entries_than_fit_in_two_bytes_is_unpacked(
    unpacked: Callable[..., dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
    assert len(unpacked(zipped([(f"f{n}", b"") for n in range(20)]), entries=20)) == 20


def test_a_folder_that_cannot_be_written_leaves_nothing(nonroot: None, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(SOME + END)
    (tmp_path / "into").mkdir(0o500)
    with pytest.raises(PermissionError):
        extract(str(tmp_path / "x.tar"), str(tmp_path / "into"))
