"""A stage that holds a tenant's modules: plain files of one folder, no link followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from hashlib import sha256

from pylightnix.core.config import config_dict, mkconfig
from pylightnix.core.refs import DRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper

from .naming import inner_path
from .refusals import InvalidTenant

_WHAT = "a file among a tenant's modules"
_LEFT_OUT = ("__pycache__", ".git", ".venv", "venv")
_MOST_FILES = 10_000
_MOST_BYTES = 64 << 20


def modules(folder: str, r: Registry) -> DRef:
    """Make a derivation that holds the modules of a folder: a stage.

    Raises:
        InvalidTenant: there is a link, a device, or a name that cannot be.
    """
    files = {path: sha256(contents).hexdigest() for path, contents in _read(folder)}
    config = mkconfig({"name": "tenant-source", "files": dict(sorted(files.items()))})
    return register(r, config, match_only(), build_wrapper(partial(_copy, folder)))


def _copy(folder: str, b: Build) -> None:
    out = os.fspath(build_outpath(b))
    expected = config_dict(b.config)["files"]
    for path, contents in _read(folder):
        if sha256(contents).hexdigest() != expected.pop(path, ""):
            raise InvalidTenant(_WHAT, path, "it was changed meanwhile: load it again")
        os.makedirs(os.path.dirname(f"{out}/{path}"), exist_ok=True)
        with open(f"{out}/{path}", "wb") as file:
            file.write(contents)
    if expected:
        raise InvalidTenant(_WHAT, min(expected), "it went away meanwhile: load it again")


def _read(folder: str) -> Iterator[tuple[str, bytes]]:
    """Read all files; what a name leads to is what was listed, as no link is followed."""
    count = 0
    for base, folders, files, fd in os.fwalk(folder, follow_symlinks=False):
        below = os.path.relpath(base, folder)
        prefix = "" if below == "." else f"{below}/"
        for name in folders:
            if stat.S_ISLNK(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                raise _refused(f"{prefix}{name}")
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(files):
            count += 1
            if count > _MOST_FILES:
                raise InvalidTenant(_WHAT, name, f"there are more than {_MOST_FILES} files")
            yield inner_path(_WHAT, f"{prefix}{name}"), _contents(f"{prefix}{name}", name, fd)


def _contents(path: str, name: str, folder: int) -> bytes:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        raise _refused(path) from error
    with open(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(path)
        if status.st_size > _MOST_BYTES:
            raise InvalidTenant(_WHAT, path, f"it has more than {_MOST_BYTES:,} bytes")
        return file.read()


def _refused(path: str) -> InvalidTenant:
    return InvalidTenant(_WHAT, path, "it is a link or no plain file: delete it, or copy the file")
