"""Tenants with tiny packages, on each sandbox that holds them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pylightnix import Store
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import SandboxUnavailable, usable
from pylightnix.tenants import Tenant
from pylightnix.tenants.settings import ALWAYS
from wheels_for_tests import greetings

LACKING = [name for name in ("uv", "bson", "packaging") if find_spec(name) is None]
POLICY = Policy(memory_bytes=256 << 20, wall_s=20.0)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of tiny wheels."""
    return greetings(tmp_path / "wheels")


@pytest.fixture(params=["bubblewrap", "unshare"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each sandbox that a tenant may run in."""
    name: str = request.param
    usable_or_skip(replace(POLICY, backend=name))
    return name


@pytest.fixture
def policy(backend: str) -> Policy:
    return replace(POLICY, backend=backend)


def usable_or_skip(policy: Policy) -> None:
    """Skip where tenants cannot be held back at all."""
    if LACKING:
        pytest.skip(f"tenants need {LACKING}: pip install pylightnix[pods]")
    try:
        usable(replace(policy, require=ALWAYS))
    except SandboxUnavailable as error:
        pytest.skip(str(error))


Making = Callable[..., Tenant]


@pytest.fixture
def make(tmp_path: Path, current: Store) -> Making:
    """Make a tenant with this text as its `job.py`: `make("one", "def main(): ...")`."""

    def made(name: str, text: str = "", **more: Any) -> Tenant:
        usable_or_skip(more.setdefault("policy", POLICY))
        tenant = Tenant.create(name, tmp_path / "tenants", **more)
        written(tenant, "job.py", text)
        return tenant

    return made


def written(tenant: Tenant, file: str, text: str) -> None:
    """Give a tenant a module."""
    path = Path(tenant.folder, "usermodules", file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def scratch_of(tenant: Tenant) -> Path:
    return Path(tenant.folder, "scratch")
