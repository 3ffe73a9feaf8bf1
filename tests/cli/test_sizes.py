from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.cli.sizes import InvalidSize, bytes_of
from pylightnix.core.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        ("0", 0),
        ("455", 455),
        ("1K", 1 << 10),
        ("500M", 500 << 20),
        ("2G", 2 << 30),
        ("1T", 1 << 40),
    ],
)
def test_sizes_are_counted_in_steps_of_1024(text: str, n_bytes: int) -> None:
    assert bytes_of(text) == bytes_of(text.lower()) == n_bytes


def test_half_a_unit_and_the_long_form_are_understood() -> None:
    assert bytes_of("1.5K") == 1536
    assert bytes_of("2GiB") == bytes_of("2G")


@given(st.integers(0, 1 << 52))
def test_a_number_of_bytes_is_itself(n_bytes: int) -> None:
    assert bytes_of(str(n_bytes)) == n_bytes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "G",
        "iB",
        "5iB",
        "2GB",
        "2 G",
        "-1",
        "1e9",
        "nan",
        "2X",
        "2G2",
        "\u00b2",
        "9" * 400,
        "9" * 30,
    ],
)
def test_what_is_no_size_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(InvalidSize, match="steps of 1024") as caught:
        bytes_of(text)
    assert isinstance(caught.value, InvalidValue)
    assert caught.value.text == text


@given(st.text())
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    try:
        assert bytes_of(text) >= 0
    except InvalidSize as error:
        assert repr(text) in str(error)
