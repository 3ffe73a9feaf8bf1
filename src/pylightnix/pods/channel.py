"""A channel: documents over a socket, and large buffers in shared memory beside it.

Part of the agent's file too. A buffer lies in a memfd that is sent over a second socket. Its first
byte says whether the reader still needs it, so that the writer may use it again. It is read, never
mapped: who maps what another process may truncate can be killed by it.
"""

from __future__ import annotations

import _socket
import fcntl
import os
from time import monotonic

from .tongue import Garbled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PAGE = 4096
_GET_SEALS = 1034  # fcntl.F_GET_SEALS, which 3.8 does not name
_STEP = 1 << 14  # bytes to receive at once: room for more takes the allocator longer than a call
_KEPT = 8  # shared buffers of a writer
_SOL_RIGHTS = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
LIMIT = 1 << 28  # bytes of one message


class TooLarge(ValueError):
    """A message of more bytes than are taken."""


class Outgoing:
    """Large buffers of a message that is being written."""

    __slots__ = ("parts", "size")

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.size = 0

    def add(self, data: Any) -> int:
        self.size += len(data)
        if self.size > LIMIT:
            raise TooLarge(f"more than {LIMIT} bytes in one message")
        self.parts.append(data)
        return len(self.parts) - 1


class Incoming:
    """Large buffers of a message that is being read."""

    __slots__ = ("fd", "spans")

    def __init__(self, fd: int, sizes: list[int]) -> None:
        # Only memory has seals: any other file could make whoever reads it wait.
        fcntl.fcntl(fd, _GET_SEALS)
        self.fd, self.spans, at = fd, [], _PAGE
        for size in sizes:
            if type(size) is not int or not 0 <= size <= LIMIT:
                raise Garbled("a buffer of no possible size")
            self.spans.append((at, size))
            at += size
        if at > LIMIT + _PAGE or os.fstat(fd).st_size < at:
            raise Garbled("buffers that are not there")

    def give(self, number: int, mutable: bool) -> Any:
        at, size = self.spans[number]
        if mutable:
            room = bytearray(size)
            if os.preadv(self.fd, [room], at) == size:
                return room
        else:
            data = os.pread(self.fd, size, at)
            if len(data) == size:
                return data
        raise Garbled("a buffer that was cut short")

    def close(self) -> None:
        """Tell the writer that it may use the memory again."""
        try:
            os.pwrite(self.fd, b"\0", 0)
        finally:
            os.close(self.fd)


def packed(encode: Any, doc: dict[str, Any], big: Outgoing) -> bytes:
    """Make the bytes of a message; its buffers go by `share` before them."""
    if big.parts:
        doc["b"] = [len(part) for part in big.parts]
    data: bytes = encode(doc)
    if len(data) > LIMIT:
        raise TooLarge(f"more than {LIMIT} bytes in one message")
    return data


class Channel:
    """One end; a stateful handle, for one thread at a time.

    Args:
        main: the socket for documents.
        side: the socket for shared memory.
        encode, decode: between documents and bytes.
    """

    def __init__(
        self,
        main: Any,
        side: Any,
        encode: Callable[[dict[str, Any]], bytes],
        decode: Callable[[bytes], dict[str, Any]],
    ) -> None:
        self.main, self.side = main, side
        self.encode, self.decode = encode, decode
        self.buffer, self.at = b"", 0
        self.deadline: float | None = None
        self._shared: list[int] = []

    def share(self, big: Outgoing) -> None:
        """Send the buffers of a message, before the message."""
        fd = self._memory()
        os.pwrite(fd, b"\1", 0)
        at = _PAGE
        for part in big.parts:
            left = memoryview(part)
            while left:
                done = os.pwrite(fd, left, at)
                at, left = at + done, left[done:]
        self.hand(fd)
        if fd not in self._shared:
            os.close(fd)

    def hand(self, fd: int) -> None:
        """Send a descriptor; the other end gets one of its own."""
        self.side.sendmsg([b"+"], [(*_SOL_RIGHTS, fd.to_bytes(4, "little"))])

    def _memory(self) -> int:
        for fd in self._shared:
            if os.pread(fd, 1, 0) == b"\0":
                return fd
        fd = os.memfd_create("pod", os.MFD_CLOEXEC)
        if len(self._shared) < _KEPT:
            self._shared.append(fd)
        return fd

    def taken(self) -> bytes | None:
        """Take the next whole message out of what was received, if there is one."""
        buffer, at = self.buffer, self.at
        left = len(buffer) - at
        if left < 4:
            return None
        size = int.from_bytes(buffer[at : at + 4], "little")
        if not 5 <= size <= LIMIT:
            raise Garbled("a message of no possible size")
        if left < size:
            return None
        if left == size:
            self.buffer, self.at = b"", 0
            return buffer[at:] if at else buffer
        self.at = at + size
        return buffer[at : at + size]

    def receive(self) -> bytes | None:
        """Wait for the next message; None at the end.

        Raises:
            TimeoutError: the deadline has passed (OSError of an older Python).
        """
        while True:
            data = self.taken()
            if data is not None:
                return data
            if not self.more():
                return None

    def more(self, flags: int = 0) -> bool:
        """Receive something; false at the end."""
        part = self._some(_STEP, flags)
        if not part:
            return False
        left = self.buffer[self.at :] if self.at else self.buffer
        self.buffer, self.at = left + part if left else part, 0
        size = int.from_bytes(self.buffer[:4], "little")
        if not flags and len(self.buffer) + _STEP < size <= LIMIT:
            return self._rest(size)
        return True

    def _rest(self, size: int) -> bool:
        """Collect a long message, without copying it again for each part."""
        parts, count = [self.buffer], len(self.buffer)
        while count < size:
            part = self._some(min(size - count, 1 << 20), 0)
            if not part:
                return False
            parts.append(part)
            count += len(part)
        self.buffer = b"".join(parts)
        return True

    def _some(self, count: int, flags: int) -> bytes:
        if self.deadline is not None:
            self.main.settimeout(max(0.001, self.deadline - monotonic()))
        data: bytes = self.main.recv(count, flags)
        return data

    def handed(self) -> int:
        """Take a descriptor that was sent."""
        try:
            _, control, _, _ = self.side.recvmsg(1, _socket.CMSG_SPACE(4), _socket.MSG_DONTWAIT)
            fd = int.from_bytes(control[0][2][:4], "little")
        except (OSError, IndexError):
            raise Garbled("buffers that did not come") from None
        os.set_inheritable(fd, False)
        return fd

    def beside(self, sizes: list[int]) -> Incoming:
        """Take the buffers of a message; they were sent before it, so nobody waits for them."""
        fd = self.handed()
        try:
            return Incoming(fd, sizes)
        except OSError:
            os.close(fd)
            raise Garbled("buffers that are not memory") from None
        except BaseException:
            os.close(fd)
            raise

    def close(self) -> None:
        for fd in self._shared:
            os.close(fd)
        self._shared.clear()
        self.main.close()
        self.side.close()
