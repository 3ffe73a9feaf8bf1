"""What is worth knowing of a derivation's folder, as values, and as one row of the index.

A row is text: lines of words between single spaces, which is quicker to take apart than anything a
library reads, and needs none. The first line says of which state of the folder it speaks, the
second what the config says, each further one is a realization.
"""

from __future__ import annotations

from functools import cache

from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import value

from .machine import boot_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Line: TypeAlias = tuple[DRef | RRef, int, float, str, tuple[DRef | RRef, ...]]
    """An object in a listing: its bytes, when it came, when its build ended, what it needs."""

TABLE = "shelf"
NOBODY = (0, 0, 0)
_NONE = "-"
_UNREAD = "?"


@value
class Book:
    """One whole realization.

    Attributes:
        context: the realizations of its direct dependencies, see `context_key`.
        stop: when its build ended, as a word that sorts; empty if nobody knows.
        size_bytes: of everything in it.
        arrived_s: when it came into this store, in seconds since 1970.
        needs: the realizations of its direct dependencies, sorted.
    """

    rref: RRef
    context: str
    stop: str
    size_bytes: int
    arrived_s: float
    needs: tuple[RRef, ...]


@value
class ConfigFacts:
    """What a listing wants to know of a config.

    Attributes:
        size_bytes: its length; -1 if it is missing or damaged.
        arrived_s: when it came into this store, in seconds since 1970.
        deps: the direct dependencies.
    """

    size_bytes: int
    arrived_s: float
    deps: tuple[DRef, ...]


@value
class Shelf:
    """One derivation.

    Attributes:
        identity: inode, modification and change time of its folder when it was read.
        books: its whole realizations, sorted by hash.
        strange: folders that look like realizations and are not whole.
        config: what its config says; None if nobody asked yet.
        has_config: whether there is a file of that name.
        durable: all of it is on the disk, whatever happens to the power.
        tidy: no interrupted write is in the folder.
    """

    identity: tuple[int, int, int]
    books: tuple[Book, ...]
    strange: tuple[RRef, ...] = ()
    config: ConfigFacts | None = None
    has_config: bool = True
    durable: bool = True
    tidy: bool = True


def as_word(text: str) -> str:
    """Give a text that can stand in a row: itself if it is one plain word, otherwise nothing."""
    return text if text.isascii() and text.split() == [text] else ""


def encode_shelf(shelf: Shelf) -> str:
    """Give a shelf as a row of the index; what is strange is not in it."""
    inode, mtime_ns, ctime_ns = shelf.identity
    facts = shelf.config
    config = _UNREAD if shelf.has_config else ""
    if facts is not None:
        config = _line(facts.size_bytes, repr(facts.arrived_s), *facts.deps)
    books = [
        _line(
            book.rref[5:37],
            book.context,
            book.stop or _NONE,
            book.size_bytes,
            repr(book.arrived_s),
            *book.needs,
        )
        for book in shelf.books
    ]
    head = _line(inode, mtime_ns, ctime_ns, int(shelf.durable), boot_id())
    return "\n".join([head, config, *books])


def _line(*words: object) -> str:
    return " ".join(map(str, words))


def decode_shelf(dref: DRef, row: str) -> Shelf:
    """Read what `encode_shelf` gave; raises ValueError if it did not."""
    head, config, *books = row.split("\n")
    inode, mtime_ns, ctime_ns, durable, boot = head.split(" ")
    identity = int(inode), int(mtime_ns), int(ctime_ns)
    if boot != boot_id():
        identity = NOBODY  # a power cut can take contents and leave names and times: look again
    return Shelf(
        identity,
        tuple([_book(dref, line) for line in books]),
        (),
        _config(config) if config not in ("", _UNREAD) else None,
        bool(config),
        durable == "1",
    )


@cache
def row_tails(durable: bool) -> tuple[str, ...]:
    """Give how the first line of a row that may be believed goes on behind the three numbers.

    Args:
        durable: only if all of it is on the disk.
    """
    return tuple(f"{known} {boot_id()}\n" for known in ("1" if durable else "01"))


def is_of(row: str, identity: tuple[int, int, int], durable: bool) -> bool:
    """Tell whether a row is of one state of a folder.

    Args:
        row: as `encode_shelf` gave it.
        identity: of the state.
        durable: only if all of it is on the disk.
    """
    inode, mtime_ns, ctime_ns = identity
    state = f"{inode} {mtime_ns} {ctime_ns} "
    return row.startswith(state) and row.startswith(row_tails(durable), len(state))


def rrefs_in_row(dref: str, row: str) -> list[RRef]:
    """Give the realizations in a row; none if there is no config."""
    _, config, *books = row.split("\n")
    return [_rref(book[:32], dref[5:]) for book in books] if config else []


def outline_of_row(dref: DRef, row: str) -> tuple[int, dict[RRef, int], str] | None:
    """Give bytes of a derivation and of each realization, and the latest end of a build.

    Returns:
        The time is text that sorts, empty if nobody knows; None if nobody read the config.
    """
    _, config, *books = row.split("\n")
    if config in ("", _UNREAD):
        return None
    total, newest, of = int(config[: config.index(" ")]), "", dref[5:]
    parts: dict[RRef, int] = {}
    for book in books:
        rhash, _, stop, size_bytes, _ = book.split(" ", 4)
        parts[_rref(rhash, of)] = int(size_bytes)
        if stop != _NONE:
            newest = max(newest, stop)
    return max(0, total) + sum(parts.values()), parts, newest


def lines_of_row(dref: DRef, row: str) -> list[Line] | None:
    """Give a derivation and its realizations as lines of a listing; None if the row lacks some."""
    _, config, *books = row.split("\n")
    if config in ("", _UNREAD):
        return None
    n_bytes, arrived_s, *deps = config.split(" ")
    if n_bytes == "-1":
        return None
    own = tuple([str.__new__(DRef, dep) for dep in deps])
    lines: list[Line] = [(dref, int(n_bytes), float(arrived_s), "", own)]
    of = dref[5:]
    for book in books:
        rhash, _, stop, n_bytes, arrived_s, *more = book.split(" ")
        needs: tuple[DRef | RRef, ...] = (dref,)
        if more:
            needs += tuple([str.__new__(RRef, need) for need in more])
        known = "" if stop == _NONE else stop
        lines.append((_rref(rhash, of), int(n_bytes), float(arrived_s), known, needs))
    return lines


def rrefs_in_context(dref: DRef, row: str, context: str) -> list[RRef]:
    """Give the realizations in a row that have a context, as `Book.context` has it."""
    found, of, mark = [], dref[5:], f" {context} "
    for line in row.split("\n")[2:]:
        if line.startswith(mark, 32):
            found.append(str.__new__(RRef, f"rref:{line[:32]}-{of}"))
    return found


# References in a row were references when it was written, and its checksum says that it was not
# changed: they are not parsed again.
def _book(dref: DRef, line: str) -> Book:
    rhash, context, stop, size_bytes, arrived_s, *needs = line.split(" ")
    return Book(
        _rref(rhash, dref[5:]),
        context,
        "" if stop == _NONE else stop,
        int(size_bytes),
        float(arrived_s),
        tuple([str.__new__(RRef, need) for need in needs]),
    )


def _rref(rhash: str, of: str) -> RRef:
    return str.__new__(RRef, f"rref:{rhash}-{of}")


def _config(line: str) -> ConfigFacts:
    size_bytes, arrived_s, *deps = line.split(" ")
    return ConfigFacts(
        int(size_bytes), float(arrived_s), tuple([str.__new__(DRef, dep) for dep in deps])
    )
