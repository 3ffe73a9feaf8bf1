"""Downloading with the standard library alone: mirrors, resuming, hashes checked on the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TypeAlias

from pylightnix.core.errors import FetchError

from .parts import Part
from .responses import Broken, Session
from .sources import Digests, HashMismatch, parse_urls, shown

OnProgress: TypeAlias = Callable[[int, int | None], None]

_PROGRESS_EVERY_S = 0.1
_LONGEST_PAUSE_S = 5.0
# A connection that breaks after this much is slow, not dead: it does not use up an attempt.
_WORTHWHILE_BYTES = 2**20


class DownloadFailed(FetchError):
    """No mirror had it; `.causes` are pairs of address and cause, in the order of trying."""

    def __init__(self, causes: tuple[tuple[str, str], ...]) -> None:
        """Keep pairs of address and cause."""
        super().__init__(causes)
        self.causes = causes

    def __str__(self) -> str:
        """Name every mirror with its cause."""
        lines = "".join(f"\n  {url}: {cause}" for url, cause in self.causes)
        return f"no mirror had it; check the addresses and the network, or add a mirror:{lines}"


@dataclass(frozen=True, slots=True)
class _Job:
    """What the caller wants of every mirror."""

    timeout_s: float
    attempts: int
    on_progress: OnProgress | None


def download(
    urls: str | Iterable[str],
    into: str,
    *,
    sha256: str | None = None,
    sha1: str | None = None,
    timeout_s: float = 60.0,
    attempts: int = 3,
    on_progress: OnProgress | None = None,
    partial: str | None = None,
) -> None:
    """Download a file from the first mirror that has it.

    Mirrors are tried in order. A connection that breaks is resumed where it broke, as far as the
    server lets us; a server that starts over is followed. A mirror whose content has another hash
    counts as one that failed.

    Args:
        urls: http, https, ftp or file addresses of the same file.
        into: path of the file to make; one that is there is replaced.
        sha256: 64 hex digits that the content must have.
        sha1: 40 hex digits that the content must have.
        timeout_s: how long to wait for a connection, and for the next byte.
        attempts: how often to try each mirror; one that brought a good deal before it broke is not
            counted.
        on_progress: told the bytes that are there and the bytes in all (None: nobody knows), ten
            times a second.
        partial: path, on the file system of `into`, of what an earlier call could not finish. Used
            if a hash is given, and left for a later call if this one cannot finish either. Nobody
            else may write it meanwhile.

    Raises:
        InvalidValue: an address or a hash has no possible form; the network was not touched.
        HashMismatch: the content is not what the hash says, at every mirror there is.
        DownloadFailed: no mirror had it, each with its cause.

    Effects: writes `into` once it is whole and right, and the partial file.
    Concept: a fixed-output fetch is identified by its hash, wherever it comes from (Dolstra 2006,
    section 5.4.1).
    """
    mirrors, digests = parse_urls(urls), Digests(sha256, sha1)
    job = _Job(timeout_s, attempts, on_progress)
    path = partial or f"{into}.{os.urandom(8).hex()}.part"
    is_done = False
    try:
        with closing(Part(path, digests)) as part:
            _from_mirrors(mirrors, part, job)
        os.replace(path, into)
        is_done = True
    finally:
        is_useful = partial is not None and digests.wanted()
        with suppress(FileNotFoundError):
            if not is_done and not (is_useful and os.path.getsize(path)):
                os.unlink(path)


def _from_mirrors(mirrors: tuple[str, ...], part: Part, job: _Job) -> None:
    """Try each, and gather why it did not work."""
    causes: list[tuple[str, str]] = []
    mismatches: list[HashMismatch] = []
    for url in mirrors:
        try:
            _from_mirror(url, part, job)
        except Broken as broken:
            causes.append((shown(url), broken.cause))
        except HashMismatch as mismatch:
            part.restart()
            mismatches.append(mismatch)
            causes.append((shown(url), f"it has the hash {mismatch.got}, not {mismatch.expected}"))
        else:
            return
    if len(mismatches) == len(mirrors):
        raise mismatches[0]
    raise DownloadFailed(tuple(causes))


def _from_mirror(url: str, part: Part, job: _Job) -> None:
    """Try one mirror until it worked or all attempts are used up."""
    session, tell = Session(url, job.timeout_s), _throttled(job.on_progress)
    failed, most_bytes, may_begin_anew = 0, part.size_bytes, True
    while True:
        try:
            session.fetch(part, tell)
            part.check(shown(url))
        except Broken as broken:
            failed = 0 if part.size_bytes - most_bytes >= _WORTHWHILE_BYTES else failed + 1
            most_bytes = max(most_bytes, part.size_bytes)
            if not broken.may_pass or failed >= job.attempts:
                raise
            time.sleep(min(0.05 * 2**failed, _LONGEST_PAUSE_S))
        except HashMismatch:
            # Pieces of several responses may not fit together though each was right: once, try it
            # in one.
            if not (part.is_patchwork and may_begin_anew):
                raise
            may_begin_anew = False
            part.restart()
        else:
            return


def _throttled(on_progress: OnProgress | None) -> OnProgress:
    """The same callback, called at most every so often; the last word is always passed on."""
    last_s = 0.0

    def tell(done_bytes: int, total_bytes: int | None) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if on_progress and (now_s - last_s >= _PROGRESS_EVERY_S or done_bytes == total_bytes):
            last_s = now_s
            on_progress(done_bytes, total_bytes)

    return tell
