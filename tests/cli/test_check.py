"""`check`, and what `doctor` says of sandboxes."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from cli.shop import Run, Shop
from pylightnix.cli import matrix
from pylightnix.pods.hostile import PodTried
from pylightnix.sandbox.capabilities import Capabilities
from pylightnix.sandbox.trials import TRIALS, Tried
from sandboxes import probed

STAGES = """
import time
from pylightnix import *

def _thing(function, name):
    return mkdrv(mkconfig({"name": name}), match_only(), build_wrapper(function))

def steady():
    def build(b):
        (build_outpath(b) / "text").write_text("steady")
    return _thing(build, "steady")

def clock(tick=1):
    def build(b):
        (build_outpath(b) / "time").write_text(str(time.time_ns()))
    return _thing(build, "clock")

def outside(b):
    (build_outpath(b) / "text").write_text("x")

def far():
    return _thing(outside, "far")

FACTOR = 3

def tripled(number):
    return number * FACTOR

@autostage(out=[selfref, "text"], number=2)
def auto(out, number):
    with open(out, "w") as file:
        file.write(str(tripled(number)))

@autostage(out=[selfref, "text"], dep=auto)
def above(out, dep):
    with open(out, "w") as file:
        file.write(str(dep.number + tripled(1)))
"""


@pytest.fixture(autouse=True)
def some_sandbox() -> None:
    """Skip where nothing isolates fully."""
    if not {"bubblewrap", "unshare"} & set(probed().backends):
        pytest.skip(f"no sandbox here: {probed().reasons}")


@pytest.fixture
def stages(tmp_path: Path, own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with stages, in the current folder."""
    name = f"stages_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(STAGES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return name


def test_a_steady_stage_is_reproducible(run: Run, stages: str) -> None:
    done = run("check", f"{stages}.py:steady", "--times", "2")
    assert done.status == 0, done.err
    assert "is reproducible: built again 2 times in a sandbox" in done.out


def test_what_differs_is_listed_and_the_exit_code_says_so(run: Run, stages: str) -> None:
    done = run("check", f"{stages}.py:clock", "tick=2")
    assert done.status == 1
    assert "time  has the same length and other contents" in done.out
    assert "1 path came out otherwise" in done.out
    (found,) = run("check", f"{stages}.py:clock", "tick=2", "--json").json
    assert not found["reproducible"]
    assert found["differences"][0]["path"] == "time"


def test_of_a_reference_the_stage_is_found_by_its_builder(run: Run, stages: str) -> None:
    rref = run("realize", f"{stages}:steady").out.strip()
    for text in (rref, "steady"):
        done = run("check", text)
        assert done.status == 0, done.err
        assert done.out.startswith(rref)


@pytest.mark.parametrize("stage", ["auto", "above"])
def test_of_a_function_that_is_a_stage_the_code_goes_along(
    run: Run, stages: str, stage: str
) -> None:
    rref = run("realize", f"{stages}:{stage}").out.strip()
    done = run("check", rref)
    assert done.status == 0, done.err
    assert done.out.startswith(rref)


@pytest.mark.parametrize("stage", [".py:steady", ":far"])
def test_where_it_cannot_be_found_the_target_is_asked_for(
    run: Run, stages: str, stage: str
) -> None:
    rref = run("realize", f"{stages}{stage}").out.strip()
    done = run("check", rref)
    assert done.status != 0
    assert "name the stage, as `pylightnix check FILE.py:STAGE" in done.err


def test_a_stage_that_makes_something_else_by_now_is_not_taken(
    run: Run, stages: str, tmp_path: Path
) -> None:
    rref = run("realize", f"{stages}:clock").out.strip()
    file = tmp_path / f"{stages}.py"
    file.write_text(STAGES.replace('_thing(build, "clock")', '_thing(build, "stopwatch")'))
    importlib.invalidate_caches()
    del sys.modules[stages]
    done = run("check", rref)
    assert done.status != 0
    assert "makes something else by now" in done.err


def test_a_reference_takes_no_arguments(run: Run, stages: str) -> None:
    run("realize", f"{stages}:steady")
    assert run("check", "steady", "x=1").status == 2


def test_doctor_prints_what_sandboxes_deny(run: Run, own_shop: Shop) -> None:
    done = run("doctor")
    for name in probed().backends[:1]:
        assert f"{name} denied 12 of 12 attempts" in done.out
        if find_spec("bson"):
            assert f"{name} held 8 of 8 hostile pods" in done.out
    rows = {line.split()[0]: line for line in done.lines if line.strip()}
    assert set(TRIALS) <= set(rows)
    assert "denied" in rows["ptrace"]


def test_a_sandbox_that_does_not_hold_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    words = frozenset({"fs", "net"})
    enforces = {"bubblewrap": words, "unshare": frozenset(), "landlock": words, "rlimits": words}
    found = Capabilities(
        ("bubblewrap",), enforces, {"unshare": "why", "landlock": "", "rlimits": ""}, {}
    )
    leaky = tuple(Tried(name, name not in ("file", "kill"), "-") for name in TRIALS)
    monkeypatch.setattr(matrix, "tried", lambda: (found, {"bubblewrap": leaky}))
    calls = [PodTried("noise", True, "value"), PodTried("loop", False, "value")]
    monkeypatch.setattr(matrix, "tried_pods", lambda backends: {"unshare": calls})
    monkeypatch.setattr(matrix, "SET", {"noise": (), "loop": ()})
    findings, table = matrix.findings()
    *findings, pods = findings
    assert (pods.ok, pods.detail) == (False, "unshare held 1 of 2 hostile pods; not loop")
    assert ["loop", "NOT", "held", "(value)"] in [line.split() for line in table]
    assert [finding.ok for finding in findings] == [False, True, True, True]
    assert "should have denied file too" in findings[0].detail
    assert findings[1].detail == "unshare is not to be had: why"
    assert any(line.split() == ["file", "allowed"] for line in table)


def test_sandboxes_that_cannot_be_tried_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(matrix, "tried", broken)
    ((finding,), table) = matrix.findings()
    assert not finding.ok
    assert "no more processes" in finding.detail
    assert table == []
