"""plan, why, why-depends, realize: of stages in a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.shop import Run, Shop
from pylightnix import RRef, gc, isdref, isrref, rref2dref
from pylightnix.store.layout import Store
from stages_for_tests import below

STAGES = """\
import os
from pylightnix import (
    build_outpath, build_wrapper, match_latest, match_some, mkconfig, mkdrv
)


def make(name, matcher=None, **fields):
    def build(b):
        print("loud", name)
        (build_outpath(b) / "x").write_text(os.urandom(8).hex() if name == "data" else "x")

    config = mkconfig({"name": name, **fields})
    return mkdrv(config, matcher or match_latest(), build_wrapper(build))


def pipe(lr=0.1, raw=1):
    return make("report", model=make("model", data=make("data", raw=raw), lr=lr))


def both():
    return [make("a"), make("data", match_some(2))]


def failing():
    def build(b):
        raise ValueError("no luck")

    return mkdrv(mkconfig({"name": "failing"}), match_latest(), build_wrapper(build))


def odd(store, rrefs):
    raise ZeroDivisionError("odd matcher")


def matched():
    return make("matched", odd)
"""


@pytest.fixture
def lab(own_shop: Shop, tmp_path: Path) -> Iterator[str]:
    """A file of stages, and a store."""
    path = tmp_path / "lab.py"
    path.write_text(STAGES)
    before = set(sys.modules)
    yield str(path)
    for name in set(sys.modules) - before:
        if name.startswith("target_"):
            del sys.modules[name]


def contents(store: Store) -> list[str]:
    return below(store.objects)


# plan


def test_plan_draws_a_tree(lab: str, run: Run) -> None:
    done = run("plan", f"{lab}:pipe")
    assert (done.status, done.err) == (0, "")
    assert [line.split()[:2] for line in done.lines] == [
        ["build", "report"],
        ["build", "model"],
        ["build", "data"],
        ["3", "to"],
    ]


def test_plan_writes_nothing_not_even_configs(lab: str, own_shop: Shop, run: Run) -> None:
    before = contents(own_shop.store)
    for words in (["plan"], ["plan", "--json"], ["why"], ["realize", "--dry-run"]):
        assert run(words[0], f"{lab}:pipe", *words[1:]).status == 0
    assert contents(own_shop.store) == before


def test_plan_takes_arguments_of_the_stage_and_what_is_forced(lab: str, run: Run) -> None:
    run("realize", f"{lab}:pipe")
    assert run("plan", f"{lab}:pipe").lines[-1] == "0 to build, 3 there"
    items = run("plan", f"{lab}:pipe", "lr=0.2", "--json").json["items"]
    assert [item["verdict"] for item in items] == ["hit", "build", "build"]
    for ref in ("data", items[0]["dref"], items[0]["dref"][5:13], items[0]["rrefs"][0]):
        items = run("plan", f"{lab}:pipe", "--force", ref, "--json").json["items"]
        assert [item["verdict"] for item in items] == ["build", "unknown", "unknown"]
    assert items[0]["seconds"] < 60


def test_plan_for_programs_has_everything(lab: str, run: Run) -> None:
    value = run("plan", f"{lab}:pipe", "--json").json
    assert set(value) == {"items", "needs", "seconds", "targets"}
    assert {tuple(sorted(item)) for item in value["items"]} == {
        ("dref", "reason", "rrefs", "seconds", "verdict")
    }
    assert value["targets"] == [value["items"][-1]["dref"]]


@pytest.mark.parametrize(("form", "head"), [("--dot", "digraph {"), ("--mermaid", "flowchart TD")])
def test_plan_draws_graphs(form: str, head: str, lab: str, run: Run) -> None:
    done = run("plan", f"{lab}:pipe", form)
    assert (done.status, done.lines[0]) == (0, head)
    assert sum("report" in line for line in done.lines) == 1
    both = run("plan", f"{lab}:pipe", form, "--json")
    assert (both.status, both.out) == (2, "")


def test_what_is_forced_must_be_of_the_closure(lab: str, run: Run) -> None:
    done = run("plan", f"{lab}:pipe", "--force", "exp")
    assert done.status == 1
    assert "--force names exp, not of this closure" in done.err
    assert run("plan", f"{lab}:pipe", "--force", "").status == 1


@pytest.mark.parametrize("command", ["plan", "why", "realize"])
def test_what_a_matcher_raises_is_shown(command: str, lab: str, run: Run) -> None:
    done = run(command, f"{lab}:matched")
    assert (done.status, done.out) == (1, "")
    assert "ZeroDivisionError: odd matcher" in done.err


@pytest.mark.parametrize(
    ("target", "status"), [("nonsense", 2), ("lab.py:", 2), ("nowhere/x.py:y", 3), ("a-b:c", 2)]
)
def test_a_target_must_be_one(target: str, status: int, lab: str, run: Run) -> None:
    assert run("plan", target).status == status
    assert run("realize", target).status == status


# why


def test_why_of_a_stage_tells_what_began_it(lab: str, run: Run) -> None:
    run("realize", f"{lab}:pipe")
    done = run("why", f"{lab}:pipe", "lr=0.2")
    assert done.status == 0
    assert "  config.lr: 0.1 -> 0.2" in done.lines
    value = run("why", f"{lab}:pipe", "lr=0.2", "raw=2", "--json").json
    assert set(value) == {"against", "causes", "changes", "parts", "reason", "ref"}
    assert [[change["path"] for change in cause["changes"]] for cause in value["causes"]] == [
        ["config.lr"],
        ["config.raw"],
    ]


def test_why_of_a_reference_tells_of_the_past(own_shop: Shop, run: Run) -> None:
    last, first = own_shop.exps[-1], own_shop.exps[0]
    value = run("why", last, "--json").json
    assert (value["ref"], value["against"]) == (last, own_shop.exps[-2])
    assert "first realization" in run("why", first[5:15]).out
    assert run("why", "report").lines[0].startswith(own_shop.report_drv)


def test_why_says_what_it_cannot_take(lab: str, run: Run) -> None:
    for words, status in ((["exp", "x=1"], 2), (["nothing"], 3), ([f"{lab}:pipe", "zz=1"], 2)):
        done = run("why", *words)
        assert (done.status, done.out) == (status, "")
        assert done.err.count("\n") == 1


# why-depends


def test_why_depends_prints_the_path(own_shop: Shop, run: Run) -> None:
    done = run("why-depends", "report", "exp")
    assert (done.status, done.lines) == (0, [own_shop.report_drv, own_shop.exp])
    done = run("why-depends", own_shop.report, "exp")
    assert (done.status, done.lines) == (0, [own_shop.report, own_shop.exps[-1]])
    value = run("why-depends", "report", "exp", "--json").json
    assert value == {
        "a": own_shop.report_drv,
        "b": own_shop.exp,
        "path": [own_shop.report_drv, own_shop.exp],
    }


def test_what_does_not_depend_is_not_so(own_shop: Shop, run: Run) -> None:
    done = run("why-depends", "exp", "report")
    assert (done.status, done.out) == (1, "")
    assert "does not depend on" in done.err
    done = run("why-depends", "exp", "report", "--json")
    assert (done.status, done.json["path"]) == (1, [])


# realize


def test_realize_prints_the_realizations_and_nothing_else(lab: str, run: Run) -> None:
    done = run("realize", f"{lab}:pipe")
    assert done.status == 0
    (rref,) = done.lines
    assert isrref(rref)
    loud = [line for line in done.err.splitlines() if line.startswith("loud ")]
    assert loud == ["loud data", "loud model", "loud report"]
    again = run("realize", f"{lab}:pipe")
    assert (again.lines, again.err) == ([rref], "")


def test_realize_of_several_prints_them_in_order(lab: str, run: Run) -> None:
    value = run("realize", f"{lab}:both", "--dry-run", "--json").json
    assert len(value["items"]) == 2
    lines = run("realize", f"{lab}:both").lines
    assert [rref[71:] for rref in lines] == ["a", "data", "data"]
    value = run("realize", f"{lab}:both", "--json").json
    assert value["rrefs"] == lines
    assert all(isdref(dref) for dref in value["targets"])
    assert value["targets"][rref2dref(lines[1])] == lines[1:]


def test_realize_builds_again_what_is_forced(lab: str, run: Run) -> None:
    one = run("realize", f"{lab}:pipe").lines
    assert run("realize", f"{lab}:pipe", "--force", "model").lines == one
    assert run("realize", f"{lab}:pipe", "--force", "data").lines != one


def test_verbosely_realize_tells_what_is_done(lab: str, run: Run) -> None:
    done = run("realize", f"{lab}:pipe", "-v")
    told = [line.split(": ")[1] for line in done.err.splitlines() if ": " in line]
    assert [line.partition(" in ")[0] for line in told] == ["started", "built"] * 3
    again = run("realize", f"{lab}:pipe", "--verbose")
    assert again.err.count("the store has it") == 3


def test_a_failed_build_is_a_sentence_and_exit_code_1(lab: str, run: Run) -> None:
    done = run("realize", f"{lab}:failing", "-v")
    assert (done.status, done.out) == (1, "")
    assert "failed to build: ValueError: no luck" in done.err
    assert "/pylightnix/" not in done.err.partition("Traceback")[2]  # just what the user wrote


def test_a_link_keeps_what_was_realized(lab: str, own_shop: Shop, tmp_path: Path) -> None:
    link = tmp_path / "result"
    # In a process of its own: what this one has used is not collected anyway.
    words = [sys.executable, "-m", "pylightnix", "realize", f"{lab}:pipe", "--out-link", str(link)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    rref = RRef(done.stdout.strip())
    assert os.readlink(link) == own_shop.folder(rref)

    def dead() -> set[str]:
        found = gc(grace_s=0, dry_run=True, store=own_shop.store)
        return {str(victim.ref) for victim in found.dead}

    assert rref not in dead()
    link.unlink()
    assert rref in dead()


def test_several_links_are_numbered(
    lab: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("realize", f"{lab}:both", "--out-link", "out", "--json")
    value = json.loads(done.out)
    assert value["links"] == ["out", "out-2", "out-3"]
    assert [os.readlink(link)[-32:] for link in value["links"]] == [
        rref[5:37] for rref in value["rrefs"]
    ]


def test_a_link_that_cannot_be_made_is_told_before_the_work(
    lab: str, own_shop: Shop, tmp_path: Path, run: Run
) -> None:
    before = contents(own_shop.store)
    for link in (tmp_path, tmp_path / "nowhere" / "link", f"{tmp_path}/"):
        done = run("realize", f"{lab}:pipe", "--out-link", str(link))
        assert (done.status, done.out) == (1, "")
        assert done.err.count("\n") == 1
    assert contents(own_shop.store) == before


def test_without_a_store_it_is_said_how_to_make_one(nowhere: Path, run: Run) -> None:
    for command in ("plan", "why", "realize"):
        done = run(command, "x.py:y")
        assert done.status == 3
        assert "pylightnix init" in done.err
