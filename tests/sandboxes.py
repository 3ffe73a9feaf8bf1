"""Which sandboxes this machine has, found out once; a test of another one skips and says why."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import pytest

from pylightnix.sandbox.capabilities import Capabilities, probe
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import SandboxUnavailable, usable


@cache
def probed() -> Capabilities:
    """What works here."""
    return probe()


def needs(backend: str, *words: str) -> None:
    """Skip where a back-end is not to be had, or does not enforce what a test is about."""
    found = probed()
    if backend in found.reasons:
        pytest.skip(f"no {backend} here: {found.reasons[backend]}")
    lacking = set(words) - found.enforces[backend]
    if lacking:
        pytest.skip(f"{backend} does not enforce {', '.join(sorted(lacking))} here")


def needs_tenants() -> None:
    """Skip where no code of a tenant can be run."""
    lacking = [name for name in ("uv", "bson", "packaging") if find_spec(name) is None]
    if lacking:
        pytest.skip(f"tenants need {', '.join(lacking)}: pip install pylightnix[tenants]")
    from pylightnix.tenants.settings import ALWAYS

    try:
        usable(Policy(require=ALWAYS, memory_bytes=256 << 20, cpu_s=10))
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def boxed() -> Policy:
    """The plainest policy, where this machine can enforce it."""
    try:
        usable(Policy())
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    return Policy()
