"""The one canonical byte form of a value.

Equal values give equal bytes, on every machine and in every version.

Concept: a name made from a hash is only as good as the bytes that were hashed (Dolstra 2006,
section 5.1).
"""

from __future__ import annotations

from functools import lru_cache

# The part of the module `json` that is written in C; the rest takes much longer to load.
try:
    from _json import encode_basestring
except ImportError:
    from json.encoder import encode_basestring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from json import JSONDecoder, JSONEncoder


def canonical_json(value: object) -> bytes:
    """Encode so that equal values give equal bytes: sorted keys, no spaces, UTF-8, no NaN.

    >>> canonical_json({"b": 1, "a": [True, None, "é"]}).decode()
    '{"a":[true,null,"é"],"b":1}'

    Raises:
        ValueError: a NaN, an infinity or a lone surrogate (`UnicodeEncodeError`).
        TypeError: something that JSON does not have.
    """
    return _encoder().encode(value).encode()


json_text: Callable[[str], str] = encode_basestring
"""Encodes a text as `canonical_json` does."""


def parse_json(data: bytes) -> object:
    """Decode what `canonical_json` made.

    Raises:
        ValueError: not JSON, not UTF-8, or nested deeper than anything of ours.
    """
    try:
        return _decoder().decode(data.decode())
    except RecursionError:
        raise ValueError("nested too deep to be read") from None


# Made on first use: where all is in the store, nothing is ever decoded.
@lru_cache(maxsize=1)
def _encoder() -> JSONEncoder:
    from json import JSONEncoder

    return JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@lru_cache(maxsize=1)
def _decoder() -> JSONDecoder:
    from json import JSONDecoder

    return JSONDecoder()
