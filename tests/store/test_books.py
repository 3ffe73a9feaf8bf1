"""Rows of the index: a shelf comes back as it went, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.refs import DRef, RRef
from pylightnix.store.books import (
    NOBODY,
    Book,
    ConfigFacts,
    Shelf,
    as_word,
    decode_shelf,
    encode_shelf,
    lines_of_row,
    outline_of_row,
    row_tails,
    rrefs_in_row,
)
from strategies import drefs, node, rrefs

DREF = node(0)
numbers = st.integers(0, 2**63)
times_s = st.floats(0, 4e9)
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=2)


def needs() -> st.SearchStrategy[tuple[RRef, ...]]:
    return st.lists(rrefs(), max_size=3).map(tuple)


def books(dref: DRef) -> st.SearchStrategy[Book]:
    context = st.text("0123456789abcdef", min_size=32, max_size=32)
    return st.builds(Book, rrefs(dref), context, st.just("") | words, numbers, times_s, needs())


def shelves(dref: DRef) -> st.SearchStrategy[Shelf]:
    facts = st.builds(ConfigFacts, st.integers(-1), times_s, st.lists(drefs()).map(tuple))
    return st.builds(
        Shelf,
        st.tuples(numbers, numbers, numbers),
        st.lists(books(dref), max_size=3).map(tuple),
        st.just(()),
        st.none() | facts,
        durable=st.booleans(),
    ) | st.builds(
        Shelf, st.tuples(numbers, numbers, numbers), st.just(()), has_config=st.just(False)
    )


@given(shelves(DREF))
def test_a_shelf_comes_back_from_its_row(shelf: Shelf) -> None:
    assert decode_shelf(DREF, encode_shelf(shelf)) == shelf


@given(shelves(DREF))
def test_a_row_is_read_in_part_as_it_is_read_whole(shelf: Shelf) -> None:
    row = encode_shelf(shelf)
    state = "".join(f"{number} " for number in shelf.identity)
    assert row.startswith(state)
    assert row.startswith(row_tails(durable=False), len(state))
    assert row.startswith(row_tails(durable=True), len(state)) == shelf.durable
    assert rrefs_in_row(DREF, row) == [book.rref for book in shelf.books]
    if shelf.config is None:
        assert outline_of_row(DREF, row) is None
        assert lines_of_row(DREF, row) is None
        return
    parts = {book.rref: book.size_bytes for book in shelf.books}
    total = max(0, shelf.config.size_bytes) + sum(parts.values())
    newest = max((book.stop for book in shelf.books), default="")
    assert outline_of_row(DREF, row) == (total, parts, newest)
    lines = [
        (book.rref, book.size_bytes, book.arrived_s, book.stop, (DREF, *book.needs))
        for book in shelf.books
    ]
    facts = shelf.config
    own = (DREF, facts.size_bytes, facts.arrived_s, "", facts.deps)
    assert lines_of_row(DREF, row) == (None if facts.size_bytes == -1 else [own, *lines])


def test_an_end_that_nobody_knows_is_before_any_other() -> None:
    of = str(DREF)[5:]
    made = [
        Book(RRef(f"rref:{n:032x}-{of}"), "0" * 32, stop, 0, 0.0, ())
        for n, stop in enumerate(["", "!early"])
    ]
    shelf = Shelf((1, 2, 3), tuple(made), config=ConfigFacts(0, 0.0, ()))
    outline = outline_of_row(DREF, encode_shelf(shelf))
    assert outline == (0, {book.rref: 0 for book in made}, "!early")


def test_a_row_of_an_earlier_run_of_the_machine_is_of_no_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = encode_shelf(Shelf((1, 2, 3), ()))
    monkeypatch.setattr("pylightnix.store.books.boot_id", lambda: "later")
    assert decode_shelf(DREF, row) == Shelf(NOBODY, ())


@pytest.mark.parametrize(
    "row",
    [
        "",
        "\n",
        "[]",
        "1 2 3 1\n",
        "1 2 3 1 x y\n",
        "1 2 x 1 boot\n",
        "1 2 3 1 boot\n1",
        "1 2 3 1 boot\n1 x",
        "1 2 3 1 boot\n\n",
        "1 2 3 1 boot\n\na b - 1",
        "1 2 3 1 boot\n\na b - x 1",
    ],
)
def test_what_is_no_row_is_refused(row: str) -> None:
    with pytest.raises(ValueError):
        decode_shelf(DREF, row)


@given(st.text())
def test_nothing_but_a_word_gets_into_a_row(text: str) -> None:
    word = as_word(text)
    assert word in (text, "")
    assert len(f"{word}x".split()) == len(f"{word}x".split(" ")) == 1
    assert word.encode("ascii").decode() == word


@pytest.mark.parametrize("text", ["2024-05-01T10:00:00.000001+00:00", "yesterday"])
def test_times_are_words(text: str) -> None:
    assert as_word(text) == text
