"""Laws of what can be said: whatever leaves a process arrives as it was, or is refused."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import OrderedDict, namedtuple
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.pods import documents
from pylightnix.pods.codec import codec
from pylightnix.pods.dialects import MSGPACK, spoken
from pylightnix.pods.tongue import CannotCross, Garbled, flatten, revive

Codec = tuple[Any, Any]
ATOMS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=())),
    st.binary(),
    st.complex_numbers(allow_nan=False),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC])),
    st.dates(),
    st.timedeltas(),
)
HASHABLE = st.recursive(
    ATOMS.filter(lambda x: x == x),
    lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner, max_size=4)),
    max_leaves=4,
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(HASHABLE, inner, max_size=4),
        st.dictionaries(st.text(), inner, max_size=4),
        st.sets(HASHABLE, max_size=4),
        st.lists(st.integers(), min_size=16, max_size=40),
        st.lists(st.floats(allow_nan=False), min_size=16, max_size=40),
    ),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Equal, and of equal types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return all(map(same, a.values(), b.values())) and list(a) == list(b)
    return bool(a == b)


def across(value: Any, write: Any, read: Any) -> Any:
    return revive(read(write({"v": flatten(value, None)}))["v"], None)


@given(VALUES)
def test_a_value_arrives_as_it_was(value: Any) -> None:
    assert same(across(value, documents.encode, documents.decode), value)


@given(VALUES)
def test_both_ways_to_write_are_read_by_both(value: Any) -> None:
    encode, decode = codec()
    assert same(across(value, encode, documents.decode), value)
    assert same(across(value, documents.encode, decode), value)


@pytest.fixture(scope="module")
def msgpack() -> Codec:
    found = spoken(MSGPACK, documents.encode, documents.decode)
    if found is None:
        pytest.skip("msgpack is not installed, or in plain Python only")
    return found


@given(value=VALUES)
def test_a_value_arrives_by_msgpack_as_it_was(value: Any, msgpack: Codec) -> None:
    write, read = msgpack
    assert same(across(value, write, read), value)
    assert same(across(value, documents.encode, read), value)  # BSON is understood beside it


def test_what_is_too_deep_for_msgpack_goes_as_bson(msgpack: Codec) -> None:
    found = spoken(MSGPACK, lambda doc: b"as BSON", documents.decode)
    deep: Any = 1
    for _ in range(2000):
        deep = [deep]
    assert found is not None
    assert found[0]({"v": deep}) == b"as BSON"


@given(value=VALUES, at=st.integers(4, 400), byte=st.integers(0, 255))
def test_damaged_msgpack_is_read_or_garbled(value: Any, at: int, byte: int, msgpack: Codec) -> None:
    write, read = msgpack
    data = bytearray(write({"v": flatten(value, None)}))
    data[4 + at % (len(data) - 4)] = byte
    try:
        revive(read(bytes(data)), None)
    except Garbled:
        return


@given(VALUES)
def test_both_ways_to_write_give_the_same_bytes(value: Any) -> None:
    flat = {"v": flatten(value, None)}
    assert codec()[0](flat) == documents.encode(flat)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_document_are_garbled_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Garbled):
        revive(documents.decode(data + b"x"), None)


@given(VALUES, st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_document_is_read_or_garbled(value: Any, at: int, byte: int) -> None:
    data = bytearray(documents.encode({"v": flatten(value, None)}))
    data[at % len(data)] = byte
    for decode in (documents.decode, codec()[1]):
        try:
            revive(decode(bytes(data)), None)
        except Garbled:
            continue


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("given_", "arrives"),
    [
        (Point(1, 2), (1, 2)),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (memoryview(b"x"), b"x"),
        (Path("/a/b"), Path("/a/b")),
        (PurePosixPath("a"), PurePosixPath("a")),
        (bytearray(b"x"), bytearray(b"x")),
        (Decimal("1.50"), Decimal("1.50")),
        (uuid.UUID(int=7), uuid.UUID(int=7)),
        ({"$": 1}, {"$": 1}),
        ({"a\0b": 1, 2: 3, (4,): 5}, {"a\0b": 1, 2: 3, (4,): 5}),
        ({}, {}),
        ({"x": 2**40}, {"x": 2**40}),
    ],
)
def test_kinds_of_values(given_: Any, arrives: Any) -> None:
    got = across(given_, documents.encode, documents.decode)
    assert got == arrives and type(got) is type(arrives)


def test_a_zone_keeps_its_name() -> None:
    zoneinfo = pytest.importorskip("zoneinfo")
    try:
        zone = zoneinfo.ZoneInfo("Europe/Paris")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zones")
    moment = dt.datetime(2024, 7, 1, 12, tzinfo=zone)
    got = across(moment, documents.encode, documents.decode)
    assert got == moment and got.tzinfo.key == "Europe/Paris"


def test_what_cannot_leave_is_refused_by_name() -> None:
    with pytest.raises(CannotCross, match=r"a builtins\.function cannot leave its process"):
        flatten([1, {"deep": lambda: 0}], None)


def test_what_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        flatten(endless, None)


@pytest.mark.parametrize("tag", ["o", "zz", "b+", "n", "q", "i", 7, None])
def test_a_value_of_no_meaning_is_garbled(tag: Any) -> None:
    with pytest.raises(Garbled):
        revive({"$": tag, "v": ["os", "system"]}, None)
