"""Laws of references: printing and parsing are inverse, and nothing else parses."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.refs import (
    DRef,
    InvalidName,
    InvalidRef,
    Name,
    RRef,
    isdref,
    isrref,
    mkdref,
    mkname,
    mkrref,
    rref2dref,
    undref,
    unrref,
)
from strategies import drefs, hashes, names, rrefs

# The specification's words as patterns; \Z, for `$` would let a trailing newline pass.
NAME = r"[A-Za-z0-9_-]{1,128}\Z"
DREF = re.compile(rf"dref:[0-9a-f]{{32}}-{NAME}", re.ASCII)
RREF = re.compile(rf"rref:[0-9a-f]{{32}}-[0-9a-f]{{32}}-{NAME}", re.ASCII)


def parses(make: Callable[[str], object], text: str) -> bool:
    try:
        return make(text) == text
    except (InvalidRef, InvalidName):
        return False


@st.composite
def nearly(draw: st.DrawFn) -> str:
    """A reference with one character replaced, added or taken away, or none; or any text."""
    text = draw(drefs().map(str) | rrefs().map(str) | st.text(max_size=80))
    at = draw(st.integers(0, len(text)))
    put = draw(st.text(max_size=1) | st.sampled_from(list("\n-_.:/0aAgG\0٣")))
    return text[:at] + put + text[at + draw(st.integers(0, 1)) :]


@given(hashes(), names())
def test_a_derivation_reference_comes_apart_into_what_it_was_made_of(dhash: str, name: str) -> None:
    dref = mkdref(dhash, name)
    assert undref(dref) == (dhash, name)
    assert mkdref(*undref(dref)) == DRef(str(dref)) == dref == f"dref:{dhash}-{name}"


@given(hashes(), hashes(), names())
def test_a_realization_reference_comes_apart_into_what_it_was_made_of(
    rhash: str, dhash: str, name: str
) -> None:
    rref = mkrref(rhash, dhash, name)
    assert unrref(rref) == (rhash, dhash, name)
    assert mkrref(*unrref(rref)) == RRef(str(rref)) == rref == f"rref:{rhash}-{dhash}-{name}"
    assert rref2dref(rref) == mkdref(dhash, name)


@given(nearly())
def test_a_text_parses_only_if_it_has_the_form(text: str) -> None:
    assert isdref(text) == parses(DRef, text) == bool(DREF.match(text))
    assert isrref(text) == parses(RRef, text) == bool(RREF.match(text))


@given(st.text(max_size=130) | names() | names().map(lambda name: name + "\n"))
def test_a_text_is_a_name_only_if_it_has_the_form(text: str) -> None:
    assert parses(mkname, text) == bool(re.match(NAME, text, re.ASCII))


@given(
    st.text(max_size=40) | hashes(), st.text(max_size=40) | hashes(), st.text(max_size=9) | names()
)
def test_parts_make_a_reference_only_if_each_has_its_form(one: str, two: str, name: str) -> None:
    good = [bool(re.match(r"[0-9a-f]{32}\Z", part, re.ASCII)) for part in (one, two)]
    named = parses(Name, name)

    def makes(make: Callable[..., str], *parts: str) -> bool:
        try:
            return bool(make(*parts))
        except InvalidRef:
            return False

    assert makes(mkdref, one, name) == (good[0] and named)
    assert makes(mkrref, one, two, name) == (all(good) and named)


@given(drefs() | rrefs())
def test_no_reference_is_of_both_kinds(ref: str) -> None:
    assert isdref(str(ref)) != isrref(str(ref))


@given(drefs(), drefs(), rrefs(), rrefs())
def test_references_sort_as_their_texts_do(a: DRef, b: DRef, c: RRef, d: RRef) -> None:
    assert sorted([a, b, c, d]) == sorted(map(str, [a, b, c, d]))
