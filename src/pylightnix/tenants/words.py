"""What programs of the platform said, for a tenant: without the places of the platform."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

_MOST_TEXT = 10_000
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_HOST = re.compile(r"\bhost='[^']*'")  # as pip's libraries tell it
_WORD = re.compile(r"[^\s'\"`<>()\[\],;]+")


def without_places(text: str, places: Iterable[str]) -> str:
    """Leave of each path and each address its last part alone.

    Args:
        text: what was said.
        places: absolute paths to be left out whole, whatever characters they have.

    >>> without_places("cannot read /srv/data/greet-1.0.whl of https://me:secret@host/simple/", ())
    'cannot read greet-1.0.whl of simple'
    """
    here = f"{os.getcwd()}/"
    known = {path for place in places for path in (place, os.path.realpath(place))}
    known |= {path.removeprefix(here) for path in known}  # some programs shorten what is below
    text = _ESCAPES.sub("", text[: 4 * _MOST_TEXT])
    for path in sorted(known, key=len, reverse=True):
        text = text.replace(f"{path}/", "/").replace(path, os.path.basename(path))
    text = _WORD.sub(_last, _HOST.sub("the index", text)).strip()
    return f"{text[:_MOST_TEXT]} ..." if len(text) > _MOST_TEXT else text


def _last(found: re.Match[str]) -> str:
    """Give the last part of a path; of an address, without its server and who asks there."""
    _, scheme, rest = found[0].partition("://")
    path = rest.partition("/")[2] if scheme else found[0]
    return path.rstrip("/").rpartition("/")[2] or ("the index" if scheme else found[0].strip("/"))
