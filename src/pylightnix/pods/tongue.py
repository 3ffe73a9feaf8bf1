"""What hosts and pods say to each other: BSON documents, of which some stand for richer values.

The agent carries this module in its own file, so it needs nothing but the standard library of
CPython 3.8. BSON has no tuple, set, big int, microsecond, or key that is no text: such a value is
written as `{"$": kind, "v": parts}`. Nothing that is read can run code.
"""

from __future__ import annotations

import sys
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Buffers(Protocol):
        """Large buffers that go beside a document."""

        def add(self, data: Any) -> int: ...

    class Loaded(Protocol):
        """Large buffers that came beside a document."""

        def give(self, number: int, mutable: bool) -> Any: ...


BIG = 1 << 16  # bytes; what is larger goes beside the document
PACKED = 16  # items from which on a list of numbers is written as an array
_PLAIN = frozenset((float, bool, type(None)))
_ATOMS = frozenset((int, float, bool, str, type(None)))
_STANDARD = ("datetime", "pathlib", "pathlib._local", "decimal", "uuid")
_CODES = {int: "q", float: "d"}


class CannotCross(TypeError):
    """A value that has no form in which it could leave its process."""


class Garbled(ValueError):
    """Bytes that are not a document, or one that stands for no value."""


# ---------------------------------------------------------------- values -> what BSON can hold


def flatten(x: Any, big: Buffers | None) -> Any:
    """Write a value with nothing but None, bool, int, float, str, bytes, list and dict."""
    t = type(x)
    if t in _PLAIN:
        return x
    if t is int:
        return x if -(1 << 63) <= x < 1 << 63 else {"$": "i", "v": f"{x:x}"}
    if t is str:
        return x if _is_text(x) else {"$": "s", "v": x.encode("utf-8", "surrogatepass")}
    if t is list:
        return _flat_list(x, big)
    if t is dict:
        return _flat_dict(x, big)
    if t is bytes:
        return _beside(x, big, "b")
    if t is tuple:
        return {"$": "t", "v": _flat_list(x, big)}
    return _flat_rare(x, t, big)


def _is_text(x: str) -> bool:
    if x.isascii():
        return True
    try:
        x.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flat_list(x: Any, big: Buffers | None) -> Any:
    if len(x) >= PACKED:
        kinds = set(map(type, x))
        if len(kinds) == 1:
            code = _CODES.get(kinds.pop())
            if code is not None:
                try:
                    return {"$": code, "v": _beside(array(code, x).tobytes(), big, "b")}
                except OverflowError:
                    pass  # integers of more than 64 bits
    return [flatten(item, big) for item in x]


def _flat_dict(x: dict[Any, Any], big: Buffers | None) -> Any:
    for key in x:
        if type(key) is not str or key == "$" or "\0" in key or not _is_text(key):
            return {"$": "m", "v": [[flatten(k, big), flatten(v, big)] for k, v in x.items()]}
    return {key: flatten(item, big) for key, item in x.items()}


def _beside(data: Any, big: Buffers | None, kind: str) -> Any:
    """Put a buffer beside the document if it is large, and into it otherwise."""
    if big is not None and len(data) > BIG:
        number = big.add(data)
        if number >= 0:
            return {"$": kind + "+", "v": number}
    return bytes(data) if kind == "b" else {"$": kind, "v": bytes(data)}


def _flat_rare(x: Any, t: type, big: Buffers | None) -> Any:
    np = sys.modules.get("numpy")
    if np is not None and isinstance(x, (np.ndarray, np.generic)):
        return {"$": "n", "v": _flat_numpy(np, x, big)}
    for base, write in _RARE:
        if isinstance(x, base):
            return write(x, big)
    for base in t.__mro__:
        if base.__module__ in _STANDARD:
            return {"$": "o", "v": [_name_of(base), *_pieces(x)]}
    raise CannotCross(
        f"a {t.__module__}.{t.__qualname__} cannot leave its process: "
        "give plain values, lists and dicts, or arrays"
    )


_RARE: list[tuple[Any, Callable[[Any, Any], Any]]] = [
    (bytearray, lambda x, big: _beside(x, big, "a")),
    (memoryview, lambda x, big: _beside(x.tobytes(), big, "b")),
    (frozenset, lambda x, big: {"$": "f", "v": [flatten(i, big) for i in x]}),
    (set, lambda x, big: {"$": "e", "v": [flatten(i, big) for i in x]}),
    (complex, lambda x, big: {"$": "c", "v": [x.real, x.imag]}),
    (int, lambda x, big: flatten(int(x), big)),
    (float, lambda x, big: float(x)),
    (str, lambda x, big: flatten(str.__str__(x), big)),
    (bytes, lambda x, big: _beside(bytes(x), big, "b")),
    (tuple, lambda x, big: {"$": "t", "v": _flat_list(list(x), big)}),
    (list, lambda x, big: _flat_list(list(x), big)),
    (dict, lambda x, big: _flat_dict(dict(x), big)),
]


def _name_of(t: type) -> str:
    return "Path" if t.__name__.endswith("Path") and "Pure" not in t.__name__ else t.__name__


def _pieces(x: Any) -> list[Any]:
    """What a value of the standard library is made of: texts and numbers."""
    if hasattr(x, "total_seconds"):
        return [x.days, x.seconds, x.microseconds]
    if hasattr(x, "isoformat"):
        zone = getattr(x, "tzinfo", None)
        return [x.isoformat(), getattr(x, "fold", 0), str(getattr(zone, "key", "") or "")]
    if hasattr(x, "utcoffset"):
        return [x.utcoffset(None).total_seconds()]
    return [str(x)]


def _flat_numpy(np: Any, x: Any, big: Buffers | None) -> list[Any]:
    if x.dtype.hasobject or hasattr(x, "mask"):
        raise CannotCross(f"an array of {x.dtype} cannot leave its process: give numbers")
    shape, scalar = list(x.shape), not isinstance(x, np.ndarray)
    turned = x.ndim > 1 and x.flags.f_contiguous and not x.flags.c_contiguous
    flat = np.ascontiguousarray(x.T if turned else x).reshape(-1)
    data = memoryview(flat.view(np.uint8)) if flat.nbytes > BIG else bytearray(flat.tobytes())
    descr = flatten(np.lib.format.dtype_to_descr(x.dtype), None)
    return [descr, shape, 2 if scalar else int(turned), _beside(data, big, "a")]


# ---------------------------------------------------------------- and back


def revive(x: Any, big: Loaded | None) -> Any:
    """Read what `flatten` wrote.

    Raises:
        Garbled: it stands for no value.
    """
    t = type(x)
    if t is dict:
        if "$" in x:
            return _revive_rare(x, big)
        return {key: revive(item, big) for key, item in x.items()}
    if t is list:
        return x if set(map(type, x)) <= _ATOMS else [revive(item, big) for item in x]
    if t in _ATOMS or t is bytes:
        return x
    if isinstance(x, int):  # a subclass of int, by which PyMongo marks 64 bits
        return int(x)
    raise Garbled(f"a {t.__name__} in a document")


def _revive_rare(x: dict[str, Any], big: Loaded | None) -> Any:
    try:
        return _REVIVED[x["$"]](x["v"], big)
    except Garbled:
        raise
    except RecursionError:
        raise
    except Exception as trouble:
        raise Garbled(f"{type(trouble).__name__}: {trouble}") from trouble


def _items(v: Any, big: Loaded | None) -> list[Any]:
    found = revive(v, big)
    if type(found) is not list:
        raise Garbled("items that are no list")
    return found


def _unpacked(code: str) -> Callable[[Any, Any], Any]:
    def unpack(v: Any, big: Loaded | None) -> Any:
        numbers = array(code)
        numbers.frombytes(revive(v, big))
        return numbers.tolist()

    return unpack


def _given(v: Any, big: Loaded | None, mutable: bool) -> Any:
    if big is None or type(v) is not int:
        raise Garbled("a buffer that did not come")
    return big.give(v, mutable)


def _revive_standard(v: Any, big: Loaded | None) -> Any:
    kind, *parts = v
    if kind in ("Path", "PurePath", "PurePosixPath", "PureWindowsPath"):
        import pathlib

        return getattr(pathlib, kind)(*parts)
    if kind in ("Decimal", "UUID"):
        return getattr(__import__(kind.lower()), kind)(*parts)
    import datetime

    if kind == "timedelta":
        return datetime.timedelta(*parts)
    if kind == "timezone":
        return datetime.timezone(datetime.timedelta(seconds=parts[0]))
    if kind not in ("datetime", "date", "time"):
        raise Garbled("a value of no known kind")
    text, fold, zone = parts
    made = getattr(datetime, kind).fromisoformat(text)
    if fold:
        made = made.replace(fold=1)
    if zone:
        try:
            import zoneinfo

            return made.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        except Exception:  # no such zone here: the offset stays
            return made
    return made


def _revive_numpy(v: Any, big: Loaded | None) -> Any:
    import numpy as np

    descr, shape, form, data = v
    dtype = np.lib.format.descr_to_dtype(revive(descr, None))
    if dtype.hasobject:
        raise Garbled("an array of objects")
    flat = np.frombuffer(revive(data, big), dtype=dtype)
    if form == 2:
        return flat[0]
    return flat.reshape(shape[::-1]).T if form == 1 else flat.reshape(shape)


_REVIVED: dict[str, Callable[[Any, Any], Any]] = {
    "t": lambda v, big: tuple(_items(v, big)),
    "e": lambda v, big: set(_items(v, big)),
    "f": lambda v, big: frozenset(_items(v, big)),
    "m": lambda v, big: {revive(k, big): revive(i, big) for k, i in v},
    "i": lambda v, big: int(v, 16),
    "s": lambda v, big: v.decode("utf-8", "surrogatepass"),
    "a": lambda v, big: bytearray(v),
    "c": lambda v, big: complex(*v),
    "q": _unpacked("q"),
    "d": _unpacked("d"),
    "b+": lambda v, big: _given(v, big, False),
    "a+": lambda v, big: _given(v, big, True),
    "o": _revive_standard,
    "n": _revive_numpy,
}
