"""The scratch of one run: filled from the tenant's, and taken over when the run has ended.

It is a folder in memory that holds what the tenant's scratch holds and as much as the tenant may
still have: the kernel refuses what is more, while it is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from . import scratch
from .place import Place, counted, locked, quota
from .refusals import NoTenant, QuotaExceeded
from .scratch import Entry, Listing


class Workspace:
    """The scratch of a run; a stateful handle.

    Args:
        place: of the tenant.
        quota_bytes: what the tenant may have.
    """

    def __init__(self, place: Place, quota_bytes: int | None) -> None:
        self._place, self._quota_bytes = place, quota_bytes
        self._kept = self._before = Listing({}, 0)
        self._fd = -1

    @contextmanager
    def opened(self) -> Iterator[tuple[int, int]]:
        """Look at the tenant's scratch, which nobody changes meanwhile.

        Returns:
            A descriptor of it, for `fill`; and the bytes that a folder for a run has to hold.
        """
        with locked(self._place, shared=True), scratch.folder(self._place.scratch) as fd:
            self._kept = counted(self._place, self._quota_bytes, fd)
            left = quota(self._place, self._quota_bytes).left_bytes
            # What is in memory must leave some to others, whatever a quota says.
            most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
            left = min(most, most if left is None else left)
            room = self._kept.room_bytes + left // scratch.PAGE * scratch.PAGE
            yield fd, max(room, scratch.PAGE)

    def fill(self, kept: int, folder: int) -> None:
        """Give a run what the tenant's scratch holds, before any of its code is there.

        Args:
            kept: as `opened` gave it.
            folder: the run's, open; it is closed by `close`.
        """
        self._fd = folder
        scratch.copied(kept, self._kept.entries, folder)
        self._before = scratch.listing(folder)

    def is_current(self) -> bool:
        """Tell whether the tenant's scratch is what it was."""
        with locked(self._place, shared=True), scratch.folder(self._place.scratch) as fd:
            return counted(self._place, self._quota_bytes, fd) == self._kept

    def is_full(self) -> bool:
        """Tell whether nothing more could be written."""
        return self._fd >= 0 and os.fstatvfs(self._fd).f_bavail == 0

    def take_over(self, *, full: bool) -> None:
        """Bring what a run changed to the tenant's scratch; nothing of it, if it is too much.

        Args:
            full: whether the run ended because it could not write.

        Raises:
            QuotaExceeded: the tenant would have too much.
        """
        if self._fd < 0:
            return
        try:
            after = scratch.listing(self._fd)
        except scratch.TooMuch as error:
            raise self._refused(f"to leave {error} in scratch") from None
        come, gone = scratch.difference(self._before, after)
        if full:
            raise self._refused("a write to scratch", after.bytes - self._before.bytes)
        if come or gone:
            # A tenant that was deleted meanwhile has no scratch.
            with (
                suppress(NoTenant),
                locked(self._place),
                scratch.folder(self._place.scratch) as fd,
            ):
                now = counted(self._place, self._quota_bytes, fd)
                self._require_room(now, come, gone)
                scratch.dropped(fd, gone)
                scratch.copied(self._fd, come, fd)

    def close(self) -> None:
        """Let go of the run's folder, which then is gone."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _require_room(self, now: Listing, come: dict[str, Entry], gone: list[str]) -> None:
        """Look once more, as other runs may have ended meanwhile."""
        left = set(gone)
        then = {path: one for path, one in now.entries.items() if path not in left} | come
        if len(then) > scratch.MOST_ENTRIES:
            raise self._refused(f"to leave more than {scratch.MOST_ENTRIES:,} files in scratch")
        more = Listing(then, 0).bytes - now.bytes
        room = quota(self._place, self._quota_bytes).left_bytes
        if more > 0 and room is not None and more > room:
            raise self._refused("what a run wrote to scratch", more)

    def _refused(self, wanted: str, more: int = 0) -> QuotaExceeded:
        used = quota(self._place, self._quota_bytes)
        parts = (*used.parts, *([("what the run wrote", more)] if more else []))
        return QuotaExceeded(self._place.name, used.quota_bytes, parts, wanted)
