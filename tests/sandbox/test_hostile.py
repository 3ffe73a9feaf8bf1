"""The hostile build set: 12 attempts, and each sandbox that is to deny all of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pylightnix.sandbox import hostile
from pylightnix.sandbox.trials import TRIALS, try_all
from sandboxes import needs, probed


def test_every_attempt_is_denied(backend: str) -> None:
    needs(backend, *TRIALS.values())
    tried = try_all(backend)
    assert [one for one in tried if not one.denied] == []
    assert [one.name for one in tried] == list(TRIALS)
    assert len(tried) == 12


@pytest.mark.parametrize("name", ["landlock", "rlimits"])
def test_lesser_sandboxes_deny_what_they_say_they_enforce(name: str) -> None:
    needs(name)
    words = probed().enforces[name]
    for one in try_all(name):
        assert one.denied or TRIALS[one.name] not in words, one


def test_without_a_boundary_the_attempts_succeed_so_the_trial_can_fail() -> None:
    needs("rlimits")
    allowed = {one.name for one in try_all("rlimits") if not one.denied}
    assert {"file", "object", "tcp", "udp", "abstract", "kill"} <= allowed


def test_an_attempt_that_is_seen_to_succeed_counts_whatever_it_says() -> None:
    needs("rlimits")
    details = {one.name: one.detail for one in try_all("rlimits")}
    assert details["kill"] == "it was killed"
    assert details["tcp"] == "it arrived"


def test_the_hostile_program_refuses_to_run_outside() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", hostile.__file__, *"abcdefg"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "not inside a sandbox" in done.stderr
    assert done.stdout == ""
