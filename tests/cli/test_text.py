from __future__ import annotations

import json
from ast import literal_eval

from hypothesis import given
from hypothesis import strategies as st

from pylightnix.cli.text import columns, count, escaped, indented, pretty

anything = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@given(anything)
def test_an_escaped_name_is_one_printable_line(name: str) -> None:
    assert escaped(name).isprintable()


@given(anything.filter(lambda name: "'" not in name))
def test_an_escaped_name_can_be_read_back(name: str) -> None:
    assert literal_eval(f"'{escaped(name)}'") == name


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal() -> None:
    assert escaped("a\nb\t\x1b[31m\x9b\u202e\\ é 中") == r"a\nb\t\x1b[31m\x9b\u202e\\ é 中"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | anything,
    lambda inner: st.lists(inner) | st.dictionaries(anything, inner),
    max_leaves=10,
)


@given(json_values)
def test_a_pretty_value_is_still_the_same_json(value: object) -> None:
    assert json.loads(pretty(value)) == value


def test_one_thing_is_singular() -> None:
    assert [count(n, "link") for n in (0, 1, 2, 1000)] == [
        "0 links",
        "1 link",
        "2 links",
        "1,000 links",
    ]


cells = st.text("abcé ", max_size=5)


@given(st.lists(st.tuples(cells, cells, st.just("|"))))
def test_columns_begin_at_one_place(rows: list[tuple[str, str, str]]) -> None:
    assert len({line.index("|") for line in columns(rows)}) <= 1


def test_numbers_end_at_one_place() -> None:
    assert columns([("a", "1 B"), ("b", "10 B")], right=(1,)) == ["a   1 B", "b  10 B"]


def test_no_line_ends_with_spaces() -> None:
    assert columns([("a", ""), ("b", "long")]) == ["a", "b  long"]


def test_no_rows_are_no_lines() -> None:
    assert columns([]) == []
    assert indented([]) == []
