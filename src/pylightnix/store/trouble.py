"""Trouble with the disk: which of it says nothing about a file, and how users are told of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import wraps

from pylightnix.core.errors import StoreError

from .fsys import read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")
# Out of descriptors or memory, or a server that went away: an object that cannot be read for such a
# reason is not damaged, and what cannot be looked at now must not be taken for absent.
_PASSING = frozenset(
    getattr(errno, name)
    for name in ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "EINTR", "ESTALE", "ETIMEDOUT")
)


def is_passing(error: OSError) -> bool:
    """Tell whether an error is of this moment, and not of the file that was looked at."""
    return error.errno in _PASSING


def status_of(path: str) -> os.stat_result | None:
    """Look at a path, not through a link; None if nothing is there that can be looked at.

    Raises:
        OSError: it cannot be told just now.
    """
    try:
        return os.lstat(path)
    except OSError as error:
        if is_passing(error):
            raise
        return None


def is_kind(path: str, kind: Callable[[int], bool]) -> bool:
    """Tell whether a path is of a kind, as `stat.S_ISDIR`; raises as `status_of`."""
    status = status_of(path)
    return status is not None and kind(status.st_mode)


def read_if_possible(path: str, end: bytes = b"") -> bytes | None:
    """Read a whole file, not through a link; None if there is none that can be read.

    What ends with `end` is whole.

    Raises:
        OSError: it cannot be told just now.
    """
    try:
        return read_bytes(path, end=end)
    except OSError as error:
        if is_passing(error):
            raise
        return None


def told(function: Callable[P, T]) -> Callable[P, T]:
    """Let a published function raise `StoreError` where the system refuses what the store needs."""

    @wraps(function)
    def telling(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except BrokenPipeError:
            raise  # of whoever reads our output, not of the store
        except OSError as error:
            raise StoreError(
                f"the system refused what the store needs: {error}. "
                "Mend it (free space? permissions? too many open files?) and try again"
            ) from error

    return telling
