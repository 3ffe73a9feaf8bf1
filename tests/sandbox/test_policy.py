"""Policies are values, and say at once what cannot be."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from pylightnix.sandbox import InvalidPolicy, Policy
from pylightnix.sandbox.policy import REQUIREMENTS


def test_by_default_nothing_is_granted_and_files_network_and_processes_must_be_held() -> None:
    policy = Policy()
    assert (policy.network, policy.ro, policy.rw, dict(policy.env)) == (False, (), (), {})
    assert policy.wanted == {"fs", "net", "pid", "pids"}


def test_policies_are_values() -> None:
    policy = Policy(env={"A": "b"}, ro=[Path("/usr")], require=["fs"])
    assert policy == Policy(env={"A": "b"}, ro=("/usr",), require={"fs"})
    assert {policy: 1}[pickle.loads(pickle.dumps(policy))] == 1
    with pytest.raises(AttributeError):
        policy.network = True  # type: ignore[misc]


def test_what_was_given_can_be_changed_without_changing_the_policy() -> None:
    env = {"A": "b"}
    policy = Policy(env=env)
    env["A"] = "c"
    assert policy.env["A"] == "b"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"network": "yes"}, "network is True or False"),
        ({"ro": ("usr",)}, "not an absolute path"),
        ({"ro": "/usr"}, "a list of paths"),
        ({"rw": (3,)}, "no path"),
        ({"rw": ("/a\0b",)}, "not an absolute path"),
        ({"memory_bytes": 0}, "a number above 0"),
        ({"memory_bytes": 1.5}, "a number above 0"),
        ({"cpu_s": float("nan")}, "a number above 0"),
        ({"wall_s": -1}, "a number above 0"),
        ({"pids": True}, "a number above 0"),
        ({"file_bytes": "1M"}, "a number above 0"),
        ({"env": {"A=B": "c"}}, "cannot be the name of a variable"),
        ({"env": {"A": 3}}, "is no text"),
        ({"env": ["A"]}, "env maps names to values"),
        ({"backend": "docker"}, "choose auto or bubblewrap, unshare, landlock, rlimits"),
        ({"require": {"fs", "gpu"}}, "gpu, which is unknown: choose among cpu, file, fs"),
        ({"require": "fs"}, "a set of words"),
    ],
)
def test_what_cannot_be_is_an_error_at_construction(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidPolicy, match=what):
        Policy(**fields)


def test_all_that_is_wrong_is_told_at_once_and_travels() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        Policy(pids=0, wall_s=0, backend="x")
    error = pickle.loads(pickle.dumps(caught.value))
    assert len(error.issues) == 3
    assert str(error) == str(caught.value)


def test_an_unknown_field_is_an_error_at_construction() -> None:
    with pytest.raises(TypeError, match="netwrok"):
        Policy(netwrok=True)  # type: ignore[call-arg]


def test_a_limit_that_is_given_is_required() -> None:
    policy = Policy(memory_bytes=1, cpu_s=1, file_bytes=1, pids=1, require=())
    assert policy.wanted == {"memory", "cpu", "file", "pids"}
    assert Policy(pids=None, require=()).wanted == frozenset()


def test_a_network_that_is_granted_is_not_to_be_denied() -> None:
    assert "net" not in Policy(network=True, require=REQUIREMENTS).wanted


def test_only_what_can_change_a_result_goes_into_a_config() -> None:
    mild = Policy(memory_bytes=1, wall_s=1, backend="unshare", require=())
    assert mild.as_config() == Policy().as_config()
    granting = [Policy(network=True), Policy(ro=("/a",)), Policy(rw=("/a",)), Policy(env={"A": ""})]
    assert len({str(policy.as_config()) for policy in [Policy(), *granting]}) == 5
