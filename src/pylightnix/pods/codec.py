"""Which BSON the host speaks: PyMongo's, and not the package that merely shares its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .failures import NoExtra
from .tongue import Garbled


def codec() -> tuple[Callable[[dict[str, Any]], bytes], Callable[[bytes], dict[str, Any]]]:
    """Give how documents are written and read.

    Raises:
        NoExtra: PyMongo is not installed, or something else is called `bson`.
    """
    try:
        import bson
    except ImportError as error:
        raise NoExtra("pymongo", str(error)) from error
    has_c = getattr(bson, "has_c", None)
    if has_c is None:
        raise NoExtra(
            "pymongo",
            f"{bson.__file__} is another package of the name `bson`; uninstall it first",
        )
    if not has_c():
        from . import documents

        return documents.encode, documents.decode
    inner: Callable[[bytes], dict[str, Any]] = bson.decode

    def decode(data: bytes) -> dict[str, Any]:
        try:
            return inner(data)
        except Exception as error:
            raise Garbled(f"{type(error).__name__}: {error}") from error

    return bson.encode, decode
