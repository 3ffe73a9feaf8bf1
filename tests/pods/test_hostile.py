"""Eight pods that mean harm, and three that lie: a named error, and the next call is answered."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from pylightnix import Store
from pylightnix.pods import pod, pod_env, pod_open
from pylightnix.pods.hostile import SET, SOURCE, harm, limits, try_pods
from pylightnix.sandbox.policy import Policy
from sandboxes import needs

LYING = '''

def channel():
    """The descriptor of the channel, found by looking."""
    import stat

    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass


def garbage():
    os.write(channel(), b"\\xff" * 100)
    time.sleep(20)


def impostor():
    os.write(channel(), b"\\x1a\\0\\0\\0\\x10id\\0\\x63\\0\\0\\0\\x02op\\0\\x05\\0\\0\\0done\\0\\0")
    time.sleep(20)


def half():
    os.write(channel(), b"\\xff\\0\\0\\0half")
    time.sleep(20)
'''
LIARS = {"garbage": "WorkerDied", "impostor": "WorkerDied", "half": "PodTimeout"}


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
        assert harm(opened, name) in SET.get(name, (LIARS.get(name),))
        assert opened.ok(name) == name
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < 200_000  # KiB: the host took none of it


def test_the_doctor_s_trial_is_the_same(policy: Policy) -> None:
    tried = try_pods(policy.backend)
    assert [one.name for one in tried] == [*SET]
    assert all(one.held for one in tried), tried
