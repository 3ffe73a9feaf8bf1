"""Two processes work on one closure at once: nothing is built twice, and both get the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pylightnix import DRef, Store, instantiate, realize, store_drefs, store_rrefs, use_store
from stages_for_tests import all_at_once, all_faults, lines_of, noisy, note, scratch_left, strangers


def diamond(journal: Path, round_: int) -> DRef:
    """Ten stages on three levels; what a builder makes differs from time to time."""
    bases = [noisy(f"base{i}", journal=journal, round=round_) for i in range(4)]
    middles = [noisy(f"middle{i}", *bases[i : i + 2], journal=journal) for i in range(3)]
    tops = [noisy(f"top{i}", *middles[i:], journal=journal) for i in range(2)]
    return noisy("summit", *tops, bases[0], journal=journal)


@pytest.mark.parametrize("round_", range(10))
def test_two_processes_build_a_closure_together(round_: int, store: Store, tmp_path: Path) -> None:
    journal, found = tmp_path / "journal", tmp_path / "found"

    def work() -> None:
        note(found, realize(instantiate(diamond, journal, round_)))

    with use_store(store):
        assert all_at_once([work, work]) == [0, 0]
        assert len(lines_of(found)) == 2
        assert len(set(lines_of(found))) == 1
        assert [stage for stage, times in Counter(lines_of(journal)).items() if times > 1] == []
        assert len(lines_of(journal)) == 10
        assert all(len(store_rrefs(dref)) == 1 for dref in store_drefs())
        assert [*all_faults(store), *strangers(store), *scratch_left(store)] == []


def test_two_processes_with_different_targets_share_what_both_need(
    store: Store, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"

    def branch(name: str) -> DRef:
        base = noisy("base", journal=journal)
        shared = noisy("shared", base, journal=journal)
        return noisy(name, shared, journal=journal)

    with use_store(store):
        works = [lambda name=name: realize(instantiate(branch, name)) for name in "abcd"]
        assert all_at_once(works) == [0] * 4
        assert sorted(lines_of(journal)) == ["a", "b", "base", "c", "d", "shared"]
