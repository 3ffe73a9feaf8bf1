"""What a realizer is told beside its derivation: the caller's arguments, where, as which one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from pylightnix.core.config import Config

from .listening import ignore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import Listener


class RealizeArg(Mapping[str, "Any"]):
    """The caller's `realize_args` for one derivation, as a read-only mapping. They are not hashed.

    Attributes:
        config: of the derivation.
        rindex: which build of a series this is, from 0.
        folder: names a new scratch folder on the store's file system; made on first use.
        logged: whether anybody asked for the log.
        emit: where events go.
        hashes: of files that the builder hashed while it wrote them; see `freeze_tree`.
    """

    __slots__ = ("_log", "_values", "config", "emit", "folder", "hashes", "logged", "rindex")

    def __init__(
        self,
        values: Mapping[str, Any],
        config: Config,
        folder: Callable[[], str],
        *,
        log: str,
        rindex: int = 0,
        emit: Listener = ignore,
    ) -> None:
        self._values = dict(values)
        self.config = config
        self.folder, self.rindex, self.emit = folder, rindex, emit
        self._log, self.logged = log, False
        self.hashes: dict[int, tuple[int, int, str]] = {}

    @property
    def log(self) -> str:
        """Path of the build's log; not there until something is written to it."""
        if not self.logged:
            self.logged = True
            with suppress(FileNotFoundError):
                os.unlink(self._log)  # of an earlier build
        return self._log

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"RealizeArg({self._values!r}, rindex={self.rindex})"
