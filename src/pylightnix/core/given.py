"""Checks of arguments whose type says too little, or that come from where no type checker looks."""

from __future__ import annotations

from .errors import InvalidValue


def require_number(what: str, value: object, *, whole: bool = False) -> None:
    """Refuse what is not a number of at least 0.

    Args:
        what: the argument, for the error's text.
        value: its value.
        whole: it must be an integer.

    Raises:
        InvalidValue: it is not; True, False and NaN are no numbers here.
    """
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not value >= 0:
        kind = "a whole number" if whole else "a number"
        raise InvalidValue(f"{what} cannot be {value!r:.100}: give {kind} that is not negative")


def path_text(what: str, value: object) -> str:
    """Give a path of the system as text.

    Raises:
        InvalidValue: it is neither text nor a path, or holds a NUL.
    """
    text = value.__fspath__() if hasattr(value, "__fspath__") else value
    if not isinstance(text, str) or "\0" in text:
        raise InvalidValue(f"{what} cannot be {value!r:.100}: give a path")
    return text


def artifact_path(what: str, value: object) -> str:
    """Give a path inside a realization as text: relative, and without `..`.

    Raises:
        InvalidValue: it is not one.
    """
    from .confscan import is_part

    text = path_text(what, value)
    if not all(map(is_part, text.split("/"))):
        raise InvalidValue(f"{what} cannot be {value!r:.100}: give a path inside a realization")
    return text
