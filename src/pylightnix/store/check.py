"""Is an object what its name says?

The manifest is compared with the name, and every entry with the manifest.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from pylightnix.core.manifest import META, Entry, Manifest, parse_manifest, rref_of
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.core.value import value

from .filehash import hash_open
from .fsys import read_bytes
from .layout import Store, rref_path
from .trouble import is_passing

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@value
class Fault:
    """One thing that is not as the name of an object says.

    Attributes:
        ref: the object.
        path: inside the object.
        what: in words.
        partial: the object may only be incomplete, as a copy under way is.
    """

    ref: DRef | RRef
    path: str
    what: str
    partial: bool = False


def faults(store: Store, rref: RRef, *, contents: bool = True) -> Iterator[Fault]:
    """Give everything that is wrong with a realization, in the order found; nothing if it is valid.

    Args:
        store: where.
        rref: the realization.
        contents: compare the contents of files by hash; otherwise only kind, size and x bit.

    Raises:
        OSError: it cannot be told just now; see `trouble`.
    """
    folder = rref_path(store, rref)
    for path in ("", META):
        if not _is_folder(f"{folder}/{path}"):
            yield Fault(rref, path or ".", "is missing, or not a folder", partial=True)
            return
    try:
        raw = read_bytes(f"{folder}/{META}/manifest.json")
    except OSError as error:
        yield Fault(rref, MANIFEST, _unreadable(error), partial=True)
        return
    try:
        manifest = parse_manifest(raw)
    except (ValueError, RecursionError, TypeError, AttributeError) as error:
        yield Fault(rref, MANIFEST, f"damaged: {error}", partial=not raw.endswith(b"}"))
        return
    if manifest.dref != rref2dref(rref):
        what = f"belongs to {manifest.dref}: the object is in a wrong folder"
        yield Fault(rref, MANIFEST, what)
    if rref_of(raw, rref2dref(rref)) != rref:
        yield Fault(rref, MANIFEST, "its hash is not the name of the object")
    yield from _entry_faults(rref, folder, manifest, contents)


def _is_folder(path: str) -> bool:
    """Tell whether something is a folder itself; a link to a good object is not one."""
    try:
        return stat.S_ISDIR(os.lstat(path.rstrip("/")).st_mode)
    except OSError as error:
        _unreadable(error)
        return False


def _unreadable(error: OSError) -> str:
    """Say it in words; or raise it, if it says nothing about the object."""
    if is_passing(error):
        raise error
    return f"cannot be read: {error.strerror}"


def _entry_faults(rref: RRef, folder: str, manifest: Manifest, contents: bool) -> Iterator[Fault]:
    for entry in manifest.entries:
        what = _differs(folder, entry, contents)
        if what is not None:
            partial = what == _GONE or what.startswith(_SHORT)
            yield Fault(rref, entry[0], what, partial=partial)
    known = {entry[0] for entry in manifest.entries} | {META, *OURS}
    for path in _listing(folder):
        if path not in known:
            # rsync writes `.name.XXXXXX` beside the file that it is copying.
            hidden = path.rpartition("/")[2].startswith(".")
            yield Fault(rref, path, STRANGER, partial=hidden)


MANIFEST = f"{META}/manifest.json"
OURS = (MANIFEST, f"{META}/build.json")
_SHORT = "is cut short"
_GONE = "is missing"
STRANGER = "is not in the manifest"
_KIND = {"f": stat.S_ISREG, "x": stat.S_ISREG, "d": stat.S_ISDIR, "l": stat.S_ISLNK}
_KIND_NAME = {"f": "file", "x": "file", "d": "folder", "l": "link"}


def _differs(folder: str, entry: Entry, contents: bool) -> str | None:
    path, kind = f"{folder}/{entry[0]}", entry[1]
    try:
        status = os.lstat(path)
        if not _KIND[kind](status.st_mode):
            return f"is no longer a {_KIND_NAME[kind]}"
        if len(entry) == 4:
            return _file_differs(path, status, entry, contents)
        if len(entry) == 3 and os.readlink(path) != entry[2]:
            return f"points to {os.readlink(path)!r} instead of {entry[2]!r}"
    except (FileNotFoundError, NotADirectoryError):
        return _GONE
    except OSError as error:
        return _unreadable(error)
    return None


def _file_differs(
    path: str, status: os.stat_result, entry: tuple[str, str, int, str], contents: bool
) -> str | None:
    _, kind, size, digest = entry
    if status.st_size < size:
        return f"{_SHORT}: it has {status.st_size} bytes of {size}"
    if status.st_size != size:
        return f"has {status.st_size} bytes instead of {size}"
    if bool(status.st_mode & 0o111) != (kind == "x"):
        return "should be executable" if kind == "x" else "should not be executable"
    if not contents:
        return None
    fd = os.open(path, _READ)
    try:
        found, _ = hash_open(fd, size)
    finally:
        os.close(fd)
    return None if found == digest else f"has other contents: sha256 {found} instead of {digest}"


def _listing(folder: str) -> Iterator[str]:
    """Every path below a folder; as deep as it goes, so without recursion."""
    todo = [""]
    while todo:
        prefix = todo.pop()
        try:
            with os.scandir(f"{folder}/{prefix}") as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            _unreadable(error)
            continue  # its own entry tells
        for entry in entries:
            yield prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                todo.append(f"{prefix}{entry.name}/")
