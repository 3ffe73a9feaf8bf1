"""Orders: what a worker is sent for one build, and what it answers.

Only orders and answers travel; artifacts are in the store, which every worker reaches at the same
path. So a lost worker costs no more than what it was building.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Mapping
from typing import Any

from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef
from pylightnix.core.value import changed, value
from pylightnix.store.layout import Store
from pylightnix.store.lock import this_process
from pylightnix.store.scratch import Scratch

from .capture import captured
from .events import Event, Listener
from .produce import produce
from .registry import Derivation
from .travel import OtherCode, Packer, Trouble, origin, packed_error, remade, unpacked_error
from .workshop import Invoke, Workshop


@value
class Order:
    """One build.

    Attributes:
        store: where; its index stays at home.
        dref: what.
        drv: what exactly; None if the worker makes it again by the recipe.
        recipe: packed; empty if there is none.
        context: with which realizations of the direct dependencies.
        force: even if something matches by now.
        args: the caller's arguments for the realizer.
        lock_timeout_s: how long to wait for another builder of the same.
        invoke: how the realizer is called.
        capture: see `Crew`.
        sender: the coordinator.
    """

    store: Store
    dref: DRef
    drv: Derivation | None
    recipe: bytes
    context: Mapping[DRef, Chosen]
    force: bool
    args: Mapping[str, Any]
    lock_timeout_s: float | None
    invoke: Invoke
    capture: bool | None
    sender: str


@value
class Answer:
    """What came of an order: the chosen realizations, and what happened meanwhile."""

    chosen: Chosen
    events: tuple[Event, ...]


def packed_order(packer: Packer, order: Order, drv: Derivation) -> bytes:
    """Pack an order, with the derivation itself only if there is no recipe for it.

    Raises:
        CannotTravel: it holds what can be sent neither by name nor by value.
    """
    body = packer.pack(order if order.recipe else changed(order, drv=drv), drv)
    stage = packer.stage if order.recipe else str(getattr(drv.realizer, "__module__", "?"))
    return pickle.dumps((stage, origin(stage), body))


def carry_out_packed(dref: DRef, packed: bytes, tell: Listener | None = None) -> bytes:
    """Carry out an order that travelled.

    Args:
        dref: which one it is of.
        packed: the order.
        tell: given events as they happen; otherwise they are part of the answer.

    Returns:
        An `Answer` or an error, packed.
    """
    try:
        return pickle.dumps(carry_out(*_unpacked(dref, packed), tell))
    except Exception as error:
        return packed_error(error)


def read_answer(packed: bytes) -> Answer:
    """Give the answer, or raise the error, that came of an order."""
    answer: Answer | Trouble = pickle.loads(packed)  # noqa: S301 of our own worker
    if isinstance(answer, Trouble):
        raise unpacked_error(answer)
    return answer


def _unpacked(dref: DRef, packed: bytes) -> tuple[Order, Derivation]:
    """Unpack an order, and find or make its derivation.

    Raises:
        OtherCode: this worker lacks a module, or its stages make other derivations.
    """
    stage, ours, body = pickle.loads(packed)  # noqa: S301 of our own coordinator
    try:
        order: Order = pickle.loads(body)  # noqa: S301 likewise
        if order.drv is not None:
            return order, order.drv
        made = remade(order.recipe, order.store)
    except Exception as error:
        what = f"{origin(stage)}: it fails with {type(error).__name__}: {error}"
        raise OtherCode(dref, stage, ours, what) from error
    if dref in made:
        return order, made[dref]
    like = [other for other in made if other[38:] == dref[38:]] or list(made)
    what = f"{origin(stage)}: it makes {', '.join(like[:5]) or 'nothing'} instead"
    raise OtherCode(dref, stage, ours, what)


def carry_out(order: Order, drv: Derivation, tell: Listener | None = None) -> Answer:
    """Build, or find what another worker has built by now; raises what `produce` raises."""
    events: list[Event] = []
    capture = order.capture
    if capture is None:
        capture = threading.current_thread() is threading.main_thread()
    capture = capture and this_process() != order.sender
    with Scratch(order.store, order.dref) as scratch:
        shop = Workshop(
            order.store,
            scratch,
            force=frozenset((order.dref,)) if order.force else frozenset(),
            args={order.dref: order.args},
            lock_timeout_s=order.lock_timeout_s,
            emit=tell or events.append,
            invoke=order.invoke,
            capture=captured if capture else None,
        )
        chosen = produce(shop, drv, order.context)
    return Answer(chosen, tuple(events))
