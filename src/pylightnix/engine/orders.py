"""Orders: what a worker is sent for one build, and how the code of a stage travels.

Only orders and answers travel; artifacts are in the store, which every worker reaches at the same
path. So a lost worker costs no more than what it was building.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pylightnix.core.errors import RealizeError
from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef
from pylightnix.store.layout import Store, log_path
from pylightnix.store.scratch import Scratch

from .events import Event
from .produce import Invoke, Workshop, produce
from .provenance import qualified
from .registry import Derivation


class CannotTravel(RealizeError):
    """The code of a stage can reach a worker neither by name nor by value."""

    def __init__(self, dref: str, realizer: str, cause: str) -> None:
        super().__init__(dref, realizer, cause)
        self.dref, self.realizer, self.cause = dref, realizer, cause

    def __str__(self) -> str:
        return (
            f"{self.dref} cannot be sent to a worker: {self.realizer} holds something that cannot "
            f"be copied to another process ({self.cause}). Make it at the start of the builder "
            "instead of keeping it in a variable, or realize with jobs=1"
        )


@dataclass(frozen=True, slots=True)
class Order:
    """One build.

    Attributes:
        store: where; its index stays at home.
        drv: what.
        context: with which realizations of the direct dependencies.
        force: even if something matches by now.
        args: the caller's arguments for the realizer.
        lock_timeout_s: how long to wait for another builder of the same.
        invoke: how the realizer is called.
        capture: whether the process is the order's own, so that all that is printed in it can go
            to the build's log.
    """

    store: Store
    drv: Derivation
    context: Mapping[DRef, Chosen]
    force: bool
    args: Mapping[str, Any]
    lock_timeout_s: float | None
    invoke: Invoke
    capture: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an order: the chosen realizations, and what happened meanwhile."""

    chosen: Chosen
    events: tuple[Event, ...]


def pack(order: Order) -> bytes:
    """Make bytes of an order: importable functions by name, others by value.

    Raises:
        CannotTravel: it holds what can be sent neither way.
    """
    import cloudpickle

    try:
        packed: bytes = cloudpickle.dumps(order)
    except Exception as error:
        raise CannotTravel(
            order.drv.dref, qualified(order.drv.realizer), f"{type(error).__name__}: {error}"
        ) from error
    return packed


def carry_out_packed(packed: bytes) -> Answer:
    """Carry out an order that travelled."""
    import pickle

    order: Order = pickle.loads(packed)  # noqa: S301 of our own coordinator
    return carry_out(order)


def carry_out(order: Order) -> Answer:
    """Build, or find what another worker has built by now; raises what `produce` raises."""
    events: list[Event] = []
    dref = order.drv.dref
    with _captured(order), Scratch(order.store) as scratch:
        shop = Workshop(
            order.store,
            scratch,
            frozenset((dref,)) if order.force else frozenset(),
            {dref: order.args},
            order.lock_timeout_s,
            events.append,
            order.invoke,
            captured=order.capture,
        )
        chosen = produce(shop, order.drv, order.context)
    return Answer(chosen, tuple(events))


@contextmanager
def _captured(order: Order) -> Iterator[None]:
    """Send what this process prints, and its children, to the build's log."""
    if not order.capture:
        yield
        return
    path = log_path(order.store, order.drv.dref)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
    for stream in (1, 2):
        os.dup2(fd, stream)
    os.close(fd)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
