"""Proofs of concurrency, damage, copies and bad input, in short; `make prove` has the long ones."""

from __future__ import annotations

from importlib import import_module

import pytest

POINTS = {
    "stress": 1,
    "collector": 12,
    "damage": 45,
    "index_damage": 15,
    "rsync_cut": 6,
    "bad_input": 24,
    "machine": 12,
}


@pytest.mark.slow
@pytest.mark.parametrize("module", POINTS)
def test_a_few_points_of_the_proof_hold(module: str) -> None:
    outcome = import_module(f"prove.{module}").prove(POINTS[module], seed=1)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.ok, outcome.figure
    assert outcome.points >= POINTS[module]
