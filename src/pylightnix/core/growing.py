"""A mapping that grows by steps, each of which is a value.

Concept: versions of one structure that share what they have in common (Okasaki 1998); here only the
last version is added to as a rule, and a plain dictionary serves all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    K = TypeVar("K")
    V = TypeVar("V")


class Growing(Mapping["K", "V"]):
    """A mapping that never changes; `plus` gives a longer one and copies nothing.

    All versions keep their items in one dictionary, and each knows how many of these are its own.
    Only adding to a version that was added to before copies it.

    Args:
        items: what it starts with.
    """

    __slots__ = ("_items", "_size")

    def __init__(self, items: Mapping[K, V]) -> None:
        self._items: dict[K, tuple[int, V]] = {
            key: (place, item) for place, (key, item) in enumerate(items.items())
        }
        self._size = len(self._items)

    def plus(self, key: K, item: V) -> Growing[K, V]:
        """Give a mapping that has one item more, or another one under this key."""
        items = self._items
        if len(items) != self._size or key in items:
            return Growing({**self, key: item})
        items[key] = self._size, item
        longer: Growing[K, V] = Growing.__new__(Growing)
        longer._items, longer._size = items, self._size + 1
        return longer

    def __getitem__(self, key: K) -> V:
        place, item = self._items[key]
        if place >= self._size:
            raise KeyError(key)
        return item

    def __contains__(self, key: object) -> bool:
        found = self._items.get(key)  # type: ignore[arg-type]
        return found is not None and found[0] < self._size

    def __iter__(self) -> Iterator[K]:
        # A list: a later version may be added to while this one is walked.
        return iter(list(islice(self._items, self._size)))

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"Growing({dict(self)!r})"
