"""The proofs of tests/prove that fit into the everyday suite: few points each.

Every pass of the suite (plain, `-O`, not root) tries other ones. `make prove` runs all of them at
length.
"""

from __future__ import annotations

import os
from importlib import import_module

import pytest

from prove.table import PROOFS

SHORT = {proof.module: proof.short for proof in PROOFS}
SEED = 1 + 2 * (not __debug__) + (os.geteuid() != 0)


@pytest.mark.parametrize("module", ["points", "interleave", "powerloss"])
def test_a_few_points_of_the_proof_hold(module: str) -> None:
    outcome = import_module(f"prove.{module}").prove(SHORT[module], SEED)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.ok, outcome.figure
    assert outcome.points >= SHORT[module]
