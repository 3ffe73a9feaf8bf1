"""Eight pods that mean harm, and three that lie: a named error, and the next call is answered."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from lying_pods import LIARS, LYING
from pylightnix import Store
from pylightnix.pods import pod, pod_env, pod_open
from pylightnix.pods.hostile import SET, SOURCE, harm, limits, try_pods
from pylightnix.sandbox.policy import Policy
from sandboxes import needs


@pytest.fixture(params=["bubblewrap", "unshare"])
def policy(request: pytest.FixtureRequest) -> Policy:
    needs(request.param, "memory", "pids")
    return limits(request.param)


@pytest.mark.parametrize("name", [*SET, *LIARS])
def test_a_hostile_pod_harms_nobody(
    name: str, policy: Policy, current: Store, tmp_path: Path
) -> None:
    (tmp_path / "pod.py").write_text(SOURCE + LYING)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pod_open(pod(tmp_path / "pod.py", pod_env([])), policy=policy) as opened:
        assert harm(opened, name) in {**SET, **LIARS}[name]
        assert opened.ok(name) == name
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < 200_000  # KiB: the host took none of it


def test_the_doctor_s_trial_is_the_same(policy: Policy) -> None:
    tried = try_pods(policy.backend)
    assert [one.name for one in tried] == [*SET]
    assert all(one.held for one in tried), tried
