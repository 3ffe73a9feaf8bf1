"""What is to be fetched: addresses and hashes, judged before the network is touched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pylightnix.core.errors import FetchError, InvalidValue

_SCHEMES = ("http", "https", "ftp", "file")
_DIGITS = {"sha256": 64, "sha1": 40}


class HashMismatch(FetchError):
    """What was fetched is not what its hash says; it was deleted."""

    def __init__(self, url: str, expected: str, got: str) -> None:
        """Keep where it came from, and both digests in hex."""
        super().__init__(url, expected, got)
        self.url, self.expected, self.got = url, expected, got

    def __str__(self) -> str:
        """Say what came, what should have, and what to do about it."""
        return (
            f"{self.url} has the hash {self.got}, but {self.expected} was asked for. It changed, "
            "or the hash is of something else; if the content is what you want, give its hash"
        )


@dataclass(frozen=True, slots=True)
class Digests:
    """The hashes that something must have.

    Args:
        sha256: 64 lower-case hex digits.
        sha1: 40 lower-case hex digits.

    Raises:
        InvalidValue: one of them has another form.
    """

    sha256: str | None = None
    sha1: str | None = None

    def __post_init__(self) -> None:
        """Refuse what nothing can have as its hash."""
        for name, digest in self.wanted().items():
            digits = _DIGITS[name]
            if not re.fullmatch(f"[0-9a-f]{{{digits}}}", str(digest)):
                raise InvalidValue(
                    f"{name}={digest!r} is no hash: give {digits} lower-case hex digits, "
                    f"as the program {name}sum prints them"
                )

    def wanted(self) -> Mapping[str, str]:
        """Those that were given, by name."""
        given = {"sha256": self.sha256, "sha1": self.sha1}
        return {name: digest for name, digest in given.items() if digest is not None}


def parse_urls(urls: str | Iterable[str]) -> tuple[str, ...]:
    """Check addresses without touching the network.

    Args:
        urls: one, or several of the same file in order of preference.

    Returns:
        All of them, in the same order.

    Raises:
        InvalidValue: there is none, or some are no http, https, ftp or file addresses; these are
            named.
    """
    given: object = urls
    several = isinstance(given, Iterable) and not isinstance(given, str)
    mirrors: tuple[Any, ...] = tuple(urls) if several else (urls,)
    bad = [url for url in mirrors if not _is_address(url)]
    if bad or not mirrors:
        what = ", ".join(repr(url) for url in bad) or "nowhere"
        raise InvalidValue(f"cannot download from {what}: give {', '.join(_SCHEMES)} addresses")
    return mirrors


def shown(url: str) -> str:
    """An address as it may be shown: without a password."""
    split = urlsplit(url)
    return urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2]))


def _is_address(url: object) -> bool:
    """Whether it is worth trying."""
    try:
        split = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return False
    if split is None or split.scheme not in _SCHEMES:
        return False
    return bool(split.netloc or split.scheme == "file")
