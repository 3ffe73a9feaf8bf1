"""The index: which entry points are installed, without reading what was read before.

One file for each Python environment. A row for each folder `*.dist-info`, believed as long as
time, length and inode of its `entry_points.txt` are the same (of the folder itself, if there is no
such file). So a distribution that comes, goes or changes is seen at once, and the others need not
be read again. What is gone is remembered, to say whose it was.

The file is a cache: if it is broken, or cannot be written, everything is read afresh.
"""

from __future__ import annotations

import os
import sys
import time

from .entries import Entry
from .installed import Dist, dists_on, entry_points_of, stamp_of, stem_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    # place of a dist-info -> its stamp, and its entry points as one text
    Rows = dict[str, tuple[str, str]]
    Gone = dict[tuple[str, str], str]

FOLDER = "~/.cache/pylightnix"
_HEAD = b"pylightnix plugins 1 "
_ENTRY, _PART = "\x1e", "\x1d"
# A file that changes twice within a tick of the clock of a file system looks the same after both.
_SETTLED_NS = 2 * 10**9
_UNSETTLED = "?"
_MOST_GONE = 1000


class Index:
    """A handle on the entry points that are installed.

    Args:
        path: folders to look into, in order; by default `sys.path`, at each call anew.
        file: the cache; by default one below `~/.cache/pylightnix`, for this environment.
    """

    def __init__(self, path: Sequence[str] | None = None, file: str | None = None) -> None:
        self._path = None if path is None else tuple(path)
        self.file = _default_file() if file is None else file

    def entries(self, namespace: str | None = None, name: str | None = None) -> list[Entry]:
        """Give entry points, those of an earlier folder first; imports nothing.

        Args:
            namespace: of this group only.
            name: of this name only.

        Effects: writes the cache if it learned something.
        """
        rows, gone = _read(self.file)
        dists, others, folders = dists_on(sys.path if self._path is None else self._path)
        fresh: Rows = {}
        current: list[tuple[Dist, str]] = []
        for dist in dists:
            row = rows.get(dist.place)
            if row is None or row[0] != stamp_of(dist.place, bool(row[1])):
                row = fresh[dist.place] = _look(dist)
            current.append((dist, row[1]))
        if fresh or _lost(rows, folders, dists):
            self._learn(rows, gone, fresh)
        found = [entry for dist, text in current for entry in _entries(dist, text, namespace, name)]
        return found + [e for e in others if _asked(e, namespace, name)]

    def had(self, namespace: str, name: str) -> str:
        """Tell which distribution had a plugin that is gone: `name version`, or nothing."""
        return _read(self.file)[1].get((namespace, name), "")

    def gone(self) -> list[Entry]:
        """Give what was installed once and is not now, as far as it is remembered."""
        known = {(e.namespace, e.name) for e in self.entries()}
        gone = _read(self.file)[1].items()
        return [Entry(*key, "", dist) for key, dist in gone if key not in known]

    def writable(self) -> bool:
        """Tell whether the cache can be kept."""
        folder = os.path.dirname(self.file)
        while not os.path.isdir(folder) and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        return os.access(folder, os.W_OK)

    def _learn(self, rows: Rows, gone: Gone, fresh: Rows) -> None:
        """Keep what is new, and remember whose it was what is gone."""
        there = {place for place in rows if place in fresh or os.path.isdir(place)}
        keep = {place: row for place, row in rows.items() if place in there}
        keep |= {place: row for place, row in fresh.items() if _plain(place, row[1])}
        lost = {
            (group, name): stem_of(place)
            for place, row in rows.items()
            if keep.get(place) != row
            for group, name, _ in _parts(row[1])
        }
        known = {(group, name) for _, text in keep.values() for group, name, _ in _parts(text)}
        missing = {key: dist for key, dist in (gone | lost).items() if key not in known}
        if keep != rows or missing != gone:
            _write(self.file, keep, missing)


def _default_file() -> str:
    from hashlib import sha256

    where = sha256(os.fsencode(sys.prefix)).hexdigest()[:16]
    return f"{os.path.expanduser(FOLDER)}/plugins-{where}.txt"


def _lost(rows: Rows, folders: Collection[str], dists: Sequence[Dist]) -> bool:
    """Tell whether something is remembered that is no longer where it was."""
    places = rows.keys() - {dist.place for dist in dists}
    return any(p.rpartition("/")[0] in folders and not os.path.isdir(p) for p in places)


def _look(dist: Dist) -> tuple[str, str]:
    """Read a distribution; what changed a moment ago gets a stamp that is never believed."""
    triples = entry_points_of(dist.place)
    stamp = stamp_of(dist.place, bool(triples))
    newest_ns = max(map(int, stamp.split(".")[:2])) if stamp else 0
    if not stamp or newest_ns > time.time_ns() - _SETTLED_NS:
        stamp = _UNSETTLED
    return stamp, _ENTRY.join(_PART.join(triple) for triple in triples)


def _plain(place: str, text: str) -> bool:
    return "\n" not in place + text and "\t" not in place + text


def _parts(text: str) -> Iterable[tuple[str, str, str]]:
    for item in text.split(_ENTRY) if text else ():
        group, name, target = item.split(_PART)
        yield group, name, target


def _entries(dist: Dist, text: str, namespace: str | None, name: str | None) -> list[Entry]:
    if namespace is not None:
        start = f"{namespace}{_PART}" if name is None else f"{namespace}{_PART}{name}{_PART}"
        if start not in text:  # nearly all of them, so this is the fast way
            return []
        parts = [item.split(_PART) for item in text.split(_ENTRY) if item.startswith(start)]
    else:
        parts = [item.split(_PART) for item in text.split(_ENTRY) if item]
    return [Entry(group, key, target, dist.stem, dist.place) for group, key, target in parts]


def _asked(entry: Entry, namespace: str | None, name: str | None) -> bool:
    return namespace in (None, entry.namespace) and name in (None, entry.name)


def _read(file: str) -> tuple[Rows, Gone]:
    from binascii import crc32

    rows: Rows = {}
    gone: Gone = {}
    try:
        with open(file, "rb") as opened:
            head, _, body = opened.read().partition(b"\n")
        if head != _HEAD + str(crc32(body)).encode():
            return {}, {}
        for line in body.decode("utf-8", "surrogateescape").split("\n")[:-1]:
            if line[0] == "-":
                _, group, name, dist = line.split("\t")
                gone[group, name] = dist
            else:
                place, stamp, text = line.split("\t")
                rows[place] = (stamp, text)
    except (OSError, ValueError, IndexError):
        return {}, {}
    return rows, gone


def _write(file: str, rows: Rows, gone: Gone) -> None:
    """Write it aside and rename it; if that cannot be, nothing is lost but time."""
    from binascii import crc32
    from contextlib import suppress

    lines = [f"{place}\t{stamp}\t{text}\n" for place, (stamp, text) in rows.items()]
    recent = list(gone.items())[-_MOST_GONE:]
    lines += [
        f"-\t{group}\t{name}\t{dist}\n"
        for (group, name), dist in recent
        if _plain("", group + name + dist)
    ]
    body = "".join(lines).encode("utf-8", "surrogateescape")
    aside = f"{file}.{os.urandom(8).hex()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(aside, "xb") as opened:
            opened.write(_HEAD + str(crc32(body)).encode() + b"\n" + body)
        os.replace(aside, file)
    except OSError:
        with suppress(OSError):
            os.unlink(aside)
