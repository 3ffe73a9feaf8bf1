"""YAML 1.2 with the place of everything in it, by PyYAML's C parser.

PyYAML reads YAML 1.1, in which `yes` is true and `010` is eight: only its parser is used, and what
a plain scalar means is decided here.
"""

from __future__ import annotations

import re
from functools import cache

from .places import InvalidPipeline, Issue, NoYaml, Place
from .tags import TAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _Dict = dict[Any, Any]
    _List = list[Any]
else:
    _Dict = dict
    _List = list

STR, INT, FLOAT, BOOL, NULL, TIME, MERGE, SEQ, MAP = (
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "seq", "map")
)
_WORDS: dict[str, object] = {word: None for word in ("", "~", "null", "Null", "NULL")}
_WORDS |= {word: True for word in ("true", "True", "TRUE")}
_WORDS |= {word: False for word in ("false", "False", "FALSE")}
# Compiled when they are needed: that takes longer than reading a small pipeline.
_INT = r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)"
_FLOAT = (
    r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?)"
)
_ODD = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_TIME = (
    r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?"
    r"(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?"
)
_BASES = {"0b": 2, "0o": 8, "0x": 16}


class MarkedDict(_Dict):
    """A mapping that knows where it and its keys stand: `(line, column)`, counted from 1."""

    __slots__ = ("at", "keys_at")

    at: tuple[int, int]
    keys_at: dict[Any, tuple[int, int]]


class MarkedList(_List):
    """A list that knows where it stands, and its items."""

    __slots__ = ("at", "items_at")

    at: tuple[int, int]
    items_at: list[tuple[int, int]]


def parse_yaml(text: str, file: str) -> Any:
    """Read one YAML document.

    Args:
        text: the document.
        file: what errors name as its file.

    Returns:
        Its value; mappings are `MarkedDict`, sequences `MarkedList`.

    Raises:
        InvalidPipeline: it is not YAML, or says what cannot be; told with line and column.
        NoYaml: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise NoYaml from None
    composer = _composer()(text)
    try:
        node = composer.get_single_node()
    except yaml.YAMLError as error:
        raise _bad(error, file) from None
    finally:
        composer.dispose()
    return None if node is None else _Reader(file).value(node)


@cache
def _composer() -> Any:
    """The parser of libyaml, or the one in Python where PyYAML was built without it."""
    import yaml

    class Resolver:
        def resolve(self, kind: Any, text: Any, implicit: Any) -> str:
            if kind is yaml.ScalarNode:
                return scalar_tag(text) if implicit[0] else STR
            return SEQ if kind is yaml.SequenceNode else MAP

        def descend_resolver(self, node: Any, index: Any) -> None:
            return None

        def ascend_resolver(self) -> None:
            return None

    if yaml.__with_libyaml__:
        from yaml._yaml import CParser

        class Fast(Resolver, CParser):  # type: ignore[misc,unused-ignore]
            def __init__(self, text: str) -> None:
                CParser.__init__(self, text)

        return Fast
    return _slow(Resolver)


def _slow(resolver: type) -> Any:
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class Slow(resolver, Reader, Scanner, Parser, Composer):  # type: ignore[misc,valid-type,unused-ignore]
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            for part in (Scanner, Parser, Composer):
                part.__init__(self)

    return Slow


def scalar_tag(text: str) -> str:
    """Tell what a plain scalar is, in the core schema of YAML 1.2."""
    first = text[:1]
    if first in "-+.0123456789" and first:
        if _is(_INT, text):
            return INT
        if _is(_FLOAT, text) or _is(_ODD, text):
            return FLOAT
        return TIME if _is(_TIME, text) else STR
    if text in _WORDS:
        return NULL if _WORDS[text] is None else BOOL
    return MERGE if text == "<<" else STR


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _is(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


def _bad(error: Any, file: str) -> InvalidPipeline:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    place = Place(file) if mark is None else Place(file, mark.line + 1, mark.column + 1)
    return InvalidPipeline((Issue(place, f"bad YAML: {what}{f' {context}' if context else ''}"),))


class _Reader:
    """Makes values of nodes; a node that is named twice by an alias gives one value."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.made: dict[int, Any] = {}
        self.open: set[int] = set()

    def value(self, node: Any) -> Any:
        tag, content = node.tag, node.value
        if type(content) is str:
            if tag == STR:
                return content
            return self._scalar(node, tag, content)
        if id(node) not in self.made:
            if id(node) in self.open:
                raise self._error(node, "an alias inside of what it names has no end")
            self.open.add(id(node))
            self.made[id(node)] = self._collection(node, tag)
        return self.made[id(node)]

    def _collection(self, node: Any, tag: str) -> Any:
        if tag in TAGS:
            node.tag = SEQ if node.id == "sequence" else MAP
            return TAGS[tag](self._collection(node, node.tag))
        if tag not in (SEQ, MAP):
            raise self._unknown(node, tag)
        mark = node.start_mark
        if node.id == "sequence":
            made = MarkedList(map(self.value, node.value))
            made.at = (mark.line + 1, mark.column + 1)
            made.items_at = [
                (item.start_mark.line + 1, item.start_mark.column + 1) for item in node.value
            ]
            return made
        return self._mapping(node, mark)

    def _mapping(self, node: Any, mark: Any) -> MarkedDict:
        made = MarkedDict()
        made.at, made.keys_at = (mark.line + 1, mark.column + 1), {}
        merged: list[Any] = []
        for key_node, item in node.value:
            if key_node.tag == MERGE:
                merged.append(item)
                continue
            key = self.value(key_node)
            try:
                known = key in made
            except TypeError:
                raise self._error(key_node, "a key must be text or a number") from None
            if known:
                line = made.keys_at[key][0]
                raise self._error(key_node, f"the key {key!r} is there already, in line {line}")
            start = key_node.start_mark
            made.keys_at[key] = (start.line + 1, start.column + 1)
            made[key] = self.value(item)
        for item in merged:
            self._merge(made, item)
        return made

    def _merge(self, made: MarkedDict, item: Any) -> None:
        found = self.value(item)
        for each in found if isinstance(found, list) else [found]:
            if not isinstance(each, MarkedDict):
                raise self._error(item, "`<<` takes a mapping, or a list of them")
            for key, value in each.items():
                if key not in made:
                    made[key], made.keys_at[key] = value, each.keys_at[key]

    def _scalar(self, node: Any, tag: str, text: str) -> Any:
        if tag in TAGS:
            return TAGS[tag](text)
        try:
            return self._converted(node, tag, text)
        except ValueError as error:
            raise self._error(node, f"{text!r} is no {tag.rpartition(':')[2]}: {error}") from None

    def _converted(self, node: Any, tag: str, text: str) -> Any:
        if tag in (BOOL, NULL):
            return _WORDS.get(text, text)
        if tag == INT:
            sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
            return sign * int(digits.replace("_", ""), _BASES.get(digits[:2], 10))
        if tag == FLOAT:
            return float(
                text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")
            )
        if tag == TIME:
            from yaml.constructor import SafeConstructor

            return SafeConstructor().construct_yaml_timestamp(node)
        if tag == MERGE:
            return text
        raise self._unknown(node, tag)

    def _unknown(self, node: Any, tag: str) -> InvalidPipeline:
        return self._error(node, f"the tag {tag} is not known; there are {', '.join(TAGS)}")

    def _error(self, node: Any, text: str) -> InvalidPipeline:
        mark = node.start_mark
        return InvalidPipeline((Issue(Place(self.file, mark.line + 1, mark.column + 1), text),))
