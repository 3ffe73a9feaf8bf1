from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.cli.times import (
    InvalidSpan,
    InvalidTime,
    age,
    moment,
    seconds_of,
    since,
    span,
)
from pylightnix.core.errors import InvalidValue

NOW_S = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "ago_s"),
    [("0", 0), ("90", 90), ("1.5", 1.5), ("90s", 90), ("10m", 600), ("2h", 7_200), ("3d", 259_200)],
)
def test_a_span_is_so_long_ago(text: str, ago_s: float) -> None:
    assert since(text, NOW_S) == NOW_S - ago_s
    assert span(text) == ago_s


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
def test_a_date_is_that_moment(when: datetime) -> None:
    zoned = when.replace(tzinfo=UTC)
    assert since(zoned.isoformat(), NOW_S) == zoned.timestamp()
    assert since(when.isoformat(), NOW_S) == when.timestamp()


def test_a_date_without_a_time_is_its_midnight_here() -> None:
    assert since("2026-01-31", NOW_S) == datetime(2026, 1, 31).timestamp()


def test_seconds_since_1970_are_marked() -> None:
    assert since("@12.5", NOW_S) == 12.5


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "-5", "2 h", "2y", "h", "@", "@x", "nan", "inf", "1e5", "1_0", "1.2.3", "²"],
)
def test_what_is_no_time_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(InvalidTime, match="2h, 3d") as caught:
        since(text, NOW_S)
    assert isinstance(caught.value, InvalidValue)
    assert caught.value.text == text


@pytest.mark.parametrize("text", ["", "-5", "2 h", "2y", "h", "@5", "2026-01-31", "nan", "inf"])
def test_what_is_no_span_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(InvalidSpan, match="2h, 3d") as caught:
        span(text)
    assert isinstance(caught.value, InvalidValue)
    assert caught.value.text == text


def test_a_number_too_large_for_a_computer_is_no_time() -> None:
    with pytest.raises(InvalidTime):
        since("9" * 400, NOW_S)


@given(st.text())
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    try:
        assert isinstance(since(text, NOW_S), float)
    except InvalidTime as error:
        assert repr(text) in str(error)


@pytest.mark.parametrize(
    ("ago_s", "text"),
    [
        (0.4, "0 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (86_400, "1 d ago"),
        (364 * 86_400, "364 d ago"),
        (730 * 86_400, "2 y ago"),
        (-0.5, "0 s ago"),
        (-3_600, "in the future"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(ago_s: float, text: str) -> None:
    assert age(NOW_S - ago_s, NOW_S) == text


def test_what_nobody_knows_is_a_dash() -> None:
    assert {age(None, NOW_S), moment(None)} == {"-"}


def test_a_moment_is_told_to_the_second() -> None:
    assert moment(NOW_S + 0.9, UTC) == "2023-11-14 22:13:20"


def test_a_moment_outside_of_the_calendar_is_unknown() -> None:
    assert moment(1e18) == "-"


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01"])
def test_what_is_no_iso_time_has_no_seconds(text: str) -> None:
    assert seconds_of(text) is None
