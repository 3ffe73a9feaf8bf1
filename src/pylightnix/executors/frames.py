"""Frames: how the coordinator, the nursery and its children talk. A kind, a length, and bytes."""

from __future__ import annotations

import socket
import struct

_HEAD = struct.Struct(">cQ")
READY, PID, EVENT, ANSWER, LAST, STATUS, SETUP, JOB = (bytes((letter,)) for letter in b"rpealswj")


def send(link: socket.socket, kind: bytes, body: bytes) -> None:
    """Send one frame, whole."""
    link.sendall(_HEAD.pack(kind, len(body)) + body)


def receive(link: socket.socket) -> tuple[bytes, bytes] | None:
    """Receive one frame: its kind and its body; None at the end, or if it was cut off."""
    head = _exactly(link, _HEAD.size)
    if head is None:
        return None
    kind, length = _HEAD.unpack(head)
    body = _exactly(link, length)
    return None if body is None else (kind, body)


def _exactly(link: socket.socket, count: int) -> bytes | None:
    parts: list[bytes] = []
    while count:
        try:
            part = link.recv(min(count, 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
