"""What `pylightnix.tenants` publishes."""

from __future__ import annotations

import pickle

import pytest

from pylightnix import PylightnixError, pipelines, tenants
from pylightnix.tenants import (
    BrokenSettings,
    CannotRewrite,
    InvalidRewrite,
    InvalidTenant,
    JobClosed,
    NativeModule,
    NoPackaging,
    NoTenant,
    NotInstalled,
    NotVendored,
    QuotaExceeded,
    RunFailed,
    RunStopped,
    RunTimeout,
    TenantExists,
)

ERRORS = [
    CannotRewrite(1, 2, "x"),
    CannotRewrite(0, 0, "x"),
    InvalidRewrite(("x", "y")),
    NotVendored("x"),
    NativeModule("x", "y.so", "z"),
    InvalidTenant("x", ["y"], "z"),
    NoTenant("x", "y", ("z",)),
    TenantExists("x", "y"),
    NotInstalled("x", ("y", "z")),
    QuotaExceeded("x", 3, (("y", 2), ("z", 1)), "w"),
    QuotaExceeded("x", None, (), "w"),
    JobClosed("x"),
    RunFailed("x", "f", "ValueError", "y", "z"),
    RunFailed("x", "", "ValueError", "y", "z"),
    RunStopped("x", "f", "memory_bytes"),
    RunStopped("x", "", "z"),
    RunTimeout("x", "f", "wall_s"),
    BrokenSettings("x", "y"),
    NoPackaging("x"),
]


def test_pipelines_and_tenants_have_the_same_scopes() -> None:
    assert pipelines.ImportScope is tenants.ImportScope
    assert pipelines.NativeModule is tenants.NativeModule


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_trip_from_a_worker(error: PylightnixError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (vars(again), str(again)) == (vars(error), str(error))
