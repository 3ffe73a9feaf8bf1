"""Many calls on their way to one worker, which answers them in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from .worker import Job, Worker, result

WINDOW = 1 << 16  # bytes of calls on their way to a worker: they fit into a socket's buffer
NAP_S = 0.0003


class Order:
    """A call and the future that its answer goes to."""

    __slots__ = ("future", "items", "job")

    def __init__(self, job: Job, future: Future[Any] | None) -> None:
        self.job, self.future = job, future
        self.items: list[Any] | None = None


def conversation(
    worker: Worker, take: Callable[[], Order | None], flight: deque[Order]
) -> Iterator[tuple[Order, dict[str, Any]]]:
    """Keep a worker supplied, and give each call with its last answer, in order.

    Args:
        worker: claimed by this thread.
        take: gives the next call; None if there is none now.
        flight: gets the calls that are on their way.

    Raises:
        PodError: of the first call in `flight`; those behind it were not begun.
    """
    limit_s, on_way, held = worker.program.limit_s, 0, take()
    while True:
        parts: list[bytes] = []
        room = WINDOW // 2 if on_way < WINDOW // 4 else 0  # by and by: a send for each takes longer
        while held is not None and on_way < room and not (held.job.big.parts and flight):
            flight.append(held)
            on_way += len(held.job.data)
            if held.job.big.parts or on_way > WINDOW:
                worker.channel.main.sendall(b"".join(parts))
                parts.clear()
                worker.send(held.job)
            else:
                parts.append(held.job.data)
            held = take()
        if not flight:
            return
        head = flight[0]
        try:
            if parts:
                worker.channel.main.sendall(b"".join(parts))
            worker.allow(limit_s)
            if on_way > WINDOW // 8 and not worker.channel.buffer:
                # Whoever waits is woken for each answer, which takes the pod longer than the call.
                time.sleep(NAP_S)
            doc = worker.answer(head.job.number)
        except BaseException as error:
            raise worker.failed(head.job.function, error) from error
        if doc["op"] == "out":
            head.items = head.items or []
            head.items.append(doc.get("v"))
            continue
        flight.popleft()
        on_way -= len(head.job.data)
        yield head, doc
        if held is None:
            held = take()


def value_of(worker: Worker, order: Order, doc: dict[str, Any]) -> Any:
    """Give the value of a call's last answer, or raise what it says."""
    value = result(worker, order.job.function, doc)
    return value if order.items is None else order.items


def settle(order: Order, value: Any) -> None:
    """Give a call's future its value."""
    if order.future is not None:
        order.future.set_result(value)


def fail(order: Order, error: BaseException) -> None:
    """Give a call's future its error, unless it was cancelled meanwhile."""
    future = order.future
    if future is not None and not future.done():
        if not future.running():
            future.set_running_or_notify_cancel()
        future.set_exception(error)
