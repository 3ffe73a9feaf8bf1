"""`pylightnix tenant`: users of a platform, from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.shop import Done, Run
from pylightnix import Store
from tenants.conftest import POLICY, usable_or_skip
from wheels_for_tests import greetings

JOB = """
import sys

import greet

def main(name="you", n=1):
    print("working")
    return greet.hello(name) * n

def nothing():
    pass

def fail():
    raise ValueError("\\x1b[31mred")

def odd():
    return {1, 2}

def fill():
    open("big", "wb").write(b"x" * (1 << 24))
"""


@pytest.fixture
def tenants(nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store, wheels, and a folder for tenants which the environment names."""
    usable_or_skip(POLICY)
    Store.open(nowhere, create=True)
    greetings(tmp_path / "wheels")
    monkeypatch.setenv("PYLIGHTNIX_TENANTS", str(tmp_path / "tenants"))
    return tmp_path / "tenants"


@pytest.fixture
def one(tenants: Path, run: Run) -> str:
    """A tenant whose packages are installed."""
    wheels = str(tenants.parent / "wheels")
    words = ["--quota", "1M", "--memory", "256M", "--wall", "20s", "--find-links", wheels]
    assert run("tenant", "create", "one", "greet<2", *words).status == 0
    (tenants / "one/usermodules/job.py").write_text(JOB)
    assert run("tenant", "install", "one").status == 0
    return "one"


def test_a_tenant_is_made_looked_at_and_deleted(tenants: Path, run: Run) -> None:
    words = ["--cpu", "2m", "--pids", "0", "--env", "A=b=c", "--network", "--file-size", "1K"]
    made = run("tenant", "create", "one", "greet<2", "needy", *words)
    assert made.out == f"one is in {tenants}/one\n"
    assert 'env = {"A" = "b=c"}' in (tenants / "one/tenant.toml").read_text()
    assert run("tenant", "list").out == "one  greet<2, needy\n"
    (listed,) = json.loads(run("tenant", "list", "--json").out)
    assert listed == {
        "folder": f"{tenants}/one", "name": "one", "packages": ["greet<2", "needy"],
        "quota_bytes": None,
    }  # fmt: skip
    assert run("tenant", "delete", "one").out == "one is gone\n"
    assert run("tenant", "list").out == ""


def test_the_root_is_what_is_said_or_the_environment_or_here(
    tenants: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run("tenant", "create", "env")
    run("tenant", "--root", str(tmp_path / "said"), "create", "said")
    monkeypatch.delenv("PYLIGHTNIX_TENANTS")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run("tenant", "create", "here")
    for folder, name in (("tenants", "env"), ("said", "said"), ("here/tenants", "here")):
        found = run("tenant", "--root", str(tmp_path / folder), "list", "--json")
        assert [listed["name"] for listed in json.loads(found.out)] == [name]


def test_what_is_missing_is_told_by_the_exit_code_too(tenants: Path, run: Run) -> None:
    run("tenant", "create", "one", "greet<2", "--find-links", str(tenants.parent / "wheels"))
    assert run("tenant", "missing", "one") == Done(1, "greet<2\n", "")
    assert run("tenant", "install", "one").out == "greet 1.0\n"
    assert run("tenant", "missing", "one") == Done(0, "", "")
    told = json.loads(run("tenant", "missing", "one", "--json").out)
    assert told == {"installed": {"greet": "1.0"}, "missing": []}


def test_what_cannot_be_installed_is_told_without_places(tenants: Path, run: Run) -> None:
    run("tenant", "create", "one", "greet>=7", "--find-links", str(tenants.parent / "wheels"))
    done = run("tenant", "install", "one")
    last = done.err[done.err.index("the packages of the tenant 'one' (greet>=7) cannot be") :]
    assert done.status == 1 and "greet" in last and str(tenants.parent) not in last


def test_a_function_is_run_and_its_value_printed(one: str, run: Run) -> None:
    done = run("tenant", "run", one, "job.py", "name=bob", "n=2")
    assert done == Done(0, "working\nhello bobhello bob\n", "")
    assert run("tenant", "run", one, "job.py:nothing") == Done(0, "", "")
    told = run("tenant", "--json", "run", one, "job.py")
    assert json.loads(told.out)["value"] == "hello you" and told.err == "working\n"
    assert json.loads(run("tenant", "run", one, "job.py:odd", "--json").out)["value"] == "{1, 2}"


def test_a_users_mistake_is_shown_with_the_users_traceback(one: str, run: Run) -> None:
    done = run("tenant", "run", one, "job.py:fail")
    assert done.status == 1
    assert 'File "/code/job.py", line 14, in fail' in done.err
    assert "ValueError" in done.err and "\x1b" not in done.err
    assert "cli" not in done.err


@pytest.mark.parametrize("words, status, said", [
    (["run", "one", "job.py:gone"], 2, "it has fail, fill, main, nothing, odd"),
    (["run", "one", "../job.py"], 2, "relative path"),
    (["run", "one", "job.py", "x"], 2, "KEY=VALUE"),
    (["run", "one", "nowhere.py"], 2, "no such file"),
    (["run", "one", "job.py:fill"], 1, "may have 1,048,576 bytes"),
    (["run", "two", "job.py"], 3, "there is no tenant 'two'"),
    (["create", "one"], 1, "already"),
    (["create", "../x"], 2, "name of a tenant"),
    (["create", "x", "a b"], 2, "a package"),
    (["create", "x", "--quota", "some"], 2, "not a size"),
    (["create", "x", "--env", "A"], 2, "NAME=VALUE"),
    (["create", "x", "--backend", "none"], 2, "backend"),
    (["log", "one", "zz"], 2, "0 runs begin with that"),
    (["quota", "two"], 3, "there are: one"),
])  # fmt: skip
def test_a_mistake_is_a_sentence(
    words: list[str], status: int, said: str, one: str, run: Run
) -> None:
    done = run("tenant", *words)
    assert done.status == status and said in done.err
    assert "Traceback" not in done.err


def test_runs_are_listed_and_their_logs_shown(one: str, run: Run) -> None:
    run("tenant", "run", one, "job.py")
    run("tenant", "run", one, "job.py:fail")
    first, second = run("tenant", "log", one).out.splitlines()
    assert "job.py:main" in first and first.endswith("done")
    assert "raised  ValueError" in second
    (last,) = json.loads(run("tenant", "log", one, "--last", "1", "--json").out)
    assert (last["function"], last["state"]) == ("fail", "raised")
    shown = run("tenant", "log", one, first.split()[0])
    assert shown.out == "working\n"


def test_a_quota_is_told_in_parts(one: str, run: Run) -> None:
    told = json.loads(run("tenant", "quota", one, "--json").out)
    assert told["quota_bytes"] == 1 << 20
    assert sum(told["parts"].values()) == told["used_bytes"]
    assert set(told["parts"]) == {"env", "lock", "source", "scratch"}
    lines = run("tenant", "quota", one).out.splitlines()
    assert lines[-1].split() == ["of", "1.0", "MiB"]
