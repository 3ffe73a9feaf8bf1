"""A stage that downloads a file, known by its hash wherever it comes from."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import partial
from urllib.parse import unquote, urlsplit

from pylightnix.core.config import config_dict, mkconfig
from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.events import Progress
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper
from pylightnix.store.layout import var_path

from .guard import DEFAULT_LIMITS, Limits
from .naming import default_name, parse_filename, parse_mode
from .placing import place, staging
from .sources import Digests, parse_urls, shown


def fetchurl(
    url: str | Iterable[str],
    sha256: str | None = None,
    sha1: str | None = None,
    mode: str = "unpack,remove",
    name: str | None = None,
    filename: str | None = None,
    *,
    timeout_s: float = 60.0,
    attempts: int = 3,
    limits: Limits = DEFAULT_LIMITS,
    r: Registry | None = None,
    **config: object,
) -> DRef:
    """Make a derivation of a file from the network, unpacked unless told otherwise.

    It is known by the hash, the mode, the name, the file's name, and what else is in `config`; not
    by the address. What a broken connection brought is kept and resumed, also by the next run.

    Args:
        url: http, https, ftp or file address, or several of the same file, tried in order.
        sha256: 64 hex digits of the file's hash.
        sha1: 40 hex digits of its older kind of hash; one of the two must be given.
        mode: `as-is` leaves the file as it came, `unpack` puts beside it what is packed in it,
            `unpack,remove` leaves only that.
        name: of the derivation; by default the file's, without archive suffix, odd characters as
            `_`.
        filename: under which the file is stored; by default the last part of the (first) address.
        timeout_s: how long to wait for a connection, and for the next byte.
        attempts: how often to try each address.
        limits: how much may be unpacked.
        r: the registry; by default the current one.
        config: further fields of the config.

    Returns:
        The name of the derivation; exactly one realization of it is expected.

    Raises:
        InvalidValue: no hash, a hash, address, file name or mode that cannot be, or an address
            without a file name where none is given.
        InvalidConfig: a further field cannot be part of a config.

    Effects: none now. When realized: the network, and `var/tmp/fetch-<hash>.part`.
    Concept: a fixed-output derivation, whose result is known by its hash beforehand (Dolstra 2006,
    section 5.4.1).
    """
    mirrors, digests = parse_urls(url), Digests(sha256, sha1)
    if not digests.wanted():
        raise InvalidValue(
            f"fetchurl needs the hash of {shown(mirrors[0])}: give sha256='...' (or sha1='...'), "
            "which is what the file is known by"
        )
    given = unquote(urlsplit(mirrors[0]).path).rpartition("/")[2] if filename is None else filename
    stored = parse_filename(given, "filename" if filename is not None else shown(mirrors[0]))
    fields = {
        **config,
        **digests.wanted(),
        "name": default_name(stored) if name is None else name,
        "filename": stored,
        "mode": parse_mode(mode),
    }
    work = partial(_fetch, mirrors, timeout_s, attempts, limits)
    return register(r, mkconfig(fields), match_only(), build_wrapper(work))


def _fetch(
    mirrors: tuple[str, ...], timeout_s: float, attempts: int, limits: Limits, b: Build
) -> None:
    """Download and unpack; what is wanted stands in the config, where to find it does not."""
    from .download import download
    from .parts import own_part

    fields, folder = config_dict(b.config), os.fspath(build_outpath(b))
    filename = str(fields["filename"])
    digests = Digests(fields.get("sha256"), fields.get("sha1"))
    (digest, *_) = digests.wanted().values()

    def tell(done_bytes: int, total_bytes: int | None) -> None:
        b.emit(Progress(b.dref, filename, done_bytes, total_bytes, time.monotonic()))

    with staging(folder) as stage:
        staged = os.path.join(stage, filename)
        with own_part(f"{var_path(b.store, 'tmp')}/fetch-{digest}.part") as part:
            download(
                mirrors,
                staged,
                sha256=digests.sha256,
                sha1=digests.sha1,
                timeout_s=timeout_s,
                attempts=attempts,
                on_progress=tell,
                partial=part,
            )
        place(staged, folder, str(fields["mode"]), limits)
