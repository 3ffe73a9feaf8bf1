"""References: the names of derivations and realizations, made by parsing and by nothing else.

`DRef` is `dref:<32 hex>-<name>`, `RRef` is `rref:<32 hex>-<32 hex>-<name>` (realization hash,
derivation hash, name). Holding one is the proof that it is well formed: nothing below re-validates
it, and no path can be smuggled in by it.
"""

from __future__ import annotations

from .errors import InvalidValue
from .value import drawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

HASH_LENGTH = 32
NAME_MAX = 128
HEX = "0123456789abcdef"
_NAME_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class InvalidRef(InvalidValue):
    """A string is not the reference that it is taken for."""

    def __init__(self, kind: str, text: object, issues: tuple[str, ...]) -> None:
        super().__init__(kind, text, issues)
        self.kind, self.text, self.issues = kind, text, issues

    def __str__(self) -> str:
        return f"{self.text!r:.200} is not a {self.kind}: {'; '.join(self.issues)}"


class InvalidName(InvalidValue):
    """A name has characters or a length that a store path cannot have."""

    def __init__(self, text: object) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return (
            f"{self.text!r:.200} cannot be a name: "
            f"give 1 to {NAME_MAX} characters out of A-Z a-z 0-9 _ and -"
        )


# str.strip() eats from both ends, so it leaves nothing exactly when every character is allowed.
# Unlike a pattern with `$` it is not fooled by a trailing newline, and no regular expression is
# compiled at import.
def _is_name(text: str) -> bool:
    return 0 < len(text) <= NAME_MAX and not text.strip(_NAME_CHARS)


def is_hash(text: str) -> bool:
    """Tell whether a text is the hash part of a name: 32 lower-case hex digits."""
    return len(text) == HASH_LENGTH and not text.strip(HEX)


def _is_dref(text: str) -> bool:
    return (
        text[:5] == "dref:" and is_hash(text[5:37]) and text[37:38] == "-" and _is_name(text[38:])
    )


def _is_rref(text: str) -> bool:
    return (
        text[:5] == "rref:"
        and is_hash(text[5:37])
        and text[37:38] == "-"
        and is_hash(text[38:70])
        and text[70:71] == "-"
        and _is_name(text[71:])
    )


def _plain(text: object) -> str:
    # What is checked must be what is kept: `str()` of a member of an enumeration of str is not its
    # text but its label, `Colour.RED`.
    return str.__str__(text) if isinstance(text, str) else ""


class Name(str):
    """1 to 128 characters of `[A-Za-z0-9_-]`; see `mkname`."""

    __slots__ = ()

    def __new__(cls, text: object) -> Name:
        plain = _plain(text)
        if not _is_name(plain):
            raise InvalidName(text)
        return str.__new__(cls, plain)


class DRef(str):
    """The name of a derivation: `dref:<32 hex>-<name>`.

    Raises:
        InvalidRef: the text is not of that form.
    """

    __slots__ = ()
    _repr_html_ = drawn

    def __new__(cls, text: object) -> DRef:
        if type(text) is cls:
            return text
        plain = _plain(text)
        if not _is_dref(plain):
            raise InvalidRef("derivation reference", text, ("expected dref:<32 hex>-<name>",))
        return str.__new__(cls, plain)


class RRef(str):
    """The name of a realization: `rref:<32 hex>-<32 hex>-<name>`.

    Raises:
        InvalidRef: the text is not of that form.
    """

    __slots__ = ()
    _repr_html_ = drawn

    def __new__(cls, text: object) -> RRef:
        if type(text) is cls:
            return text
        plain = _plain(text)
        if not _is_rref(plain):
            expected = "expected rref:<32 hex>-<32 hex>-<name>"
            raise InvalidRef("realization reference", text, (expected,))
        return str.__new__(cls, plain)


RefPath: TypeAlias = "list[DRef | str]"
"""A derivation and the parts of a path in it: `[dref, 'usr', 'bin', 'hello']`; `[dref]`: all."""


def mkname(text: str) -> Name:
    """Check a name.

    >>> mkname("hello-2_10")
    'hello-2_10'

    Raises:
        InvalidName: empty, longer than 128 characters, or with a character outside `[A-Za-z0-9_-]`.
    """
    return Name(text)


def mkdref(dhash: str, name: str) -> DRef:
    """Make the reference of a derivation from its hash (32 lower-case hex) and its name.

    >>> mkdref("0" * 32, "hello")
    'dref:00000000000000000000000000000000-hello'

    Raises:
        InvalidRef: the hash or the name is not of the right form.
    """
    # Each part by itself: together, a hash that ends in "-a" and a name could pass for a name.
    return DRef(f"dref:{_hash(dhash)}-{_plain(name)}")


def mkrref(rhash: str, dhash: str, name: str) -> RRef:
    """Make the reference of a realization from its hash, its derivation's hash and the name.

    Raises:
        InvalidRef: a hash or the name is not of the right form.
    """
    return RRef(f"rref:{_hash(rhash)}-{_hash(dhash)}-{_plain(name)}")


def _hash(text: object) -> str:
    plain = _plain(text)
    if not is_hash(plain):
        raise InvalidRef("hash", text, (f"expected {HASH_LENGTH} lower-case hex digits",))
    return plain


def undref(dref: DRef | str) -> tuple[str, Name]:
    """Take a DRef apart: `(hash, name)`.

    >>> undref("dref:00000000000000000000000000000000-hello")[1]
    'hello'

    Raises:
        InvalidRef: the argument is not a DRef.
    """
    ref = DRef(dref)
    return ref[5:37], str.__new__(Name, ref[38:])


def unrref(rref: RRef | str) -> tuple[str, str, Name]:
    """Take an RRef apart: `(realization hash, derivation hash, name)`.

    Raises:
        InvalidRef: the argument is not an RRef.
    """
    ref = RRef(rref)
    return ref[5:37], ref[38:70], str.__new__(Name, ref[71:])


def rref2dref(rref: RRef | str) -> DRef:
    """Tell which derivation a realization is of.

    >>> rref2dref(f"rref:{'1' * 32}-{'0' * 32}-hello")
    'dref:00000000000000000000000000000000-hello'

    Raises:
        InvalidRef: the argument is not an RRef.
    """
    return str.__new__(DRef, "dref:" + RRef(rref)[38:])


def isdref(x: object) -> bool:
    """Tell whether `x` is a string of the form of a DRef; the store need not know it."""
    return type(x) is DRef or (isinstance(x, str) and _is_dref(x))


def isrref(x: object) -> bool:
    """Tell whether `x` is a string of the form of an RRef."""
    return type(x) is RRef or (isinstance(x, str) and _is_rref(x))
