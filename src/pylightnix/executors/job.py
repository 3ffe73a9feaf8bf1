"""What a child of the nursery does: take a call, make it, answer."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import traceback
from collections.abc import Callable
from types import NoneType
from typing import Any

from pylightnix.core.value import value
from pylightnix.engine.travel import PackedError

from . import frames


@value
class Call:
    """A call that travels.

    Attributes:
        function: packed by cloudpickle, with its arguments.
        cwd: the coordinator's working folder; None if it has lost it.
        tells: whether the function takes one more argument, through which it tells what happens.
    """

    function: bytes
    cwd: str | None
    tells: bool = False


@value
class Setup:
    """What the nursery has to know before the first job.

    Attributes:
        path: where the coordinator finds modules.
        modules: of this library, which the coordinator has loaded: every job is going to need
            them.
        reuse: whether a child makes one call after the other.
    """

    path: list[str]
    modules: list[str]
    reuse: bool = True


def _teller(link: socket.socket) -> Callable[[object], None]:
    """Make what a job tells its coordinator by: whole frames only, and of this process only."""
    lock, ours = threading.Lock(), os.getpid()

    def tell(event: object) -> None:
        if os.getpid() == ours:  # the frames of a fork would get between ours
            with lock:
                frames.send(link, frames.EVENT, pickle.dumps(event))

    return tell


def answered(call: Call, link: socket.socket) -> tuple[bool, bytes]:
    """Make a call.

    Returns:
        Whether it did what it should, and the answer: `(True, result)` or `(False, error)`, packed.
    """
    try:
        if call.cwd is not None:
            os.chdir(call.cwd)
        function: Callable[..., Any] = pickle.loads(call.function)  # noqa: S301 our own coordinator
        result = function(_teller(link)) if call.tells else function()
    except BaseException as error:  # whatever a call raises is its answer
        return False, _packed_error(error)
    try:
        return not isinstance(result, PackedError), _packed(True, result)
    except Exception as error:
        return False, _mute(f"{result!r:.200}: {error}")


def _packed_error(error: BaseException) -> bytes:
    try:
        packed = _packed(False, error)
        pickle.loads(packed)  # noqa: S301 an error that cannot be unpacked would tell nothing
        return packed
    except Exception:
        return _mute("".join(traceback.format_exception(error)))


def _mute(text: str) -> bytes:
    return _packed(False, RuntimeError(f"an answer that cannot travel: {text}"))


def _packed(worked: bool, value: object) -> bytes:
    if type(value) in (bytes, NoneType, PackedError):
        return pickle.dumps((worked, value))
    import cloudpickle

    packed: bytes = cloudpickle.dumps((worked, value))
    return packed
