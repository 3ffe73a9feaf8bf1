"""Files and folders from outside the store: their hash, and a copy of them.

What was hashed is remembered in the index with the state that each file was in (inode, size,
modification and change time), as git does: to look at twenty thousand files takes a tenth of
reading them. A file that changed a moment ago can change again without a new time, so its hash is
not remembered.
"""

from __future__ import annotations

import os
import stat
import time
from hashlib import sha256

from pylightnix.core.codec import canonical_json
from pylightnix.core.hashing import tree_digest
from pylightnix.core.manifest import Entry

from .filehash import CHUNK, Hashed, hash_open, state_of
from .freeze import MAX_DEPTH, InvalidOutput
from .fsys import write_all
from .layout import Store
from .shelf import RACY_NS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .index import Index

TABLE = "file"
SMALL_BYTES, FEW = 1 << 18, 64
LARGE_BYTES = 1 << 24
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_END, _ENDS = "\0", "\0\0"  # no name holds these


def hash_path(store: Store | None, path: str) -> str:
    """Hash a file or a folder: 64 hex digits.

    Of a file it is the SHA-256 of its contents, of a folder that of its canonical listing. Names,
    kinds, x bits and contents count; times, owners and other modes do not. The path may be a link
    to the file or folder; links inside a folder are taken as links.

    Args:
        store: in whose index hashes are remembered; None to read everything.
        path: of the file or folder.

    Raises:
        OSError: something could not be read.
        InvalidOutput: the folder holds something that cannot be stored.

    Effects: writes to the index what it had to read, if that was much.
    """
    real = os.path.realpath(path)
    settled_ns = time.time_ns() - RACY_NS
    found = _Listing(real)
    index = None if store is None else store.index
    if index is None or found.is_small():
        return found.digest({})
    key = sha256(os.fsencode(real)).hexdigest()
    stamp = sha256(_ENDS.join(found.lines).encode()).hexdigest()
    row = index.get(TABLE, key) or ""
    if row.startswith(stamp):
        return row[len(stamp) :]
    known = _recalled(index, key)
    digest = found.digest(known)
    if found.changed_ns < settled_ns:
        index.put(TABLE, key, stamp + digest)
    lines = [f"{line}{_END}{known[line]}" for line in found.settled(settled_ns)]
    index.put(TABLE, f"{key}{_ENDS}", _ENDS.join(lines))
    index.flush()
    return digest


def _recalled(index: Index, key: str) -> dict[str, str]:
    """What is remembered of the files of a folder: the line of each -> its hash."""
    rows = (index.get(TABLE, f"{key}{_ENDS}") or "").split(_ENDS)
    return {line: digest for line, _, digest in (row.rpartition(_END) for row in rows) if line}


class _Listing:
    """A file, or a folder with all that is below it, as it was looked at.

    Attributes:
        lines: path, kind, and of a file size and state; one text for each entry.
        changed_ns: when the last of the files changed.
    """

    __slots__ = ("_files", "_rest", "_root", "changed_ns", "lines")

    def __init__(self, root: str) -> None:
        self._root = root
        self._files: list[tuple[str, str, str, int, int]] = []
        self._rest: list[Entry] = []
        self.lines: list[str] = []
        if os.path.isdir(root):
            self._walk("")
        else:
            self._add_file("", root, os.stat(root))
        self.changed_ns = max([changed_ns for *_, changed_ns in self._files], default=0)

    def _walk(self, prefix: str) -> None:
        _require_shallow(self._root, prefix, prefix.count("/"))
        with os.scandir(f"{self._root}/{prefix}") as listing:
            for item in listing:
                path = prefix + item.name
                _require_text(self._root, path, item.name)
                if item.is_symlink():
                    target = os.readlink(item.path)
                    _require_text(self._root, path, target)
                    self._rest.append((path, "l", target))
                    self.lines.append(f"{path}{_END}l{_END}{target}")
                elif item.is_dir():
                    self._rest.append((path, "d"))
                    self.lines.append(f"{path}{_END}d")
                    self._walk(f"{path}/")
                else:
                    self._add_file(path, item.path, item.stat(follow_symlinks=False))

    def _add_file(self, path: str, place: str, status: os.stat_result) -> None:
        mode, size = status.st_mode, status.st_size
        if not stat.S_ISREG(mode):
            raise _special(place)
        mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
        kind = "x" if mode & 0o111 else "f"
        line = f"{path or '.'}{_END}{kind} {size} {status.st_ino} {mtime_ns} {ctime_ns}"
        self.lines.append(line)
        self._files.append((line, path, kind, size, max(mtime_ns, ctime_ns)))

    def is_small(self) -> bool:
        """Tell whether it takes no longer to hash than to remember."""
        return len(self._files) < FEW and sum(file[3] for file in self._files) < SMALL_BYTES

    def settled(self, before_ns: int) -> list[str]:
        """Give the lines of the files that changed before a time."""
        return [line for line, *_, changed_ns in self._files if changed_ns < before_ns]

    def digest(self, known: dict[str, str]) -> str:
        """Hash it; adds to `known`, which is line -> hash, what has to be read."""
        entries = list(self._rest)
        for line, path, kind, size, _ in self._files:
            if line not in known:
                known[line] = _hash_file(f"{self._root}/{path}" if path else self._root, size)
            if not path:
                return known[line]
            entries.append((path, kind, size, known[line]))
        return _tree_digest(entries)


def _tree_digest(entries: list[Entry]) -> str:
    entries.sort(key=lambda entry: entry[0].encode())
    return tree_digest(canonical_json(entries))


def _hash_file(path: str, size: int) -> str:
    fd = os.open(path, _READ)
    try:
        return hash_open(fd, size)[0]
    finally:
        os.close(fd)


def _special(path: str) -> InvalidOutput:
    cause = "only files, folders and symlinks can be stored"
    return InvalidOutput(os.path.dirname(path), path, cause)


def _require_text(root: str, path: str, text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidOutput(root, path, "its name or target is not UTF-8; rename it") from None


def _require_shallow(root: str, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidOutput(root, path, f"it is nested deeper than {MAX_DEPTH} folders")


def copy_path(source: str, target: str, known: dict[int, Hashed] | None = None) -> str:
    """Copy a file, or a tree without following links in it; `target` must not be there yet.

    Each file is hashed on its way, so it is read once.

    Args:
        source: the file or folder, or a link to it.
        target: the path of the copy.
        known: gets the hash of each file of the copy, for `freeze_tree`.

    Returns:
        The hash of what was written, as of `hash_path`.

    Raises:
        OSError: something could not be read or written; what was copied so far stays.
        InvalidOutput: a special file, a name that is not UTF-8, or too deep a tree.
    """
    real = os.path.realpath(source)
    if not os.path.isdir(real):
        return _copy_file(real, target, known)[2]
    entries: list[Entry] = []
    _copy_folder(real, target, "", entries, known)
    return _tree_digest(entries)


def _copy_folder(
    source: str, target: str, prefix: str, entries: list[Entry], known: dict[int, Hashed] | None
) -> None:
    _require_shallow(source, prefix, prefix.count("/"))
    os.mkdir(f"{target}/{prefix}", 0o755)
    with os.scandir(f"{source}/{prefix}") as listing:
        for item in listing:
            path = prefix + item.name
            _require_text(source, path, item.name)
            if item.is_symlink():
                link = os.readlink(item.path)
                os.symlink(link, f"{target}/{path}")
                entries.append((path, "l", link))
            elif item.is_dir():
                entries.append((path, "d"))
                _copy_folder(source, target, f"{path}/", entries, known)
            elif item.is_file():
                entries.append((path, *_copy_file(item.path, f"{target}/{path}", known)))
            else:
                raise _special(item.path)


def _copy_file(source: str, target: str, known: dict[int, Hashed] | None) -> tuple[str, int, str]:
    """Copy a file; gives its kind, length and hash, as an entry has them."""
    fd = os.open(source, _READ)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise _special(source)
        runs = status.st_mode & 0o111
        out = os.open(target, _MAKE, 0o644)
        try:
            size, digest = _poured(fd, out, status.st_size)
            if runs:
                os.fchmod(out, 0o755)
            if known is not None:
                made = os.fstat(out)
                known[made.st_ino] = (*state_of(made), digest)
        finally:
            os.close(out)
    finally:
        os.close(fd)
    return "x" if runs else "f", size, digest


def _poured(fd: int, out: int, size_hint: int) -> tuple[int, str]:
    """Copy what is open; gives length and hash."""
    if size_hint >= LARGE_BYTES:
        return _poured_by_two(fd, out)
    state, size = sha256(), 0
    while chunk := os.read(fd, min(size_hint + 1, CHUNK)):
        state.update(chunk)
        write_all(out, chunk)
        size += len(chunk)
        if size == size_hint == len(chunk):
            break  # it was asked for a byte more than there is
    return size, state.hexdigest()


def _poured_by_two(fd: int, out: int) -> tuple[int, str]:
    """Copy what is open and large: one thread writes a piece while another one hashes it."""
    from concurrent.futures import ThreadPoolExecutor

    state, size = sha256(), 0
    with ThreadPoolExecutor(1) as helper:
        hashed = helper.submit(state.update, b"")
        while chunk := os.read(fd, CHUNK):
            hashed.result()
            hashed = helper.submit(state.update, chunk)
            write_all(out, chunk)
            size += len(chunk)
        hashed.result()
    return size, state.hexdigest()
