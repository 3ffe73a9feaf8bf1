"""What fetched things are called, and what is done with them."""

from __future__ import annotations

import re

from pylightnix.core.errors import InvalidValue

MODES = ("as-is", "unpack", "unpack,remove")
TAR_SUFFIXES = (
    *(".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"),
    *(".tgz", ".tbz", ".tbz2", ".txz", ".tzst"),
)
_SUFFIXES = (*TAR_SUFFIXES, ".zip", ".gz", ".bz2", ".xz", ".zst")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_NAME_CHARS = 128
_FILENAME_BYTES = 255


def stem(filename: str) -> str:
    """A file's name without the suffix of an archive.

    Args:
        filename: name without folders.

    Returns:
        The name up to the longest known suffix, in any case of letters; all of it if that would
        leave nothing.

    Concept: what `gunzip` and friends name their results.
    """
    lower = filename.lower()
    cut = max((len(suffix) for suffix in _SUFFIXES if lower.endswith(suffix)), default=0)
    return filename[: len(filename) - cut] or filename


def default_name(filename: str) -> str:
    """The name of a derivation made from a file: without archive suffix, odd characters as `_`."""
    return _NOT_IN_NAMES.sub("_", stem(filename))[:_NAME_CHARS] or "unnamed"


def parse_filename(filename: object, whence: str) -> str:
    """Check the name of a file that will be made.

    Raises:
        InvalidValue: it is none; the text says `whence` it was taken.
    """
    if (
        not isinstance(filename, str)
        or filename in ("", ".", "..", ".pylightnix")
        or re.search(r"[/\0\ud800-\udfff]", filename)
        or len(filename.encode()) > _FILENAME_BYTES
    ):
        raise InvalidValue(
            f"{filename!r}, taken from {whence}, cannot be the name of a file: give filename='...'"
        )
    return filename


def parse_mode(mode: object, *, allowed: tuple[str, ...] = MODES) -> str:
    """Check a mode.

    Raises:
        InvalidValue: there is no such mode; the text lists those that there are.
    """
    if mode not in allowed:
        raise InvalidValue(
            f"mode={mode!r} is unknown: choose one of {', '.join(map(repr, allowed))}"
        )
    return str(mode)
