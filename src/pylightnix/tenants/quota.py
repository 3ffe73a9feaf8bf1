"""What a tenant uses: all that its roots reach in the store, and its scratch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.core.value import value
from pylightnix.store.layout import Store
from pylightnix.store.query import config_of, context_of
from pylightnix.store.usage import size_of


@value
class Quota:
    """What a tenant uses and may have.

    Attributes:
        quota_bytes: what it may have; None for any number.
        parts: what is used, and by what: pairs of a text and bytes. What two roots reach is told
            of the first.
    """

    quota_bytes: int | None
    parts: tuple[tuple[str, int], ...]

    @property
    def used_bytes(self) -> int:
        """All that is used, in bytes."""
        return sum(count for _, count in self.parts)

    @property
    def left_bytes(self) -> int | None:
        """What may still come, in bytes; None for any number."""
        return None if self.quota_bytes is None else max(0, self.quota_bytes - self.used_bytes)


def reached(store: Store, roots: Mapping[str, DRef | RRef]) -> tuple[tuple[str, int], ...]:
    """Tell how many bytes of the store are reached from roots, shared with others or not.

    Args:
        store: where.
        roots: what each is for -> the root.

    Returns:
        Pairs of what it is for and bytes, in the order of `roots`.
    """
    seen: set[DRef | RRef] = set()
    return tuple((what, sum(_sizes(store, [ref], seen))) for what, ref in roots.items())


def _sizes(store: Store, todo: list[DRef | RRef], seen: set[DRef | RRef]) -> Iterable[int]:
    while todo:
        ref = todo.pop()
        if ref in seen:
            continue
        seen.add(ref)
        try:
            if isinstance(ref, RRef):
                dref = rref2dref(ref)
                yield size_of(store, dref)[1].get(ref, 0)
                todo.append(dref)
                todo += [needed for chosen in context_of(store, ref).values() for needed in chosen]
            else:
                whole, parts = size_of(store, ref)
                yield whole - sum(parts.values())
                todo += config_of(store, ref).deps
        except StoreError:
            continue  # what is not there takes no room
