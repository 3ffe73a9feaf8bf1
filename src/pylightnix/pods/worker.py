"""A worker: one process of a pod, the channel to it, and calls made one at a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from .channel import Channel, Incoming, Outgoing, packed
from .codec import codec
from .dialects import BSON, MSGPACK, spoken
from .failures import PodTimeout, RemoteError, RemoteTraceback, WorkerDied
from .process import Program, started
from .tongue import Garbled, flatten, revive

_START_LIMIT_S = 60.0


class Job:
    """A call that is ready to be sent, to any worker.

    Attributes:
        number: by which its answers are known.
        function: its name.
        data: the message.
        big: the buffers that go before it.
    """

    # No frozen value, which takes three times as long to make: one for each of many calls.
    __slots__ = ("big", "data", "function", "number")

    def __init__(self, number: int, function: str, data: bytes, big: Outgoing) -> None:
        self.number, self.function, self.data, self.big = number, function, data, big


def written(encode: Any, number: int, function: str, args: Any, kwargs: Any) -> Job:
    """Write a call as bytes.

    Raises:
        CannotCross, TooLarge: an argument cannot be sent.
    """
    big = Outgoing()
    doc = {"id": number, "op": "invoke", "f": function, "a": flatten(list(args), big)}
    if kwargs:
        doc["k"] = flatten(kwargs, big)
    return Job(number, function, packed(encode, doc, big), big)


class Died(Exception):
    """The worker is gone, or must go; for whoever knows what was being called."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Worker:
    """A process of a pod; a stateful handle, for one thread at a time (`kill` from any)."""

    def __init__(self, program: Program, prepare: Callable[[int], object] | None = None) -> None:
        """Start it; `prepare` gets its working folder, open, before any code of the pod runs."""
        self.program = program
        encode, decode = codec()
        ends = [socket.socketpair() for _ in range(2)]
        try:
            self.process = started(program, [theirs.fileno() for _, theirs in ends])
        except BaseException:
            for ours, _ in ends:
                ours.close()
            raise
        finally:
            for _, theirs in ends:
                theirs.close()
        self.channel = Channel(ends[0][0], ends[1][0], encode, decode)
        self.msgpack = spoken(MSGPACK, encode, decode)
        if prepare is not None:
            try:
                prepare(self._folder())
            except BaseException:
                self.kill()
                raise
        doc = {"id": 0, "op": "describe", "source": program.source, "name": program.name}
        doc |= {"file": program.file, "fresh": program.fresh}
        doc |= {"codecs": [MSGPACK, BSON] if self.msgpack else [BSON]}
        with suppress(OSError):  # if it is gone already, whoever waits for the answer sees it
            self.channel.main.sendall(encode(doc))

    def _folder(self) -> int:
        """Ask for the folder that the process works in."""
        try:
            self.allow(_START_LIMIT_S)
            with suppress(OSError):
                self.channel.main.sendall(self.channel.encode({"id": 0, "op": "folder"}))
            self.answer(0)
            return self.channel.handed()
        except BaseException as error:
            raise self.failed("start", error) from error

    def send(self, job: Job) -> None:
        """Send a call, whole; only where nothing else is on its way.

        Raises:
            Died: nobody takes it.
        """
        try:
            if job.big.parts:
                self.channel.share(job.big)
            self.channel.main.sendall(job.data)
        except TimeoutError:
            raise
        except OSError as error:
            raise Died(str(error)) from error

    def receive(self) -> dict[str, Any]:
        """Wait for what the pod says next, its value made.

        Raises:
            Died: it is gone, or says what no agent says.
            TimeoutError: the deadline has passed.
        """
        big: Incoming | None = None
        try:
            data = self.channel.receive()
            if data is None:
                raise Died("")
            doc = self.channel.decode(data)
            if "b" in doc:
                big = self.channel.beside(doc["b"])
            if "v" in doc:
                doc["v"] = revive(doc["v"], big)
            return doc
        except TimeoutError:
            raise
        except OSError as error:
            raise Died(str(error)) from error
        except (Garbled, RecursionError, MemoryError, TypeError) as error:
            raise Died(f"it sent what no agent sends: {error}") from error
        finally:
            if big is not None:
                big.close()

    def answer(self, number: int) -> dict[str, Any]:
        """Wait for the next answer to a call.

        Raises:
            Died: as `receive`, or it is the answer to another one.
        """
        doc = self.receive()
        if doc.get("id") != number or doc.get("op") not in ("out", "done", "error"):
            raise Died("it answered what nobody had asked")
        return doc

    def describe(self, limit_s: float | None) -> dict[str, Any]:
        """Wait for what the pod offers; asked for when it was started. Agrees on what is spoken."""
        what = f"import of {self.program.file}"
        try:
            self.allow(limit_s)
            told: dict[str, Any] = result(self, what, self.answer(0))
            if self.msgpack is not None and told.get("codec") == MSGPACK:
                self.channel.encode, self.channel.decode = self.msgpack
            return told
        except BaseException as error:
            raise self.failed(what, error) from error

    def call(self, job: Job) -> Any:
        """Make a call that gives one value."""
        try:
            self.allow(self.program.limit_s)
            self.send(job)
            doc = self.answer(job.number)
            while doc["op"] == "out":
                doc = self.answer(job.number)
        except BaseException as error:
            raise self.failed(job.function, error) from error
        return result(self, job.function, doc)

    def stream(self, job: Job) -> Iterator[Any]:
        """Make a call that gives values until it ends; whoever stops early has it cancelled."""
        done = False
        try:
            self.allow(self.program.limit_s)
            self.send(job)
            while True:
                doc = self.answer(job.number)
                if doc["op"] != "out":
                    done = True
                    break
                yield doc.get("v")
                self.allow(self.program.limit_s)
        except GeneratorExit:
            done = self.drain(job)
            raise
        except BaseException as error:
            raise self.failed(job.function, error) from error
        finally:
            if not done and not self.dead:
                self.kill()
        result(self, job.function, doc)

    def drain(self, job: Job) -> bool:
        """Cancel a stream, and read what is still on its way; false if that fails."""
        try:
            self.channel.main.sendall(self.channel.encode({"id": job.number, "op": "cancel"}))
            while self.answer(job.number)["op"] == "out":
                pass
            return True
        except (Died, OSError):
            return False

    def allow(self, limit_s: float | None) -> None:
        """Set the time until which it must have answered."""
        if limit_s is not None:
            self.channel.deadline = time.monotonic() + limit_s
        elif self.channel.deadline is not None:
            self.channel.deadline = None
            self.channel.main.settimeout(None)

    def failed(self, function: str, error: BaseException) -> BaseException:
        """End the process, and give the error that says what became of a call."""
        if isinstance(error, (RemoteError, WorkerDied)):
            return error
        if isinstance(error, Died):
            return self.died(function, error.cause)
        self.kill()
        if isinstance(error, TimeoutError):
            return PodTimeout(function, self.program.limit_s or 0.0)
        return error

    def died(self, function: str, cause: str) -> WorkerDied:
        """End what is left of the process, and tell how it went."""
        status: int | None = None
        if not cause.startswith("it "):  # its end is seen on the channel before it has ended
            status, why = self.process.ended(2.0)
            cause = why or cause
        self.kill()
        return WorkerDied(function, status, cause, self.program.log)

    @property
    def dead(self) -> bool:
        """Whether it was killed, by us."""
        gone: bool = self.channel.main.fileno() < 0
        return gone

    def stop(self) -> None:
        """End it from another thread; the one that talks to it finds it gone."""
        self.process.kill()

    def kill(self) -> None:
        """End it and all that it started; again does nothing."""
        self.process.kill()
        self.channel.close()

    def close(self) -> None:
        """Ask it to end, and end it."""
        with suppress(OSError):
            self.channel.main.sendall(self.channel.encode({"id": 0, "op": "shutdown"}))
            self.process.ended(0.2)
        self.kill()


def result(worker: Worker, function: str, doc: dict[str, Any]) -> Any:
    """Give the value of a last answer, or raise what it says."""
    if doc["op"] == "done":
        return doc.get("v")
    if "died" in doc:
        status = doc["died"]
        status = status if isinstance(status, int) else None
        raise WorkerDied(function, status, "the process forked for it", worker.program.log)
    text, trace = str(doc.get("text")), str(doc.get("trace"))
    raise RemoteError(str(doc.get("type")), text, trace, function) from RemoteTraceback(trace)
