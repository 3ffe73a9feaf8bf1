"""Sizes that people give, as `--max-size 2G`. Pure."""

from __future__ import annotations

from pylightnix.core.errors import InvalidValue

from .times import number_of

_UNITS = {unit: 1 << 10 * (i + 1) for i, unit in enumerate("KMGTP")}
_MOST = 1 << 63


class InvalidSize(InvalidValue):
    """A text is not a size."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return (
            f"{self.text!r} is not a size: give bytes, or 500K, 500M, 2G, 1T, counted in steps of "
            "1024"
        )


def bytes_of(text: str) -> int:
    """Give the bytes of a size.

    Args:
        text: `455`, `500K`, `500M`, `2G`, `1.5T`, `1P`, in steps of 1024; `KiB` and so on too.

    Raises:
        InvalidSize: it is none of these, or `MB`, which means a million to some.

    >>> bytes_of("455"), bytes_of("4.5K"), bytes_of("2GiB")
    (455, 4608, 2147483648)
    """
    head = text.removesuffix("iB")
    unit = _UNITS.get(head[-1:].upper(), 0)
    number = number_of(head[:-1] if unit else head)
    n_bytes = -1.0 if number is None else number * (unit or 1)
    if not 0 <= n_bytes <= _MOST or (head != text and not unit):
        raise InvalidSize(text)
    return int(n_bytes)
