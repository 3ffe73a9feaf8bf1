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
from binascii import crc32

from .entries import Entry
from .installed import dists_on, entry_points_of, stamp_of, stem_of

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
            name: of this name only, which is faster: distributions that are known not to have it
                are not looked at, unless nobody has it.

        Effects: writes the cache if it learned something.
        """
        start = "" if namespace is None else f"{namespace}{_PART}"
        if namespace is not None and name is not None:
            start = f"{start}{name}{_PART}"
            found = self._found(start, hasty=True)
            if found:
                return found
        return [e for e in self._found(start, hasty=False) if name in (None, e.name)]

    def names(self, namespace: str) -> set[str]:
        """Give the names in a group; imports nothing."""
        start = f"{namespace}{_PART}"
        at = len(start)
        rows, others = self._rows(start, hasty=False)
        found = {e.name for e in others if e.namespace == namespace}
        for _, text in rows:
            if start in text:
                items = text.split(_ENTRY)
                found.update(i[at : i.index(_PART, at)] for i in items if i.startswith(start))
        return found

    def _found(self, start: str, *, hasty: bool) -> list[Entry]:
        rows, others = self._rows(start, hasty)
        found = [
            Entry(group, name, target, stem_of(place), place)
            for place, text in rows
            if start in text  # of few of them, so this is the fast way
            for group, name, target in _parts(text, start)
        ]
        return found + [e for e in others if _text([(e.namespace, e.name, "")]).startswith(start)]

    def _rows(self, start: str, hasty: bool) -> tuple[list[tuple[str, str]], list[Entry]]:
        """Give place and entry points of every distribution; and those of archives."""
        rows, gone = _read(self.file)
        dists, others, folders = dists_on(sys.path if self._path is None else self._path)
        fresh: Rows = {}
        current: list[tuple[str, str]] = []
        for place in dists:
            row = rows.get(place)
            if row is None or (
                (not hasty or start in row[1]) and row[0] != stamp_of(place, bool(row[1]))
            ):
                row = fresh[place] = _look(place)
            current.append((place, row[1]))
        if fresh or (len(rows) != len(dists) and _lost(rows, folders, dists)):
            self._learn(rows, gone, fresh)
        return current, others

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
            for group, name, _ in _parts(row[1], "")
        }
        known = {(group, name) for _, text in keep.values() for group, name, _ in _parts(text, "")}
        missing = {key: dist for key, dist in (gone | lost).items() if key not in known}
        if keep != rows or missing != gone:
            _write(self.file, keep, missing)


def _default_file() -> str:
    # Two environments that share a file by accident would do no harm: rows are whole paths.
    where = crc32(os.fsencode(sys.prefix))
    return f"{os.path.expanduser(FOLDER)}/plugins-{where:08x}.txt"


def _lost(rows: Rows, folders: Collection[str], dists: Iterable[str]) -> bool:
    """Tell whether something is remembered that is no longer where it was."""
    places = rows.keys() - set(dists)
    return any(p.rpartition("/")[0] in folders and not os.path.isdir(p) for p in places)


def _look(place: str) -> tuple[str, str]:
    """Read a distribution; what changed a moment ago gets a stamp that is never believed."""
    triples = entry_points_of(place)
    stamp = stamp_of(place, bool(triples))
    newest_ns = max(map(int, stamp.split(".")[:2])) if stamp else 0
    if not stamp or newest_ns > time.time_ns() - _SETTLED_NS:
        stamp = _UNSETTLED
    return stamp, _text(triples)


def _text(triples: Iterable[tuple[str, str, str]]) -> str:
    return _ENTRY.join(_PART.join(triple) for triple in triples)


def _plain(place: str, text: str) -> bool:
    return "\n" not in place + text and "\t" not in place + text


def _parts(text: str, start: str) -> Iterable[tuple[str, str, str]]:
    """Take entry points apart: those that begin so."""
    for item in text.split(_ENTRY) if text else ():
        if item.startswith(start):
            group, name, target = item.split(_PART)
            yield group, name, target


def _read(file: str) -> tuple[Rows, Gone]:
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
