"""What a pod and its host may speak beside plain BSON; part of the agent's file too.

The host offers what it has, the agent takes the first that its environment has. BSON is always
understood: a message shows by its first bytes which it is, so that what msgpack cannot hold goes
as BSON.
"""

from __future__ import annotations

from .tongue import Garbled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Codec = tuple[Callable[[dict[str, Any]], bytes], Callable[[bytes], dict[str, Any]]]

MSGPACK, BSON = "msgpack", "bson"


def spoken(name: str, encode: Any, decode: Any) -> Codec | None:
    """Give how a dialect is written and read here; None if what is fast at it is not here.

    Args:
        name: `MSGPACK` or `BSON`; PyMongo's is meant, and not the package that has its name.
        encode: writes BSON, for what the dialect cannot hold.
        decode: reads it.
    """
    try:
        if name == MSGPACK:
            import msgpack

            fast = msgpack.version >= (1, 0, 0) and "cmsgpack" in msgpack.Packer.__module__
            return _with_msgpack(msgpack, encode, decode) if fast else None
        import bson

        return (bson.encode, bson.decode) if name == BSON and bson.has_c() else None
    except Exception:
        return None


def _with_msgpack(msgpack: Any, encode: Any, decode: Any) -> Codec:
    packb, unpackb = msgpack.packb, msgpack.unpackb

    def write(doc: dict[str, Any]) -> bytes:
        try:
            body: bytes = packb(doc)
        except ValueError:  # deeper than it goes
            data: bytes = encode(doc)
            return data
        return (len(body) + 4).to_bytes(4, "little") + body

    def read(data: bytes) -> dict[str, Any]:
        if data[4] & 0xF0 != 0x80:  # no small map of msgpack; no kind of an element of BSON is one
            found: dict[str, Any] = decode(data)
            return found
        try:
            doc: dict[str, Any] = unpackb(memoryview(data)[4:])
        except Exception as trouble:
            raise Garbled(f"{type(trouble).__name__}: {trouble}") from trouble
        return doc

    return write, read
