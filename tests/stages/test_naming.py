"""What fetched things are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import mkname
from pylightnix.stages.naming import default_name, parse_filename, parse_mode, stem


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("hello-2.10.tar.gz", "hello-2.10"),
        ("a.TGZ", "a"),
        ("a.tbz2", "a"),
        ("a.tar.zst", "a"),
        ("a.tar", "a"),
        ("a.zip", "a"),
        ("data.csv.gz", "data.csv"),
        ("data.csv", "data.csv"),
        ("tar.gz", "tar"),
        (".gz", ".gz"),
        (".tar.gz", ".tar.gz"),
        ("", ""),
    ],
)
def test_the_stem_is_the_name_without_the_suffix_of_an_archive(
    filename: str, expected: str
) -> None:
    assert stem(filename) == expected


def test_odd_characters_become_underscores() -> None:
    assert default_name("hello-2.10.tar.gz") == "hello-2_10"
    assert default_name("gr\u00fc\u00df gott?.zip") == "gr___gott_"


@given(filename=st.text(min_size=1))
def test_every_file_has_a_possible_name(filename: str) -> None:
    assert mkname(default_name(filename))


@pytest.mark.parametrize(
    "filename", ["", ".", "..", "a/b", "a\0b", "\ud800", "n" * 256, ".pylightnix", 5]
)
def test_what_cannot_be_the_name_of_a_file_is_refused(filename: object) -> None:
    with pytest.raises(InvalidValue, match="an address"):
        parse_filename(filename, "an address")


def test_an_unknown_mode_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(InvalidValue, match="'as-is', 'unpack', 'unpack,remove'"):
        parse_mode("remove")
