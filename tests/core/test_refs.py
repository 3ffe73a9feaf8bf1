"""References and names: only well-formed ones exist."""

from __future__ import annotations

import copy
import enum
import pickle
from collections.abc import Callable

import pytest

from pylightnix.core.errors import InvalidValue, PylightnixError
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

D, E = "0123456789abcdef" * 2, "f" * 32
DREF, RREF = f"dref:{D}-hello", f"rref:{E}-{D}-hello"

BAD_NAMES = {
    "empty": "",
    "too long": "a" * 129,
    "a trailing newline": "hello\n",
    "a leading newline": "\nhello",
    "a newline inside": "hel\nlo",
    "a dot": "hello.txt",
    "a slash": "a/b",
    "a parent folder": "..",
    "a space": "a b",
    "a NUL": "a\0",
    "a letter that is not ASCII": "é",
    "a digit that is not ASCII": "\u0663",
    "a colon": "dref:x",
    "a lone surrogate": "\ud800",
}
BAD_HASHES = {
    "empty": "",
    "too short": D[:-1],
    "too long": D + "0",
    "upper-case": D.upper(),
    "not hex": "g" * 32,
    "digits that are not ASCII": "\u0663" * 32,
    "full-width digits": "\uff10" * 32,
    "a trailing newline": D[:-1] + "\n",
    "with the beginning of a name": D + "-a",
    "of another length and with a hyphen": D[:30] + "-a",
}


class Label(str, enum.Enum):  # noqa: UP042
    """What users do: `str()` of a member is its label, not its text."""

    DREF = DREF
    RREF = RREF
    NAME = "hello"
    HASH = D


class Liar(str):
    """A str that shows another text than it has."""

    def __str__(self) -> str:
        return "../../etc/passwd"


@pytest.mark.parametrize("text", BAD_NAMES.values(), ids=BAD_NAMES)
@pytest.mark.parametrize(
    "make",
    [
        mkname,
        Name,
        lambda name: mkdref(D, name),
        lambda name: mkrref(E, D, name),
        lambda name: DRef(f"dref:{D}-{name}"),
        lambda name: RRef(f"rref:{E}-{D}-{name}"),
    ],
    ids=["mkname", "Name", "mkdref", "mkrref", "DRef", "RRef"],
)
def test_a_bad_name_is_refused_everywhere(make: Callable[[str], object], text: str) -> None:
    with pytest.raises((InvalidName, InvalidRef)):
        make(text)


@pytest.mark.parametrize("text", BAD_HASHES.values(), ids=BAD_HASHES)
@pytest.mark.parametrize(
    "make",
    [
        lambda dhash: mkdref(dhash, "a"),
        lambda rhash: mkrref(rhash, D, "a"),
        lambda dhash: mkrref(E, dhash, "a"),
    ],
    ids=["mkdref", "mkrref rhash", "mkrref dhash"],
)
def test_a_bad_hash_is_refused_everywhere(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(InvalidRef):
        make(text)


@pytest.mark.parametrize(
    "text", [t for why, t in BAD_HASHES.items() if why != "with the beginning of a name"]
)
def test_a_reference_with_a_bad_hash_does_not_parse(text: str) -> None:
    for make, ref in [
        (DRef, f"dref:{text}-a"),
        (RRef, f"rref:{text}-{D}-a"),
        (RRef, f"rref:{E}-{text}-a"),
    ]:
        with pytest.raises(InvalidRef):
            make(ref)


def test_what_follows_the_hash_belongs_to_the_name() -> None:
    assert undref(f"dref:{D}-{E}-a") == (D, f"{E}-a")
    assert unrref(f"rref:{E}-{D}-{E}") == (E, D, E)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dref:",
        "bad",
        DREF[5:],
        DREF.upper(),
        DREF.replace("dref", "rref"),
        DREF.replace("dref:", "dref "),
        DREF.replace("-", "_"),
        RREF,
        f" {DREF}",
        f"{DREF}\n",
        f"{DREF}/",
        None,
        0,
        DREF.encode(),
        [DREF],
    ],
)
def test_what_is_not_a_derivation_reference_is_refused(text: object) -> None:
    assert not isdref(text)
    with pytest.raises(InvalidRef, match="derivation reference"):
        DRef(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rref:",
        "bad",
        DREF,
        RREF[5:],
        RREF.replace("rref", "dref"),
        RREF.upper(),
        RREF.replace("-hello", ""),
        RREF.replace("-hello", "_hello"),
        f"{RREF}\n",
        f"rref:{E}_{D}-hello",
        None,
        RREF.encode(),
    ],
)
def test_what_is_not_a_realization_reference_is_refused(text: object) -> None:
    assert not isrref(text)
    with pytest.raises(InvalidRef, match="realization reference"):
        RRef(text)


def test_references_are_taken_apart_into_what_they_were_made_of() -> None:
    assert undref(mkdref(D, "hello")) == (D, "hello")
    assert unrref(mkrref(E, D, "hello")) == (E, D, "hello")
    assert rref2dref(RREF) == DREF
    assert type(rref2dref(RREF)) is DRef
    assert type(undref(DREF)[1]) is type(unrref(RREF)[2]) is Name


def test_only_references_are_taken_apart() -> None:
    for take_apart, text in [(undref, RREF), (unrref, DREF), (rref2dref, DREF), (undref, "x")]:
        with pytest.raises(InvalidRef):
            take_apart(text)


def test_strings_of_the_right_form_are_recognized() -> None:
    assert isdref(DREF)
    assert isdref(DRef(DREF))
    assert isrref(RREF)
    assert isrref(RRef(RREF))


def test_names_of_one_and_of_128_characters_are_names() -> None:
    for name in ("a", "-", "_", "0", "Z" * 128):
        assert mkname(name) == name
        assert undref(mkdref(D, name))[1] == name


def test_making_a_reference_again_gives_the_same() -> None:
    for made in (DRef(DREF), RRef(RREF), mkname("hello")):
        assert type(made)(made) == made
        assert type(type(made)(made)) is type(made)


def test_a_member_of_an_enumeration_counts_as_its_text() -> None:
    assert DRef(Label.DREF) == DREF
    assert RRef(Label.RREF) == RREF
    assert mkname(Label.NAME) == "hello"
    assert str(mkdref(Label.HASH, "hello")) == DREF
    assert {type(part) for part in undref(Label.DREF)} == {str, Name}


def test_what_is_checked_is_what_is_kept() -> None:
    assert str(DRef(Liar(DREF))) == DREF
    assert str(RRef(Liar(RREF))) == RREF
    assert str(mkname(Liar("hello"))) == "hello"


def test_references_are_strings_with_nothing_beside() -> None:
    for ref in (DRef(DREF), RRef(RREF), mkname("hello")):
        assert isinstance(ref, str)
        assert not hasattr(ref, "__dict__")


def test_references_survive_pickling_and_copying() -> None:
    for ref in (DRef(DREF), RRef(RREF), mkname("hello")):
        for again in (pickle.loads(pickle.dumps(ref)), copy.deepcopy(ref)):
            assert again == ref
            assert type(again) is type(ref)


def test_a_pickle_cannot_smuggle_a_bad_reference_in() -> None:
    forged = pickle.dumps(DRef(DREF)).replace(b"hello", b"../ab")
    with pytest.raises(InvalidRef):
        pickle.loads(forged)


@pytest.mark.parametrize(
    ("make", "what", "advice"),
    [
        (lambda: DRef("bad"), "'bad'", "dref:<32 hex>-<name>"),
        (lambda: RRef("bad"), "'bad'", "rref:<32 hex>-<32 hex>-<name>"),
        (lambda: mkdref("bad", "a"), "'bad'", "32 lower-case hex digits"),
        (lambda: mkname("a.b"), "'a.b'", "A-Z a-z 0-9 _ and -"),
    ],
    ids=["DRef", "RRef", "hash", "name"],
)
def test_the_error_says_what_was_given_and_what_is_wanted(
    make: Callable[[], object], what: str, advice: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        make()
    assert what in str(caught.value)
    assert advice in str(caught.value)
    assert isinstance(caught.value, PylightnixError)
    assert isinstance(caught.value, ValueError)


def test_a_long_text_is_cut_in_the_error() -> None:
    with pytest.raises(InvalidName) as caught:
        mkname("a" * 10_000)
    assert len(str(caught.value)) < 500
