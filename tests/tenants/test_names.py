"""What `pylightnix.tenants` publishes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from pylightnix import PylightnixError, pipelines, tenants
from pylightnix.tenants import CannotRewrite, InvalidRewrite, NativeModule, NotVendored

ERRORS = [
    CannotRewrite(1, 2, "x"),
    CannotRewrite(0, 0, "x"),
    InvalidRewrite(("x", "y")),
    NotVendored("x"),
    NativeModule("x", "y.so", "z"),
]


@pytest.mark.parametrize("name", tenants.__all__)
def test_every_name_is_there_and_says_what_it_is_for(name: str) -> None:
    assert (inspect.getdoc(getattr(tenants, name)) or "").partition("\n")[0].endswith(".")


def test_no_other_name_is_there() -> None:
    assert dir(tenants) == sorted(tenants.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing_of_ours'"):
        _ = tenants.nothing_of_ours


def test_pipelines_and_tenants_have_the_same_scopes() -> None:
    assert pipelines.ImportScope is tenants.ImportScope
    assert pipelines.NativeModule is tenants.NativeModule


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_trip_from_a_worker(error: PylightnixError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (vars(again), str(again)) == (vars(error), str(error))
