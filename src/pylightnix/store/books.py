"""What is known of a derivation's folder, as values, and as rows of the index."""

from __future__ import annotations

from typing import Any

from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import value

from .machine import boot_id

# The identity of a folder of which nothing certain is known.
NOBODY = (0, 0, 0)


@value
class Book:
    """One whole realization.

    Attributes:
        context: digest of its derivation and context, see `context_key`.
        stop: when its build ended, as text that sorts; empty if nobody knows.
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
        durable: all of it is on the disk, whatever happens to the power.
    """

    identity: tuple[int, int, int]
    books: tuple[Book, ...]
    strange: tuple[RRef, ...] = ()
    config: ConfigFacts | None = None
    durable: bool = True


def encode_shelf(shelf: Shelf) -> list[object]:
    """Give a shelf as plain lists, for the index."""
    books = [
        [
            book.rref[5:37],
            book.context,
            book.stop,
            book.size_bytes,
            book.arrived_s,
            list(book.needs),
        ]
        for book in shelf.books
    ]
    facts = shelf.config
    config = None if facts is None else [facts.size_bytes, facts.arrived_s, list(facts.deps)]
    return [list(shelf.identity), config, books, shelf.durable, boot_id()]


def decode_shelf(dref: DRef, value: Any) -> Shelf:
    """Read what `encode_shelf` gave; raises ValueError, TypeError or LookupError if it did not."""
    identity, config, books, durable, boot = value
    if boot != boot_id():
        identity = NOBODY  # a power cut can take contents and leave names and times: look again
    new = str.__new__
    tail = dref[5:]
    return Shelf(
        tuple(identity),
        tuple(
            Book(
                new(RRef, f"rref:{rhash}-{tail}"),
                context,
                stop,
                size,
                arrived,
                tuple([new(RRef, need) for need in needs]),
            )
            for rhash, context, stop, size, arrived, needs in books
        ),
        config=None
        if config is None
        else ConfigFacts(config[0], config[1], tuple([new(DRef, dep) for dep in config[2]])),
        durable=bool(durable),
    )
