"""BSON in plain Python, for pods whose environment has no PyMongo; part of the agent's file too."""

from __future__ import annotations

from struct import Struct

from .tongue import Garbled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_I32, _I64, _F64 = Struct("<i"), Struct("<q"), Struct("<d")
_INDEX = [b"%d\0" % i for i in range(1000)]


def encode(doc: dict[str, Any]) -> bytes:
    """Encode a document; of values that `flatten` gives."""
    parts: list[bytes] = []
    for key, item in doc.items():
        _element(parts, key.encode() + b"\0", item)
    body = b"".join(parts)
    return _I32.pack(len(body) + 5) + body + b"\0"


def _element(parts: list[bytes], key: bytes, x: Any) -> None:
    t = type(x)
    if t is int:
        if -(1 << 31) <= x < 1 << 31:
            parts.append(b"\x10" + key + _I32.pack(x))
        else:
            parts.append(b"\x12" + key + _I64.pack(x))
    elif t is str:
        text = x.encode()
        parts.append(b"\x02" + key + _I32.pack(len(text) + 1) + text + b"\0")
    elif t is dict:
        parts.append(b"\x03" + key + encode(x))
    elif t is list:
        parts.append(b"\x04" + key + _array(x))
    elif x is None:
        parts.append(b"\x0a" + key)
    elif t is float:
        parts.append(b"\x01" + key + _F64.pack(x))
    elif t is bool:
        parts.append(b"\x08" + key + (b"\1" if x else b"\0"))
    elif t is bytes:
        parts.append(b"\x05" + key + _I32.pack(len(x)) + b"\0" + x)
    else:
        raise TypeError(f"no BSON for {t}")


def _array(items: list[Any]) -> bytes:
    parts: list[bytes] = []
    for number, item in enumerate(items):
        _element(parts, _INDEX[number] if number < 1000 else b"%d\0" % number, item)
    body = b"".join(parts)
    return _I32.pack(len(body) + 5) + body + b"\0"


def decode(data: bytes) -> dict[str, Any]:
    """Decode one document.

    Raises:
        Garbled: it is none, or holds a type that is not spoken here.
    """
    try:
        doc, end = _document(data, 0)
    except Garbled:
        raise
    except Exception as trouble:
        raise Garbled(f"{type(trouble).__name__}: {trouble}") from trouble
    if end != len(data):
        raise Garbled("bytes after a document")
    return doc


def _document(data: bytes, i: int) -> tuple[dict[str, Any], int]:
    end = i + _I32.unpack_from(data, i)[0] - 1
    i += 4
    doc: dict[str, Any] = {}
    while i < end:
        stop = data.index(0, i + 1)
        kind, key = data[i], data[i + 1 : stop].decode()
        i = stop + 1
        if kind == 0x10:  # small numbers and texts are most of what there is: no call for them
            doc[key] = _I32.unpack_from(data, i)[0]
            i += 4
        elif kind == 0x02:
            size = _I32.unpack_from(data, i)[0]
            if size < 1:
                raise Garbled("a text of no length")
            doc[key] = data[i + 4 : i + 3 + size].decode()
            i += 4 + size
        else:
            doc[key], i = _value(data, kind, i)
    return doc, _closed(data, i, end)


def _sequence(data: bytes, i: int) -> tuple[list[Any], int]:
    end = i + _I32.unpack_from(data, i)[0] - 1
    i += 4
    items: list[Any] = []
    while i < end:
        stop = data.index(0, i + 1) + 1
        if data[i] == 0x10:
            items.append(_I32.unpack_from(data, stop)[0])
            i = stop + 4
        else:
            item, i = _value(data, data[i], stop)
            items.append(item)
    return items, _closed(data, i, end)


def _closed(data: bytes, i: int, end: int) -> int:
    if i != end or data[end] != 0:
        raise Garbled("a document that does not end where it should")
    return end + 1


def _value(data: bytes, kind: int, i: int) -> tuple[Any, int]:
    if kind == 0x02:
        length = _I32.unpack_from(data, i)[0]
        if length < 1:
            raise Garbled("a text of no length")
        return data[i + 4 : i + 3 + length].decode(), i + 4 + length
    if kind == 0x03:
        return _document(data, i)
    if kind == 0x04:
        return _sequence(data, i)
    if kind == 0x0A:
        return None, i
    if kind == 0x12:
        return _I64.unpack_from(data, i)[0], i + 8
    if kind == 0x01:
        return _F64.unpack_from(data, i)[0], i + 8
    if kind == 0x08:
        return data[i] == 1, i + 1
    if kind == 0x05:
        length = _I32.unpack_from(data, i)[0]
        if length < 0:
            raise Garbled("bytes of negative length")
        return data[i + 5 : i + 5 + length], i + 5 + length
    raise Garbled(f"type {kind} in a document")
