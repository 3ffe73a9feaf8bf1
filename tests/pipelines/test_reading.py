"""YAML 1.2, with the place of everything in it."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.errors import PylightnixError
from pylightnix.pipelines import InvalidPipeline
from pylightnix.pipelines.reading import MarkedDict, _slow, parse_yaml

# As pypyr 5.9 reads them.
SCALARS: dict[str, Any] = {
    "yes": "yes",
    "NO": "NO",
    "on": "on",
    "12:30": "12:30",
    "1,000": "1,000",
    "0o8": "0o8",
    "tRue": "tRue",
    "1.2.3": "1.2.3",
    "true": True,
    "FALSE": False,
    "~": None,
    "Null": None,
    "010": 10,
    "09": 9,
    "0o17": 15,
    "0x1F": 31,
    "-0x1F": -31,
    "0b11": 3,
    "1_000": 1000,
    "+12": 12,
    "-0": 0,
    "1e3": 1000.0,
    "1.": 1.0,
    ".5": 0.5,
    "+.5": 0.5,
    "-2.5e-1": -0.25,
    ".inf": float("inf"),
    "-.INF": float("-inf"),
    "2020-01-02": date(2020, 1, 2),
}


@pytest.mark.parametrize("text", SCALARS)
def test_a_plain_scalar_is_what_the_core_schema_says(text: str) -> None:
    found = parse_yaml(f"a: {text}", "f")["a"]
    assert found == SCALARS[text] and type(found) is type(SCALARS[text])


def test_what_is_quoted_is_text() -> None:
    assert list(parse_yaml("[\"1\", 'true', '']", "f")) == ["1", "true", ""]


def test_a_number_that_is_none_is_one() -> None:
    found = parse_yaml("a: .nan", "f")["a"]
    assert found != found


def test_everything_knows_its_place() -> None:
    found = parse_yaml("a:\n  - b: 1\n    c: 2\n", "f")
    assert isinstance(found, MarkedDict)
    assert found.keys_at == {"a": (1, 1)}
    assert found["a"].items_at == [(2, 5)]
    assert found["a"][0].keys_at == {"b": (2, 5), "c": (3, 5)}


def test_an_alias_gives_the_same_value_and_a_merge_its_keys() -> None:
    found = parse_yaml("a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, l: 3}\n", "f")
    assert found["b"] is found["a"]
    assert found["c"] == {"k": 1, "l": 3}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\na: 2", 2, "is there already, in line 1"),
        ("&x [*x]", 1, "has no end"),
        ("a: !!binary x", 1, "is not known"),
        ("a: !foo [1]", 1, "is not known"),
        ("? [1]\n: 2", 1, "a key must be text"),
        ("<<: 1", 1, "takes a mapping"),
        ("a: !!int x", 1, "is no int"),
        ("a: [", 2, "bad YAML"),
        ("a: *nope", 1, "bad YAML"),
        ("a: 1\n--- \nb: 2", 2, "bad YAML"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(text: str, line: int, what: str) -> None:
    with pytest.raises(InvalidPipeline, match=what) as caught:
        parse_yaml(text, "f")
    assert (caught.value.file, caught.value.line) == ("f", line)


def test_nothing_is_nothing() -> None:
    assert parse_yaml("", "f") is None


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc 1:-.~'\"{}", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=8,
)


@given(PLAIN)
def test_json_is_read_as_what_it_is(value: Any) -> None:
    import json

    assert parse_yaml(json.dumps(value), "f") == value


def test_the_parser_in_python_reads_the_same() -> None:
    from pylightnix.pipelines import reading

    text = "a: [1, yes, {b: 010}]\nc: |\n  text\n"
    kept = reading._composer
    fast = parse_yaml(text, "f")
    resolver = next(cls for cls in kept().__mro__ if cls.__name__ == "Resolver")
    composer = _slow(resolver)(text)
    assert reading._Reader("f").value(composer.get_single_node()) == fast


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(PylightnixError, match=r"pip install 'pylightnix\[pipelines\]'"):
        parse_yaml("a: 1", "f")
