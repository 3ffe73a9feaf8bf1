"""Which realizations are chosen: by keys, ties by hash, never by the order of the disk."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import (
    InvalidRef,
    InvalidValue,
    Key,
    Matcher,
    MatcherUnsatisfied,
    RRef,
    Store,
    best,
    exact,
    latest,
    match,
    match_all,
    match_best,
    match_exact,
    match_latest,
    match_only,
    match_some,
    texthash,
)
from pylightnix.store.layout import rref_path
from stages_for_tests import put

NOWHERE = Store("/nowhere/store-v1", "/nowhere/var")


def rrefs(count: int) -> list[RRef]:
    return [RRef(f"rref:{i:032x}-{'0' * 32}-thing") for i in range(count)]


class Scores:
    """A key of given marks; realizations beyond them are dropped."""

    def __init__(self, marks: Sequence[int | float | str | None]) -> None:
        self.marks = marks

    def __call__(self, store: Store, rref: RRef) -> int | float | str | None:
        i = int(rref[5:37], 16)
        return self.marks[i] if i < len(self.marks) else None


def indexes(matcher: Matcher, found: Sequence[RRef], store: Store = NOWHERE) -> list[int] | None:
    chosen = matcher(store, found)
    return None if chosen is None else [int(rref[5:37], 16) for rref in chosen]


def test_the_best_come_first() -> None:
    marks = [3, 1, 2.5, 4]
    assert indexes(match(Scores(marks), rmax=None), rrefs(4)) == [3, 0, 2, 1]
    assert indexes(match(Scores(marks), rmin=2, rmax=2), rrefs(4)) == [3, 0]


def test_a_second_key_breaks_ties_and_the_hash_the_rest() -> None:
    first, second = Scores([1, 1, 1, 2]), Scores(["b", "c", "b", "a"])
    assert indexes(match([first, second], rmax=None), rrefs(4)) == [3, 1, 0, 2]
    assert indexes(match((), rmax=None), rrefs(3)) == [0, 1, 2]


def test_none_drops_a_candidate() -> None:
    assert indexes(match(Scores([None, 1, None, 0]), rmax=None), rrefs(4)) == [1, 3]
    assert indexes(match(Scores([None])), rrefs(1)) is None


def test_nan_comes_last_and_numbers_before_text() -> None:
    nan, inf = float("nan"), float("inf")
    marks: list[int | float | str | None] = [nan, -inf, 0, "a", inf, "b", True]
    assert indexes(match(Scores(marks), rmax=None), rrefs(7)) == [5, 3, 4, 6, 2, 1, 0]


MARKS = st.none() | st.integers() | st.floats() | st.text(max_size=3)


@given(st.lists(MARKS, max_size=8), st.randoms())
def test_the_choice_does_not_depend_on_the_order_of_the_disk(
    marks: list[int | float | str | None], random: object
) -> None:
    found = rrefs(len(marks))
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    matcher = match(Scores(marks), rmin=0, rmax=None)
    assert indexes(matcher, found) == indexes(matcher, shuffled)


@given(st.lists(MARKS, max_size=8), st.integers(0, 5), st.none() | st.integers(1, 5), st.booleans())
def test_bounds_say_how_many(
    marks: list[int | float | str | None], rmin: int, rmax: int | None, exclusive: bool
) -> None:
    if rmax is not None and rmin > rmax:
        rmin = rmax
    matcher = match(Scores(marks), rmin, rmax, exclusive)
    candidates = sum(mark is not None for mark in marks)
    if rmax is not None and candidates > rmax and exclusive and candidates >= rmin:
        with pytest.raises(MatcherUnsatisfied):
            matcher(NOWHERE, rrefs(len(marks)))
        return
    chosen = matcher(NOWHERE, rrefs(len(marks)))
    if candidates < rmin:
        assert chosen is None
    else:
        assert chosen is not None
        assert len(chosen) == (candidates if rmax is None else min(rmax, candidates))


@pytest.mark.parametrize(("rmin", "rmax"), [(-1, 1), (2, 1), (0, 0), (1, 0), (0, -1)])
def test_bounds_that_exclude_each_other_are_refused(rmin: int, rmax: int) -> None:
    with pytest.raises(InvalidValue, match="cannot want"):
        match(rmin=rmin, rmax=rmax)


@pytest.mark.parametrize("bad", [0, -1])
def test_less_than_one_of_the_best_is_refused(bad: int) -> None:
    for make in (match_latest, lambda n: match_best("f", n)):
        with pytest.raises(InvalidValue):
            make(bad)


@pytest.mark.parametrize("bad", ["3", 2.5, None, [1]])
def test_what_is_no_number_of_realizations_is_refused(bad: object) -> None:
    makers: list[Callable[[Any], Matcher]] = [
        match_latest,
        match_some,
        lambda n: match(rmin=n),
        lambda n: match_best("f", n),
    ]
    for make in makers:
        with pytest.raises(InvalidValue, match="cannot want"):
            make(bad)


def test_what_is_no_realization_is_refused() -> None:
    with pytest.raises(InvalidRef):
        match_exact(["garbage"])  # type: ignore[list-item]
    with pytest.raises(InvalidRef):
        exact(["garbage"])  # type: ignore[list-item]


@pytest.mark.parametrize("bad", [3, "accuracy", ["accuracy"], [latest(), None]])
def test_what_is_no_key_is_refused(bad: object) -> None:
    with pytest.raises(InvalidValue, match="key"):
        match(bad)  # type: ignore[arg-type]


def test_exactly_one() -> None:
    assert indexes(match_only(), []) is None
    assert indexes(match_only(), rrefs(1)) == [0]
    with pytest.raises(MatcherUnsatisfied, match="no more than 1") as caught:
        match_only()(NOWHERE, rrefs(3))
    assert caught.value.found == tuple(rrefs(3))
    assert caught.value.dref == f"dref:{'0' * 32}-thing"


def test_at_least_some_and_all_there_are() -> None:
    assert indexes(match_some(2), rrefs(1)) is None
    assert indexes(match_some(2), rrefs(4)) == [0, 1, 2, 3]
    assert indexes(match_some(0), []) == []
    assert indexes(match_all(), []) is None
    assert indexes(match_all(), rrefs(3)) == [0, 1, 2]


def test_exactly_these() -> None:
    a, b, c = rrefs(3)
    assert indexes(match_exact([c, a]), [a, b, c]) == [2, 0]
    assert indexes(match_exact([c, a, c]), [a, b, c]) == [2, 0]
    assert indexes(match_exact([c, a]), [a, b]) is None
    assert indexes(match_exact([]), [a]) == []
    assert indexes(match(exact([b])), [a, b, c]) == [1]


def test_a_choice_without_meaning_is_the_same_everywhere() -> None:
    assert indexes(match(texthash(), rmin=2, rmax=2), rrefs(4)) == [3, 2]


def test_lacking_counts_those_that_count() -> None:
    matcher = match(Scores([1, None, 2, None]), rmin=3, rmax=None)
    assert isinstance(matcher, object)
    assert matcher.lacks(NOWHERE, rrefs(4)) == 1  # type: ignore[attr-defined]
    assert matcher.lacks(NOWHERE, rrefs(2)) == 2  # type: ignore[attr-defined]


def test_the_latest_is_the_one_whose_build_ended_last(store: Store) -> None:
    times = ["2024-01-01T00:00:00.000000+00:00", "2026-01-01T00:00:00.000000+00:00", "2025-06-01"]
    old, new, middle = (put(store, {"a": str(i)}, stop=time) for i, time in enumerate(times))
    assert match_latest()(store, [old, new, middle]) == [new]
    assert match_latest(2)(store, sorted([old, new, middle])) == [new, middle]
    assert match_latest(4)(store, [old, new, middle]) is None


def test_a_lost_time_is_endlessly_long_ago(store: Store) -> None:
    lost, known = put(store, {"a": "0"}), put(store, {"a": "1"})
    folder = Path(rref_path(store, lost)) / ".pylightnix"
    folder.chmod(0o755)
    (folder / "build.json").unlink()
    assert match_latest(2)(store, [lost, known]) == [known, lost]


def test_the_best_is_the_one_with_the_highest_number(store: Store) -> None:
    contents = {
        "low": b"0.5\nmore",
        "high": b" 12.5 ",
        "exponent": b"1e3",
        "negative": b"-7",
        "nan": b"nan",
        "text": b"good",
        "empty": b"",
        "binary": b"\xff\xfe",
        "long": b"1" + b"0" * 5000,
    }
    made = {name: put(store, {"score": data}, tag=name, x=1) for name, data in contents.items()}
    made["missing"] = put(store, {}, tag="missing")
    made["folder"] = put(store, {"score": None}, tag="folder")
    chosen = match_best("score", n=4)(store, list(made.values()))
    names = {rref: name for name, rref in made.items()}
    assert chosen is not None
    assert {names[rref] for rref in chosen[:2]} == {"exponent", "long"}
    assert [names[rref] for rref in chosen[2:]] == ["high", "low"]
    key = best(Path("score"))
    worst = [name for name, rref in made.items() if key(store, rref) == float("-inf")]
    assert worst == ["nan", "text", "empty", "binary", "missing", "folder"]


def test_the_time_of_a_build_is_a_key_like_others(store: Store) -> None:
    rref = put(store, {}, stop="2024-01-01T00:00:00.000000+00:00")
    assert latest()(store, rref) == "2024-01-01T00:00:00.000000+00:00"


KEYS: list[Key] = [latest(), best("f"), exact(rrefs(1)), texthash()]


@pytest.mark.parametrize("value", [*KEYS, match_only(), match_best("f", 3), match_exact(rrefs(2))])
def test_matchers_and_keys_are_values_that_travel(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(value) == hash(pickle.loads(pickle.dumps(value)))


def test_two_thousand_realizations_are_matched_quickly(store: Store) -> None:
    from time import perf_counter

    one = put(store, {"score": "1"})
    found = [one] * 2000
    begin = perf_counter()
    assert match_best("score", 2000)(store, found) == found
    assert perf_counter() - begin < 2
    assert os.path.exists(rref_path(store, one))
