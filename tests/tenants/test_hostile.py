"""The code of a tenant that means harm, on each sandbox: everything that it tries is denied."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostile_tenants import Outcome, matrix
from pylightnix.sandbox.trials import TRIALS

OF_TENANTS = (
    "folder of another", "ways up", "variables of another", "quota of another", "packages of all",
    "packages of the platform", "results of another", "fill", "fill quietly", "fill with many",
    "fill unseen", "fill sparse", "fill names", "print much", "log taken back",
    "links left in scratch", "process left behind", "odd names",
)  # fmt: skip
_found: dict[str, dict[str, Outcome]] = {}


@pytest.mark.parametrize("attempt", [*TRIALS, *OF_TENANTS])
def test_it_is_denied(attempt: str, backend: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if backend not in _found:
        _found[backend] = matrix(Path(tmp_path_factory.mktemp(backend)), backend)
    outcome = _found[backend][attempt]
    assert outcome.denied, f"{attempt}: {outcome.detail}"
    assert set(_found[backend]) == {*TRIALS, *OF_TENANTS}
