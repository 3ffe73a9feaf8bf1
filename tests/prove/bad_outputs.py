"""Builders that return nonsense or make what cannot be stored, and hostile archives."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pylightnix as p
from stages.packing import END, file, folder, hardlink, head, pax, symlink, zipped

from .bad_cases import Case, Shop, build_of, realizer_of
from .bad_values import HEX


def returned_cases() -> Iterator[Case]:
    """What a realizer may return, and must not."""
    values: dict[str, Callable[[Shop], Any]] = {
        "nothing": lambda shop: None,
        "a number": lambda shop: 5,
        "no folder": lambda shop: [],
        "text": lambda shop: shop.outside,
        "a path": lambda shop: Path(shop.outside),
        "numbers": lambda shop: [1, 2],
        "None in a list": lambda shop: [None],
        "a folder that is not there": lambda shop: [Path(shop.outside, "absent")],
        "a file": lambda shop: [Path(__file__)],
        "a link": lambda shop: [_link_out(shop)],
        "a NUL": lambda shop: [Path("a\0b")],
        "the root": lambda shop: [Path("/")],
        "the store": lambda shop: [Path(shop.root)],
        "the objects": lambda shop: [Path(shop.root, "store-v1")],
        "the folder var": lambda shop: [Path(shop.root, "var")],
        "another object": lambda shop: [p.rref2path(shop.other, store=shop.store)],
        "the parent of the store by dots": lambda shop: [Path(shop.root, "store-v1", "..")],
        "a working folder that holds the store": _working_folder,
        "a dictionary": lambda shop: {"a": 1},
    }
    for what, value in values.items():
        yield realizer_of(f"returned: {what}", _returning(value))


def _returning(value: Callable[[Shop], Any]) -> Callable[[Shop], Callable[..., Any]]:
    return lambda shop: lambda *args: value(shop)


def _link_out(shop: Shop) -> Path:
    link = Path(shop.root, "var", "tmp", "link")
    if not link.is_symlink():
        link.symlink_to(shop.outside)
    return link


def _working_folder(shop: Shop) -> list[Path]:
    os.chdir(os.path.dirname(shop.root))
    return [Path()]


def _raising(error: BaseException) -> Callable[[Shop, p.Build], object]:
    def act(shop: Shop, b: p.Build) -> object:
        raise error

    return act


def made_cases() -> Iterator[Case]:
    """What a builder may make, and must not."""
    for error in (ValueError("x"), KeyError(1), SystemExit(3), AssertionError(), MemoryError()):
        yield build_of(f"a builder that raises {type(error).__name__}", _raising(error))
    yield build_of("a builder that never ends recursing", lambda shop, b: _endless(0))
    yield build_of("a pipe", lambda shop, b: os.mkfifo(p.build_outpath(b) / "pipe"))
    yield build_of("a socket", lambda shop, b: _socket(p.build_outpath(b)))
    if os.geteuid() == 0:
        yield build_of("a device", lambda shop, b: os.mknod(p.build_outpath(b) / "d", 0o20600, 259))
    yield build_of("a name that is not UTF-8", lambda shop, b: _bytes_name(p.build_outpath(b)))
    yield build_of("a target that is not UTF-8", lambda shop, b: _bytes_link(p.build_outpath(b)))
    yield build_of("our own name", lambda shop, b: (p.build_outpath(b) / ".pylightnix").mkdir())
    yield build_of("our own name, a file", lambda shop, b: _our_file(p.build_outpath(b)))
    yield build_of("our own name, a link", lambda shop, b: _our_link(p.build_outpath(b)))
    yield build_of("too deep", lambda shop, b: _deep(p.build_outpath(b), 300))
    yield build_of("much too deep", lambda shop, b: _deep(p.build_outpath(b), 5000))
    yield build_of("a link in the place of the output", _replaced_by_link)
    yield build_of("a file in the place of the output", _replaced_by_file)
    yield build_of("no output any more", lambda shop, b: p.build_outpath(b).rmdir())
    yield build_of("the output away", lambda shop, b: _away(p.build_outpath(b)))


def _away(out: Path) -> None:
    out.rename(f"{out}-elsewhere")


def _endless(n: int) -> int:
    return _endless(n + 1) + 1


def _socket(out: Path) -> None:
    os.chdir(out)  # the name of a socket must be short
    made = socket.socket(socket.AF_UNIX)
    made.bind("s")
    made.close()


def _bytes_name(out: Path) -> None:
    Path(os.fsdecode(os.fsencode(out) + b"/\xff\xfe")).write_text("x")


def _bytes_link(out: Path) -> None:
    os.symlink(b"\xff\xfe", os.fsencode(out) + b"/link")


def _our_file(out: Path) -> None:
    (out / ".pylightnix").write_text("x")


def _our_link(out: Path) -> None:
    (out / ".pylightnix").symlink_to("/etc")


def _deep(out: Path, levels: int) -> None:
    fd = os.open(out, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)


def _replaced_by_link(shop: Shop, b: p.Build) -> None:
    out = p.build_outpath(b)
    out.rmdir()
    out.symlink_to(shop.outside)


def _replaced_by_file(shop: Shop, b: p.Build) -> None:
    out = p.build_outpath(b)
    out.rmdir()
    out.write_text("x")


def tar(*entries: bytes) -> bytes:
    """A tar of these entries."""
    return b"".join(entries) + END


GOOD = file(b"good/file") + symlink(b"good/link", b"file")
LINK = 0o120777
ARCHIVES: dict[str, bytes] = {
    "two dots": tar(GOOD, file(b"../escaped")),
    "an absolute name": tar(GOOD, file(b"/tmp/escaped")),
    "a link out": tar(GOOD, symlink(b"l", b"../../secret")),
    "an absolute link": tar(GOOD, symlink(b"l", b"/etc/passwd")),
    "a file through a link": tar(symlink(b"l", b".."), file(b"l/x")),
    "a hard link out": tar(GOOD, hardlink(b"h", b"../secret")),
    "links in a circle": tar(symlink(b"a", b"b"), symlink(b"b", b"a")),
    "a device": tar(GOOD, head(b"tty", b"3")),
    "a pipe": tar(GOOD, head(b"pipe", b"6")),
    "an empty name": tar(GOOD, file(b"")),
    "a NUL in a name": tar(GOOD, pax({b"path": b"a\0b"}), file(b"x")),
    "a name that is not UTF-8": tar(GOOD, file(b"\xff\xfe")),
    "a folder in the place of a file": tar(file(b"x"), folder(b"x")),
    "a negative size": tar(GOOD, head(b"x", size=b"\xff" * 12)),
    "a bomb": gzip.compress(tar(head(b"x", size=2**33 - 1)), 1, mtime=0),
    "cut short": GOOD,
    "nothing": b"",
    "noise": bytes(range(256)) * 9,
    "half a gzip": gzip.compress(tar(GOOD), mtime=0)[:30],
    "zip: two dots": zipped([("../escaped", b"x")]),
    "zip: a link out": zipped([("l", b"../../secret", LINK)]),
    "zip: an absolute name": zipped([("/escaped", b"x")]),
    "zip: cut short": zipped([("a", b"x" * 99)])[:-9],
}


def archive_cases() -> Iterator[Case]:
    """Archives, and sources that are not what they are said to be."""
    for what, data in ARCHIVES.items():
        yield Case(
            f"archive: {what}",
            lambda shop, closure: p.realize(closure),
            _archived(data),
            builds=True,
        )
    yield Case(
        "fetchlocal of what is not there",
        lambda shop, _: p.instantiate(p.fetchlocal, "/no/such/file", store=shop.store),
    )
    yield Case(
        "fetchlocal of another hash",
        lambda shop, closure: p.realize(closure),
        lambda shop: p.instantiate(
            p.fetchlocal, path=__file__, sha256=HEX * 2, mode="as-is", store=shop.store
        ),
        builds=True,
    )
    options: dict[str, dict[str, Any]] = {
        "without a hash": {"url": "file:///etc/passwd"},
        "with a bad hash": {"url": "file:///etc/passwd", "sha256": "xyz"},
        "of no URL": {"url": "", "sha256": HEX * 2},
        "of a number": {"url": 5, "sha256": HEX * 2},
        "of a strange scheme": {"url": "gopher://x/y", "sha256": HEX * 2},
        "with a bad mode": {"url": "file:///x", "sha256": HEX * 2, "mode": "explode"},
        "with a bad file name": {"url": "file:///x", "sha256": HEX * 2, "filename": "../x"},
    }
    for what, chosen in options.items():
        yield Case(f"fetchurl {what}", _fetching(chosen))
    yield Case("mknode of a path", _noded({"../x": b"y"}))
    yield Case("mknode of our name", _noded({".pylightnix": b"y"}))
    yield Case("mknode of a number", _noded({"x": 5}))
    yield Case(
        "mkfile of a path", lambda shop, _: p.instantiate(p.mkfile, "../x", "y", store=shop.store)
    )


def _archived(data: bytes) -> Callable[[Shop], p.Closure]:
    def prepare(shop: Shop) -> p.Closure:
        path = Path(shop.outside, "archive.tar" if data[:2] != b"PK" else "archive.zip")
        path.write_bytes(data)
        return p.instantiate(p.fetchlocal, path=str(path), name="bad", store=shop.store)

    return prepare


def _fetching(options: dict[str, Any]) -> Callable[[Shop, Any], object]:
    return lambda shop, _: p.realize(p.instantiate(p.fetchurl, store=shop.store, **options))


def _noded(artifacts: dict[str, Any]) -> Callable[[Shop, Any], object]:
    return lambda shop, _: p.instantiate(p.mknode, {}, artifacts, store=shop.store)
