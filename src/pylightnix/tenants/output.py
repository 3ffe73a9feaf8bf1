"""What a run prints: read from a pipe, written to its log as far as that may grow, handed on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress

from .records import LOG_BYTES

Listener = Callable[[str, bytes], object]
_CUT = b"\n[the log is full: what follows is not kept]\n"


class Output:
    """A pipe, and a thread that reads it; a stateful handle.

    The run holds a pipe and not its log: with a file it could change what it has said.

    Args:
        run: identifies the run.
        log: path of its log.
        listener: called with the run and each piece, as it comes; what it raises is passed over.

    Attributes:
        theirs: the descriptor to print to; close it when the run has it.
    """

    def __init__(self, run: str, log: str, listener: Listener | None) -> None:
        self._run, self._listener = run, listener
        self._ours, self.theirs = os.pipe2(os.O_CLOEXEC)
        try:
            self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except BaseException:
            os.close(self._ours)
            os.close(self.theirs)
            raise
        self._left = LOG_BYTES
        self._thread = threading.Thread(target=self._read, name=f"output-{run}", daemon=True)
        self._thread.start()

    def tell(self, piece: bytes) -> None:
        """Tell who listens; the run goes on whatever becomes of that."""
        if self._listener is not None:
            with suppress(Exception):
                self._listener(self._run, piece)

    def started(self) -> None:
        """Let go of the run's end: only the run holds it now."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def close(self) -> None:
        """Wait for the rest; the run must have ended."""
        self.started()
        self._thread.join()

    def _read(self) -> None:
        try:
            while piece := os.read(self._ours, 1 << 16):
                self._keep(piece)
                self.tell(piece)
        finally:
            os.close(self._ours)
            os.close(self._log)

    def _keep(self, piece: bytes) -> None:
        if not self._left:
            return
        kept = piece[: self._left]
        self._left -= len(kept)
        if not self._left:
            kept += _CUT
        with suppress(OSError):  # a full disk must not stop the run
            while kept:
                kept = kept[os.write(self._log, kept) :]
