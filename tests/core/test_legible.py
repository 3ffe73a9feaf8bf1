from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.legible import duration, shown, size


@given(st.text(st.characters(exclude_categories=())))  # lone surrogates too
def test_shown_text_keeps_its_lines_and_nothing_else_that_moves_the_cursor(text: str) -> None:
    assert shown(text).count("\n") == text.count("\n")
    assert shown(text).replace("\n", "").replace("\t", "").isprintable()


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (5 << 30, "5.0 GiB"),
        (1 << 70, "1024.0 EiB"),
    ],
)
def test_sizes_are_told_in_the_largest_unit_that_fits(n_bytes: int, text: str) -> None:
    assert size(n_bytes) == text


@given(st.integers(0, 1 << 60))
def test_a_size_never_needs_more_than_four_digits_before_the_point(n_bytes: int) -> None:
    assert len(size(n_bytes).partition(" ")[0].partition(".")[0]) <= 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.000 s"),
        (9.9994, "9.999 s"),
        (12.3, "12 s"),
        (59.6, "1 min 0 s"),
        (75, "1 min 15 s"),
        (3_600, "1 h 0 min"),
        (90_061, "25 h 1 min"),
    ],
)
def test_a_duration_is_told_as_precisely_as_matters(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_nobody_knows_is_a_dash() -> None:
    assert duration(None) == "-"
