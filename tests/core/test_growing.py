"""A growing mapping is a value: no step is seen by those before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.growing import Growing

steps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=30)


@given(st.dictionaries(st.integers(0, 9), st.integers()), steps)
def test_every_version_stays_what_a_copied_dictionary_would_be(
    start: dict[int, int], steps: list[tuple[int, int, int]]
) -> None:
    versions = [(Growing(start), dict(start))]
    for key, item, back in steps:
        # Mostly the last version is added to; now and then one before it.
        growing, plain = versions[-1 - back if back < len(versions) else -1]
        versions.append((growing.plus(key, item), {**plain, key: item}))
    for growing, plain in versions:
        assert growing == plain
        assert list(growing) == list(plain)
        assert len(growing) == len(plain)
        assert all((key in growing) == (key in plain) for key in range(-1, 11))
        assert all(growing.get(key) == plain.get(key) for key in range(-1, 11))


def test_a_later_item_is_not_there_before() -> None:
    before: Growing[str, int] = Growing({})
    after = before.plus("a", 1)
    assert after["a"] == 1
    with pytest.raises(KeyError):
        before["a"]


def test_it_can_be_added_to_while_it_is_walked() -> None:
    first = last = Growing({"a": 1, "b": 2})
    for key in first:
        last = last.plus(key * 2, 0)
    assert list(last) == ["a", "b", "aa", "bb"]
    assert repr(first) == "Growing({'a': 1, 'b': 2})"
