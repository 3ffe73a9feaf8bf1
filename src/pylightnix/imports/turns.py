"""Whose turn it is to load a module, among threads that load at once."""

from __future__ import annotations

from threading import Condition, get_ident


class Turns:
    """Lets one thread load a module while others wait for it, and lets nobody wait in a ring.

    Two threads may begin at two ends of a circle of imports. As Python does, the one that would
    wait for ever goes on with a module that is half done.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._holders: dict[str, int] = {}
        self._waits: dict[int, str] = {}

    def taken(self, name: str) -> bool:
        """Tell whether somebody is loading it."""
        return name in self._holders

    def take(self, name: str) -> bool:
        """Wait until nobody loads it, and take it; False where waiting would never end."""
        me = get_ident()
        with self._changed:
            while name in self._holders:
                if self._waits_for(name, me):
                    return False
                self._waits[me] = name
                try:
                    self._changed.wait()
                finally:
                    del self._waits[me]
            self._holders[name] = me
            return True

    def give(self, name: str) -> None:
        """Say that it is loaded, or never will be."""
        with self._changed:
            del self._holders[name]
            self._changed.notify_all()

    def _waits_for(self, name: str, me: int) -> bool:
        """Tell whether whoever holds it waits, through others, for this thread."""
        while name in self._holders:
            holder = self._holders[name]
            if holder == me:
                return True
            if holder not in self._waits:
                return False
            name = self._waits[holder]
        return False
