"""A file that the platform was given for a tenant: checked, counted, put in its place at once."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, suppress

from . import settings
from .naming import inner_path
from .place import MODULES, SCRATCH, Place, locked, quota
from .refusals import InvalidTenant, QuotaExceeded
from .scratch import LOOK, MAKE, MOST_ENTRIES, TooMuch, folder, listing

_WHAT = "a file of a tenant"
# Beside what it becomes part of: who reads the modules meanwhile must not meet half of one. One
# name for all, so that those who were killed leave one file and not many.
_ASIDE = ".upload"


def upload(place: Place, path: object, data: object, into: str) -> None:
    """Write a file of a tenant, whole or not at all.

    Raises:
        InvalidTenant: the path, what is in its way, the contents or the folder cannot be.
        QuotaExceeded: it takes more than the tenant may have.
        NoTenant: the tenant was deleted.
    """
    inner, contents = inner_path(_WHAT, path), _bytes_of(data)
    if into not in (MODULES, SCRATCH):
        raise InvalidTenant("the folder of a file", into, f"give {MODULES} or {SCRATCH}")
    with (
        locked(place),
        folder(place.folder) as home,
        folder(f"{place.folder}/{into}") as top,
    ):
        there_bytes, fresh = _there(top, inner)
        more = len(contents) - there_bytes
        _require_room(place, top, {into: more}, fresh, f"to write {inner} into {into}")
        _put(home, top, inner, contents)


def _bytes_of(data: object) -> bytes:
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    if not isinstance(data, str):
        raise InvalidTenant("the contents of a file", type(data), "give bytes or text")
    try:
        return data.encode()
    except UnicodeEncodeError:
        raise InvalidTenant(
            "the contents of a file", data[:99], "it is not valid Unicode"
        ) from None


def _there(top: int, path: str) -> tuple[int, int]:
    """Look at what is there of a path; no part of it may be a link.

    Returns:
        The bytes of the file at it, and how many parts are missing.
    """
    parts = path.split("/")
    with ExitStack() as held:
        for number, part in enumerate(parts):
            try:
                status = os.stat(part, dir_fd=top, follow_symlinks=False)
                if number == len(parts) - 1 and stat.S_ISREG(status.st_mode):
                    return status.st_size, 0
                if number == len(parts) - 1 or not stat.S_ISDIR(status.st_mode):
                    there = "/".join(parts[: number + 1])
                    issue = f"{there} is {_kind(status.st_mode)}: choose another name, or delete it"
                    raise InvalidTenant(_WHAT, path, issue)
                top = os.open(part, LOOK, dir_fd=top)
                held.callback(os.close, top)
            except FileNotFoundError:
                return 0, len(parts) - number
            except OSError as error:
                raise InvalidTenant(_WHAT, path, f"{part}: {error.strerror}") from None
    return 0, 0


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISREG, "a file"))
    return next((word for test, word in kinds if test(mode)), "no plain file")


def _require_room(place: Place, top: int, more: dict[str, int], fresh: int, wanted: str) -> None:
    told = settings.read(place.settings_file).quota_bytes
    try:
        found = listing(top)
        many = fresh and len(found.entries) + found.others + fresh > MOST_ENTRIES
    except TooMuch:
        many = True
    used = quota(place, told, more=more)
    if many:
        wanted = f"{wanted}, beside more than {MOST_ENTRIES:,} files,"
        raise QuotaExceeded(place.name, told, used.parts, wanted)
    if told is not None and used.used_bytes > told and max(more.values()) > 0:
        raise QuotaExceeded(place.name, told, used.parts, wanted)


def _put(home: int, top: int, path: str, contents: bytes) -> None:
    """Write aside, make the folders that are missing, and rename."""
    *parents, name = path.split("/")
    with suppress(FileNotFoundError):
        os.unlink(_ASIDE, dir_fd=home)
    made: list[tuple[int, str]] = []
    with ExitStack() as held:
        try:
            with open(os.open(_ASIDE, MAKE, 0o644, dir_fd=home), "wb") as file:
                file.write(contents)
            for part in parents:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=top)
                    made.append((top, part))
                top = os.open(part, LOOK, dir_fd=top)
                held.callback(os.close, top)
            os.rename(_ASIDE, name, src_dir_fd=home, dst_dir_fd=top)
        except BaseException as error:
            for base, part in reversed(made):
                with suppress(OSError):
                    os.rmdir(part, dir_fd=base)
            with suppress(OSError):
                os.unlink(_ASIDE, dir_fd=home)
            if isinstance(error, NotADirectoryError | IsADirectoryError):
                raise InvalidTenant(
                    _WHAT, path, "what is in its way was changed just now"
                ) from None
            raise
