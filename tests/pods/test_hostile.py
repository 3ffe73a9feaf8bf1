"""Eight pods that mean harm, and three that lie: a named error, and the next call is answered."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from hostile_pods import LIARS, SET, SOURCE
from pylightnix import Store
from pylightnix.pods import PodError, pod, pod_env, pod_open
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import SandboxUnavailable, usable

POLICY = Policy(memory_bytes=256 << 20, pids=40, wall_s=2.0)


@pytest.fixture(params=["bubblewrap", "unshare"])
def policy(request: pytest.FixtureRequest) -> Policy:
    from dataclasses import replace

    made = replace(POLICY, backend=request.param)
    try:
        usable(made)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    return made


@pytest.mark.parametrize("harm", [*SET, *LIARS])
def test_a_hostile_pod_harms_nobody(
    harm: str, policy: Policy, current: Store, tmp_path: Path
) -> None:
    (tmp_path / "pod.py").write_text(SOURCE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pod_open(pod(tmp_path / "pod.py", pod_env([])), policy=policy) as opened:
        try:
            getattr(opened, harm)()
            came = "value"
        except PodError as error:
            came = type(error).__name__
            assert "not in a sandbox" not in str(error)
        assert came in {**SET, **LIARS}[harm]
        assert opened.ok(harm) == harm
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < 200_000  # KiB: the host took none of it
