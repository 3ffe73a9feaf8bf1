"""One walk over what a user wants in a config: its canonical text, its deps, all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from .codec import json_text
from .errors import InvalidValue
from .refs import DRef, Name, RRef, isdref, isrref

MAX_DEPTH = 64
MAX_BYTES = 1 << 20
MAX_ISSUES = 100
_INFINITE = float("inf")
_NONFINITE = "is not a finite number"
_SHORT = 99
_KEYS = frozenset((str, DRef, Name))
_PLAIN = frozenset((str, int, bool, float, type(None), list, dict, DRef))


class InvalidConfig(InvalidValue):
    """A config has values that cannot be in one; `.issues` lists every place."""

    def __init__(self, issues: tuple[str, ...]) -> None:
        super().__init__(issues)
        self.issues = issues

    def __str__(self) -> str:
        allowed = "str, bool, int, finite float, None, list, dict with str keys, and paths"
        listed = "\n  ".join(self.issues)
        return f"this config cannot be hashed:\n  {listed}\na config holds {allowed}"


class Scan:
    """What a walk found: `issues`, `deps`, and the `canonical` bytes, as of `canonical_json`."""

    __slots__ = ("canonical", "deps", "full", "issues", "left", "selfref", "walked")

    def __init__(self, selfref: str) -> None:
        self.issues: list[str] = []
        self.deps: set[DRef] = set()
        self.left = MAX_BYTES
        self.full = False
        self.selfref = selfref
        self.canonical = b""
        self.walked: dict[tuple[int, int], str] = {}

    def say(self, where: str, what: str) -> None:
        """Note what is wrong at a place; after a hundred the reader has seen enough."""
        if len(self.issues) < MAX_ISSUES:
            # A place can hold a bad key, and an error that cannot be printed helps nobody.
            self.issues.append(f"{where}: {what}".encode(errors="replace").decode())
        else:
            self.stop("... and more")

    def leave(self, left: int) -> None:
        """Say for how many bytes there is room, and stop the walk where there is none."""
        self.left = left
        if left < 0:
            self.stop(
                f"config: over the limit of {MAX_BYTES} bytes; "
                "put large data into a file and depend on it (`fetchlocal`, `mkfile`)"
            )

    def stop(self, why: str) -> None:
        """Note, once, that no further container is looked into."""
        if not self.full:
            self.full = True
            self.issues.append(why)


def scan(fields: object, selfref: str) -> Scan:
    """Walk a whole config.

    Raises:
        InvalidConfig: all that is wrong with it at once.
    """
    if type(fields) is not dict:
        if not isinstance(fields, Mapping):
            raise InvalidConfig((f"config: expected a dictionary, got {_kind(fields)}",))
        fields = dict(fields)
    # To name all places takes as long as everything else: it is done if something is wrong.
    found = Scan(selfref)
    text = _dict(found, fields, "", 1)
    if not found.issues:
        try:
            found.canonical = text.encode()
            if len(found.canonical) <= MAX_BYTES:
                return found
        except UnicodeEncodeError:
            pass  # a lone surrogate
    named = Scan(selfref)
    _dict(named, fields, "config", 1)
    if not named.issues:
        named.leave(-1)
    raise InvalidConfig(tuple(named.issues))


def _kind(value: object) -> str:
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"


def _value(found: Scan, value: object, where: str, depth: int) -> str:
    # Exact types, not isinstance: numpy.float64 is a float by inheritance and would print
    # differently elsewhere.
    cls = type(value)
    if cls is str:
        return _text(found, value, where)  # type: ignore[arg-type]
    if cls is int:
        return _int(found, value, where)  # type: ignore[arg-type]
    if cls is DRef:
        found.deps.add(value)  # type: ignore[arg-type]
        return f'"{value}"'
    if value is None:
        return "null"
    if cls is bool:
        return "true" if value else "false"
    if cls is float:
        if not abs(value) < _INFINITE:  # type: ignore[arg-type]
            found.say(where, f"{value} {_NONFINITE}")
        return repr(value)
    if cls is list or cls is dict:
        return _container(found, value, where, depth)
    return _other(found, value, where)


def _container(found: Scan, value: object, where: str, depth: int) -> str:
    if depth >= MAX_DEPTH:
        found.say(where, f"deeper than {MAX_DEPTH} levels")
        return ""
    # A list that holds another one twice, which holds a third one twice, and so on, would be walked
    # 2**64 times; what was found to be good on a level is good on that level everywhere.
    again = (id(value), depth)
    if again in found.walked:
        made = found.walked[again]
        found.leave(found.left - len(made))
        return made
    left, issues = found.left, len(found.issues)
    found.leave(left - len(value))  # type: ignore[arg-type]
    if found.full:
        return ""
    if type(value) is dict:
        made = _dict(found, value, where, depth + 1)
    else:
        made = _list(found, value, where, depth + 1)  # type: ignore[arg-type]
    if len(found.issues) == issues:
        found.walked[again] = made
        found.leave(left - len(made))
    return made


def _list(found: Scan, value: list[object], where: str, depth: int) -> str:
    items = [item if type(item) in _PLAIN else _path_text(item) for item in value]
    places = [f"{where}[{i}]" if where else "" for i in range(len(items))]
    made = [_value(found, item, place, depth) for item, place in zip(items, places, strict=True)]
    if items and type(items[0]) in (str, DRef):
        _refpath(found, items, where)
    return f"[{','.join(made)}]"


def _path_text(item: object) -> object:
    """Give a path as text; what is no path, or not one of text, as it is."""
    fspath = getattr(type(item), "__fspath__", None)
    path = None if fspath is None else fspath(item)
    return path if type(path) is str else item


def _dict(found: Scan, value: dict[object, object], where: str, depth: int) -> str:
    made: dict[str, str] = {}
    for key, item in value.items():
        if type(key) not in _KEYS:
            found.say(f"{where}[{key!r:.60}]", f"a key must be str, not {_kind(key)}")
            continue
        place = f"{where}.{key}" if where else ""
        name = _text(found, key, place)  # type: ignore[arg-type]
        if type(item) is str:
            made[key] = f"{name}:{_text(found, item, place)}"  # type: ignore[index]
        else:
            made[key] = f"{name}:{_value(found, item, place, depth)}"  # type: ignore[index]
    return f"{{{','.join(map(made.__getitem__, sorted(made)))}}}"


def _text(found: Scan, text: str, where: str) -> str:
    if len(text) > _SHORT:
        found.leave(found.left - len(text))
    if "ref:" in text:
        if isdref(text):
            found.deps.add(DRef(text))
        elif isrref(text):
            why = "a config says how to make things: use its DRef"
            found.say(where, f"{text} is a realization; {why}")
    if where and not text.isascii() and _has_surrogate(text):
        found.say(where, "a lone surrogate is not text")
    return json_text(text)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
        return False
    except UnicodeEncodeError:
        return True


def _int(found: Scan, value: int, where: str) -> str:
    # Python refuses to print integers of more than 4,300 digits; 10,000 bits is far below that.
    if value.bit_length() > 10_000:
        found.say(where, "an integer of more than 10,000 bits")
        return ""
    return repr(value)


def _other(found: Scan, value: object, where: str) -> str:
    if type(value) is Name:
        return _text(found, value, where)
    if type(value) is RRef:
        return _text(found, str(value), where)
    fspath = getattr(type(value), "__fspath__", None)
    if fspath is not None:
        path = fspath(value)
        if type(path) is str:
            return _text(found, path, where)
        found.say(where, f"a path of {_kind(path)} is not allowed; use a path of str")
        return ""
    hint = {
        "tuple": "; use a list",
        "bytes": "; use `mkfile` and depend on it",
        "set": "; use a sorted list",
    }
    found.say(where, f"{_kind(value)} is not allowed{hint.get(_kind(value), '')}")
    return ""


def is_part(part: object) -> bool:
    """Tell whether a string can be one part of a path inside a reference."""
    if not isinstance(part, str):
        return False
    return part not in ("", ".", "..") and "/" not in part and "\0" not in part


def _refpath(found: Scan, parts: list[object], where: str) -> None:
    """A list that starts with a reference is a path inside it, and may not lead out of it."""
    own = parts[0] == found.selfref
    if not own and (
        not isdref(parts[0]) or not all(isinstance(p, str) and not isdref(p) for p in parts[1:])
    ):
        return  # a list of derivations, or of a derivation and other things, is just a list
    for i, part in enumerate(parts[1:], 1):
        if not is_part(part):
            found.say(f"{where}[{i}]", f"{part!r} cannot be a part of a path inside a reference")
