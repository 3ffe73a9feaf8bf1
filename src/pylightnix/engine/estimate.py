"""How long a build is going to take, judging by the past."""

from __future__ import annotations

from collections.abc import Iterable

from pylightnix.core.refs import DRef
from pylightnix.store.layout import Store
from pylightnix.store.namesakes import durations, namesakes


class Estimates:
    """Estimates for some derivations, a handle that looks at the store when it is first asked.

    Args:
        store: where the past is.
        drefs: which derivations it may be asked about.
    """

    __slots__ = ("_by_name", "_names", "_namesakes", "_store")

    def __init__(self, store: Store, drefs: Iterable[DRef]) -> None:
        self._store = store
        self._names = {str(dref[38:]) for dref in drefs}
        self._namesakes: dict[str, list[DRef]] | None = None
        self._by_name: dict[str, float | None] = {}

    def of(self, dref: DRef, *, built: bool) -> float | None:
        """Give seconds: the median of the last builds, or of those of the latest of its name.

        Args:
            dref: the derivation.
            built: whether the store has a realization of it.
        """
        own = _middle(durations(self._store, dref)) if built else None
        return self._of_namesakes(dref) if own is None else own

    def _of_namesakes(self, dref: DRef) -> float | None:
        name = str(dref[38:])
        if name not in self._by_name:
            if self._namesakes is None:
                self._namesakes = namesakes(self._store, self._names)
            others = (other for other in self._namesakes[name] if other != dref)
            past = (durations(self._store, other) for other in others)
            self._by_name[name] = next((_middle(times) for times in past if times), None)
        return self._by_name[name]


def _middle(times: list[float]) -> float | None:
    """The median, of an even number the later of both; the library for it is slow to import."""
    return sorted(times)[len(times) // 2] if times else None
