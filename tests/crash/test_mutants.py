"""The bugs that are seeded to try the proofs still fit the library; `make prove` tries them."""

from __future__ import annotations

import pytest

from prove.mutants import Unfit, fits, mutated
from prove.mutations import MUTANTS
from prove.table import PROOFS


def test_the_text_of_every_mutant_is_there_exactly_once() -> None:
    assert fits() == []


def test_there_are_enough_mutants_of_different_names() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20


def test_every_mutant_names_a_proof() -> None:
    assert {mutant.proof for mutant in MUTANTS} < {proof.module for proof in PROOFS}


@pytest.mark.parametrize("text", ["", "{0} and {0}"])
def test_a_mutant_that_does_not_fit_is_refused_by_name(text: str) -> None:
    mutant = MUTANTS[0]
    with pytest.raises(Unfit, match=mutant.name):
        mutated(mutant, text.format(mutant.old))
