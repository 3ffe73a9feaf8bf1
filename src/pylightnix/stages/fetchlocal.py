"""A stage that copies a file or a folder of this machine, known by its hash wherever it lies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from pylightnix.core.config import config_dict, mkconfig
from pylightnix.core.errors import FetchError, InvalidValue
from pylightnix.core.refs import DRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper
from pylightnix.store.ingest import copy_path, hash_path

from .guard import DEFAULT_LIMITS, Limits
from .naming import default_name, parse_filename, parse_mode
from .placing import place, staging
from .sources import Digests, HashMismatch


class NoSource(FetchError):
    """A file or folder to be fetched is not there, or cannot be read."""

    def __init__(self, path: str | None, envname: str | None, cause: str) -> None:
        """Keep where it should be, or which variable should say so, and what is wrong."""
        super().__init__(path, envname, cause)
        self.path, self.envname, self.cause = path, envname, cause

    def __str__(self) -> str:
        """Say what is missing and how to give it."""
        if self.path is None:
            return f"{self.cause}: set {self.envname} to the path of a file or folder"
        whose = f", which ${self.envname} names," if self.envname else ""
        return f"{self.path}{whose} cannot be fetched ({self.cause}): check the path"


def fetchlocal(
    path: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    envname: str | None = None,
    mode: str = "unpack,remove",
    name: str | None = None,
    filename: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    r: Registry | None = None,
    **config: object,
) -> DRef:
    """Make a derivation of a file or a folder of this machine, unpacked unless told otherwise.

    It is known by the hash, the mode, the name, the file's name, and what else is in `config`; not
    by the path. Without a hash it is computed now, which is cheap as long as nothing changed. A
    single file is stored without x bit, since its hash says nothing of it.

    Args:
        path: of the file or folder.
        sha256: 64 hex digits: of a file its hash, of a folder that of its canonical listing.
        envname: environment variable that holds the path; give it or `path`.
        mode: `as-is` puts the file or folder into the output under its name. `unpack` puts beside a
            file what is packed in it, `unpack,remove` leaves only that. Of a folder both put its
            contents into the output.
        name: of the derivation; by default the file's, without archive suffix, odd characters as
            `_`.
        filename: under which it is stored; by default the last part of the path.
        environ: environment to look the variable up in; by default that of the process.
        limits: how much may be unpacked.
        r: the registry; by default the current one.
        config: further fields of the config.

    Returns:
        The name of the derivation; exactly one realization of it is expected.

    Raises:
        NoSource: it must be hashed and is not there, or the variable that should name it is not set
            and neither are the hash and the file's name.
        InvalidValue: not precisely one of `path` and `envname`; a hash, file name or mode that
            cannot be.
        InvalidConfig: a further field cannot be part of a config.

    Effects: reads the file or folder if there is no hash; again when realized.
    Concept: a fixed-output derivation (Dolstra 2006, section 5.4.1); the content is the identity.
    """
    parse_mode(mode)
    Digests(sha256)
    source = _source(path, envname, environ or {})
    if source is None and (sha256 is None or filename is None):
        raise NoSource(None, envname, "nothing says what to fetch")
    whence = "filename" if filename is not None else "path"
    fields = {
        **config,
        "sha256": _hashed(r, str(source), envname) if sha256 is None else sha256,
        "filename": parse_filename(filename or os.path.basename(source or ""), whence),
        "mode": mode,
    }
    fields["name"] = default_name(str(fields["filename"])) if name is None else name
    work = partial(_copy, source, envname, limits)
    return register(r, mkconfig(fields), match_only(), build_wrapper(work))


def _source(
    path: str | os.PathLike[str] | None, envname: str | None, environ: Mapping[str, str]
) -> str | None:
    """Where it lies, absolute: the working folder may be another one when it is realized."""
    if (path is None) == (envname is None):
        raise InvalidValue("fetchlocal needs path='...', or envname='...', and not both")
    said = os.fspath(path) if path is not None else environ.get(str(envname))
    return os.path.abspath(said) if said else None


def _hashed(r: Registry | None, source: str, envname: str | None) -> str:
    try:
        return hash_path(r.store if r else None, source)
    except OSError as error:
        raise NoSource(source, envname, error.strerror or str(error)) from error


def _copy(source: str | None, envname: str | None, limits: Limits, b: Build) -> None:
    """Copy, see that the copy is what was wanted, and unpack it."""
    fields, folder = config_dict(b.config), os.fspath(build_outpath(b))
    filename, expected = str(fields["filename"]), str(fields["sha256"])
    if source is None:
        raise NoSource(None, envname, f"nothing says where to find {filename}")
    with staging(folder) as stage:
        staged = os.path.join(stage, filename)
        try:
            got = copy_path(source, staged, b.rarg.hashes)
        except FileNotFoundError as error:
            raise NoSource(source, envname, error.strerror or str(error)) from error
        if got != expected:
            raise HashMismatch(source, expected, got)
        if not os.path.isdir(staged):
            os.chmod(staged, 0o644)
        place(staged, folder, str(fields["mode"]), limits)
