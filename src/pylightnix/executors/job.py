"""What a child of the nursery does: take a call, make it, answer."""

from __future__ import annotations

import os
import pickle
import socket
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pylightnix.executors import frames


@dataclass(frozen=True, slots=True)
class Call:
    """A call that travels.

    Attributes:
        function: packed by cloudpickle, with its arguments.
        cwd: the coordinator's working folder.
        environ: the coordinator's environment.
    """

    function: bytes
    cwd: str
    environ: Mapping[str, str]


def do(link: socket.socket) -> None:
    """Make the call that comes over a socket, and answer: `(True, result)` or `(False, error)`."""
    frames.send(link, frames.PID, str(os.getpid()).encode())
    frame = frames.receive(link)
    if frame is None:
        return
    call: Call = pickle.loads(frame[1])  # noqa: S301 from our own coordinator
    os.environ.clear()
    os.environ.update(call.environ)
    os.chdir(call.cwd)
    frames.send(link, frames.ANSWER, _answered(call))


def _answered(call: Call) -> bytes:
    import cloudpickle

    error: BaseException | None = None
    result: object = None
    try:
        function: Callable[[], Any] = pickle.loads(call.function)  # noqa: S301
        result = function()
    except BaseException as raised:  # noqa: BLE001 whatever a stage raises is its answer
        error = raised
    try:
        packed: bytes = cloudpickle.dumps((error is None, result if error is None else error))
        pickle.loads(packed)  # noqa: S301 an error that cannot be unpacked would tell nothing
    except Exception:  # noqa: BLE001
        text = repr(result) if error is None else "".join(traceback.format_exception(error))
        packed = cloudpickle.dumps((False, RuntimeError(f"an answer that cannot travel: {text}")))
    return packed
