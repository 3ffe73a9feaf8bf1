"""Names that tenants give: none of them leads out of a folder. Pure functions."""

from __future__ import annotations

import os

from .refusals import InvalidTenant

_NAME_MAX = 64
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_PART_MAX = 255
_DEPTH_MAX = 32
_PATH_MAX = 1024


def tenant_name(name: object) -> str:
    """Check the name of a tenant.

    Raises:
        InvalidTenant: it is not 1 to 64 characters of `[A-Za-z0-9_-]`, the first one a letter or
            a digit.
    """
    plain = name if type(name) is str else ""
    if not 0 < len(plain) <= _NAME_MAX or plain.strip(_LETTERS) or plain[0] in "-_":
        raise InvalidTenant(
            "the name of a tenant",
            name,
            f"give 1 to {_NAME_MAX} characters out of A-Z a-z 0-9 _ and -, "
            "the first a letter or a digit",
        )
    return plain


def inner_path(what: str, path: object) -> str:
    """Check a path inside a folder of a tenant: relative, of plain names.

    Args:
        what: of what it is, for the error's text.
        path: a text or a path.

    Returns:
        The path, with one slash between its parts.

    Raises:
        InvalidTenant: it could lead elsewhere, or is no path.
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise InvalidTenant(what, path, "give a path as text")
    parts = text.split("/")
    issue = next((issue for part in parts if (issue := _part_issue(part))), "")
    if not issue and len(parts) > _DEPTH_MAX:
        issue = f"it has more than {_DEPTH_MAX} parts"
    if not issue and len(text.encode()) > _PATH_MAX:  # others put it behind paths of theirs
        issue = f"it is longer than {_PATH_MAX} bytes"
    if issue:
        raise InvalidTenant(what, text, f"{issue}; give a relative path of plain names")
    return text


def module_file(path: object) -> str:
    """Check the path of a Python file in a tenant's `usermodules`.

    Raises:
        InvalidTenant: as `inner_path`; or it is no module's.
    """
    what = "the file of a job"
    text = inner_path(what, path)
    stem = text.removesuffix(".py")
    if stem == text or not all(part.isidentifier() for part in stem.split("/")):
        raise InvalidTenant(what, text, "give the path of a module, as job.py or tools/job.py")
    return text


def _part_issue(part: str) -> str:
    if part in ("", ".", ".."):
        return "it has an empty part, or one of dots"
    if not part.isprintable() or "\\" in part:
        return "it has a character that is not printed, or a backslash"
    try:
        long = len(part.encode()) > _PART_MAX
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    return f"a part is longer than {_PART_MAX} bytes" if long else ""
