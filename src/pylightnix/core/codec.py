"""The one canonical byte form of a value.

Equal values give equal bytes, on every machine and in every version.

Concept: a name made from a hash is only as good as the bytes that were hashed (Dolstra 2006,
section 5.1).
"""

from __future__ import annotations

from json import JSONDecoder, JSONEncoder

_ENCODER = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_DECODER = JSONDecoder()


def canonical_json(value: object) -> bytes:
    """Encode so that equal values give equal bytes: sorted keys, no spaces, UTF-8, no NaN.

    >>> canonical_json({"b": 1, "a": [True, None, "é"]}).decode()
    '{"a":[true,null,"é"],"b":1}'

    Raises:
        ValueError: a NaN, an infinity or a lone surrogate (`UnicodeEncodeError`).
        TypeError: something that JSON does not have.
    """
    return _ENCODER.encode(value).encode()


def parse_json(data: bytes) -> object:
    """Decode what `canonical_json` made.

    Raises:
        ValueError: not JSON, not UTF-8, or nested deeper than anything of ours.
    """
    try:
        return _DECODER.decode(data.decode())
    except RecursionError:
        raise ValueError("nested too deep to be read") from None
