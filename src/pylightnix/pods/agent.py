"""The agent: what runs inside a pod, takes calls over a socket, and answers them.

It goes into a pod as one file, with the modules that it imports in front (see
`agentfile`), runs on the standard library of CPython 3.8 and later, and is never installed.
What user code prints goes where its standard output goes, which is a log and no part of answers.
"""

from __future__ import annotations

import _socket
import os
import sys
from collections import deque
from contextlib import suppress
from time import monotonic

from .channel import Channel, Incoming, Outgoing, packed
from .dialects import BSON, spoken
from .documents import decode, encode
from .offers import load, offered, shape
from .tongue import flatten, revive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Agent:
    """Serves one channel to its end; a stateful handle."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.functions: dict[str, Any] = {}
        self.waiting: deque[bytes] = deque()
        self.cancelled: set[int] = set()
        self.pid = os.getpid()
        self.looked = 0.0
        self.fresh = self.forking = False
        self.source = ""
        self.codec = channel.encode, channel.decode

    def serve(self) -> None:
        """Answer calls, each after the one before, until the other end closes."""
        while True:
            data = self.waiting.popleft() if self.waiting else self.channel.receive()
            if data is None:
                return
            if self.channel.buffer or self.waiting:
                self.look()
            doc = self.channel.decode(data)
            big = self.channel.beside(doc["b"]) if "b" in doc else None
            op = doc["op"]
            if op == "invoke":
                self.invoke(doc, big)
            elif op == "describe":
                self.answered(doc["id"], self.describe, doc)
                self.channel.encode, self.channel.decode = self.codec
            elif op == "folder":
                self.hand_out(doc["id"])
            elif op == "shutdown":
                return

    def look(self) -> None:
        """Take what has come meanwhile, and note which calls are not wanted any more."""
        now = monotonic()
        if now < self.looked + 0.001:
            return
        self.looked = now
        try:
            while self.channel.more(_socket.MSG_DONTWAIT):
                pass
        except OSError:
            pass
        while True:
            data = self.channel.taken()
            if data is None:
                return
            if b"cancel" in data[:64]:
                doc = self.channel.decode(data)
                if doc["op"] == "cancel":
                    self.cancelled.add(doc["id"])
                    continue
            self.waiting.append(data)

    def invoke(self, doc: dict[str, Any], big: Incoming | None) -> None:
        number = doc["id"]
        try:
            args = revive(doc["a"], big)
            kwargs = revive(doc["k"], big) if "k" in doc else {}
        except Exception as trouble:
            self.failed(number, trouble)
            return
        finally:
            if big is not None:
                big.close()
        if number in self.cancelled:
            self.cancelled.discard(number)
            self.say({"id": number, "op": "error", "type": "Cancelled", "text": "", "trace": ""})
        elif self.fresh:
            self.fork(number, doc["f"], args, kwargs)
        else:
            self.call(number, doc["f"], args, kwargs)

    def call(self, number: int, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        try:
            result = self.functions[name](*args, **kwargs)
            if hasattr(result, "send") and hasattr(result, "throw"):
                result = self.drive(number, result)
            big = Outgoing()
            answer = {"id": number, "op": "done", "v": flatten(result, big)}
            data = packed(self.channel.encode, answer, big)
        except BaseException as trouble:  # SystemExit and KeyboardInterrupt are answers too
            self.check_pid()
            self.failed(number, trouble)
            return
        self.check_pid()
        if big.parts:
            self.channel.share(big)
        self.channel.main.sendall(data)

    def drive(self, number: int, result: Any) -> Any:
        """Run a coroutine to its end, or send what a generator yields; others are results."""
        if hasattr(result, "cr_code"):
            import asyncio

            return asyncio.run(result)
        if not hasattr(result, "gi_code"):
            return result
        for item in result:
            self.look()
            if number in self.cancelled:
                self.cancelled.discard(number)
                result.close()
                break
            big = Outgoing()
            answer = {"id": number, "op": "out", "v": flatten(item, big)}
            data = packed(self.channel.encode, answer, big)
            if big.parts:
                self.channel.share(big)
            self.channel.main.sendall(data)
        return None

    def fork(self, number: int, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Make a call in a child of its own, and say so if it dies."""
        self.forking = True
        pid = os.fork()
        self.forking = False
        if pid == 0:
            status = 1
            try:
                self.pid = os.getpid()
                self.call(number, name, args, kwargs)
                flush()
                status = 0
            finally:
                os._exit(status)
        status = os.waitpid(pid, 0)[1]
        if status:
            code = -(status & 127) if status & 127 else status >> 8
            self.say({"id": number, "op": "error", "died": code})

    def check_pid(self) -> None:
        """End a child that user code forked and that came back as if it were us."""
        if os.getpid() != self.pid:
            os._exit(0)

    def after_fork(self) -> None:
        """In a child that user code forked: let go of the channel, so that our end is seen."""
        if not self.forking:
            self.channel.main.close()
            self.channel.side.close()

    def say(self, doc: dict[str, Any]) -> None:
        self.channel.main.sendall(self.channel.encode(doc))

    def hand_out(self, number: int) -> None:
        """Give the other end the working folder, as a descriptor."""
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.channel.hand(fd)
        os.close(fd)
        self.say({"id": number, "op": "done"})

    def answered(self, number: int, function: Any, doc: dict[str, Any]) -> None:
        try:
            answer = flatten(function(doc), None)
        except BaseException as trouble:
            self.failed(number, trouble)
            return
        self.say({"id": number, "op": "done", "v": answer})

    def failed(self, number: int, trouble: BaseException) -> None:
        """Answer with an exception: its type, its text, its traceback from the pod's source on."""
        import traceback

        trace = self.begun(trouble.__traceback__)
        try:
            text = str(trouble)
        except Exception:
            text = "(its text cannot be had)"
        lines = traceback.format_exception(type(trouble), trouble, trace)
        name = type(trouble).__qualname__
        if type(trouble).__module__ != "builtins":
            name = f"{type(trouble).__module__}.{name}"
        doc = {"id": number, "op": "error", "type": name, "text": text[:100_000]}
        doc["trace"] = "".join(lines)[-100_000:]
        self.say({key: _clean(item) for key, item in doc.items()})

    def begun(self, trace: Any) -> Any:
        """Leave out frames of ours, and of what we import and run the pod's source by."""
        theirs = trace
        while theirs is not None:
            if self.source and theirs.tb_frame.f_code.co_filename.startswith(f"{self.source}/"):
                return theirs
            theirs = theirs.tb_next
        ours = (__file__, "<frozen importlib.")  # by the latter a source that is no Python is read
        while trace is not None and trace.tb_frame.f_code.co_filename.startswith(ours):
            trace = trace.tb_next
        return trace

    def describe(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Import the pod's source, and tell what it offers."""
        self.fresh = doc["fresh"]
        self.source = doc["source"]
        module = load(doc["source"], doc["name"], doc["file"])
        self.functions = offered(module)
        about = {name: shape(function) for name, function in self.functions.items()}
        if not self.fresh:
            guard(self.channel)
        for codec in doc["codecs"]:
            agreed = spoken(codec, encode, decode)
            if agreed is not None:
                self.codec = agreed
                break
        else:
            codec = BSON
        return {"functions": about, "python": list(sys.version_info[:3]), "codec": codec}


def _clean(item: Any) -> Any:
    return item.encode("utf-8", "replace").decode() if type(item) is str else item


def flush() -> None:
    """Write what was printed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def guard(channel: Channel) -> None:
    """End this process when the other end goes, even while user code runs."""
    import _thread
    import select
    import signal

    poll = select.poll()
    poll.register(channel.side.fileno(), select.POLLHUP)

    def watch() -> None:
        while not any(event & select.POLLHUP for _, event in poll.poll()):
            pass
        os.killpg(0, signal.SIGKILL) if os.getpgrp() == os.getpid() else os._exit(1)

    _thread.start_new_thread(watch, ())


def main() -> None:
    """Serve the sockets whose numbers the command line gives."""
    fds = [int(word) for word in sys.argv[1:3]]
    for fd in fds:
        os.set_inheritable(fd, False)
    main_end, side_end = (_socket.socket(fileno=fd) for fd in fds)
    sys.argv[1:] = []
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    agent = Agent(Channel(main_end, side_end, encode, decode))
    os.register_at_fork(after_in_child=agent.after_fork)
    with suppress(ConnectionError, KeyboardInterrupt):
        agent.serve()
    flush()
    os._exit(0)


if __name__ == "__main__":
    main()
