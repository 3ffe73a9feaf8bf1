"""A listing of the whole store as the collector wants it: sizes, ages, and who needs whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pylightnix.core.reclaim import Ref, Stock
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import value

from .books import Shelf, lines_of_row
from .layout import Store, drv_path, rref_path
from .shelf import facts_of, shelf_of
from .survey import survey
from .trouble import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .books import Line

Score = Callable[[str], float | None]


@value
class Census:
    """The whole store.

    Attributes:
        stock: every object, the remains of interrupted copies included.
        unsure: derivations in whose folders there may be other things as well.
    """

    stock: Stock
    unsure: Sequence[DRef]


def census(store: Store, score: Score | None = None) -> Census:
    """List everything.

    Args:
        store: where.
        score: given the folder of a realization, the number that it is judged by.
    """
    needs: dict[Ref, tuple[Ref, ...]] = {}
    size_bytes: dict[Ref, int] = {}
    arrived: dict[Ref, float] = {}
    stops: dict[Ref, str] = {}
    remains: set[Ref] = set()
    unsure: list[DRef] = []
    for dref, known in survey(store, configs=True):
        lines = lines_of_row(dref, known) if isinstance(known, str) else None
        if lines is None:
            shelf = known if isinstance(known, Shelf) else shelf_of(store, dref)
            lines = [] if shelf is None else _lines(store, dref, shelf, remains)
            # Whoever read the config has listed the folder, too.
            if shelf is None or shelf.config is None or not shelf.tidy:
                unsure.append(dref)
        for ref, n_bytes, arrived_s, stop, needed in lines:
            needs[ref], size_bytes[ref], arrived[ref] = needed, n_bytes, arrived_s
            stops[ref] = stop
    scores = {} if score is None else _scores(store, score, needs.keys() - remains)
    return Census(Stock(needs, size_bytes, arrived, stops, remains, scores), unsure)


def _lines(store: Store, dref: DRef, shelf: Shelf, remains: set[Ref]) -> list[Line]:
    """List a shelf; adds to `remains` what is not whole."""
    facts = facts_of(store, dref, shelf)
    arrived_s = facts.arrived_s
    if facts.size_bytes < 0:
        arrived_s = _ctime(drv_path(store, dref))
        remains.add(dref)
    lines: list[Line] = [(dref, max(0, facts.size_bytes), arrived_s, "", facts.deps)]
    for book in shelf.books:
        needs: tuple[Ref, ...] = (dref, *book.needs)
        lines.append((book.rref, book.size_bytes, book.arrived_s, book.stop, needs))
    for rref in shelf.strange:
        lines.append((rref, 0, _ctime(rref_path(store, rref)), "", (dref,)))
    remains.update(shelf.strange)
    return lines


def _scores(store: Store, score: Score, refs: Iterable[Ref]) -> dict[Ref, float]:
    judged = {ref: score(rref_path(store, ref)) for ref in refs if isinstance(ref, RRef)}
    return {ref: found for ref, found in judged.items() if found is not None}


def _ctime(path: str) -> float:
    status = status_of(path)
    return 0.0 if status is None else status.st_ctime
