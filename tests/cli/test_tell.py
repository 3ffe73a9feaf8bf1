from __future__ import annotations

import json
import os

import pytest

from cli.shop import Run, Shop
from pylightnix import build_outpath, build_wrapper, instantiate, match_only, mkconfig, mkdrv
from pylightnix import realize as realize_closure


def test_config_prints_json_that_people_can_read(shop: Shop, run: Run) -> None:
    done = run("config", "exp")
    assert done.lines[:2] == ["{", '  "lr": 0.1,']
    assert json.loads(done.out) == run("config", "exp", "--json").json
    assert run("config", shop.exps[0]).out == done.out


def test_control_characters_of_a_config_do_not_reach_the_terminal(shop: Shop, run: Run) -> None:
    for command in ("config", "show"):
        assert r'"odd": "\u202e\u009b é"' in run(command, "exp").out


def test_context_prints_what_the_dependencies_were(shop: Shop, run: Run) -> None:
    assert run("context", shop.report).lines == [shop.exp, f"  {shop.exps[2]}"]
    assert run("context", "report", "--json").json == {shop.exp: [shop.exps[2]]}
    assert run("context", shop.exps[0]).out == ""


def test_deps_prints_direct_dependencies(shop: Shop, run: Run) -> None:
    assert run("deps", "report").lines == run("deps", shop.report).lines == [shop.exp]
    assert run("deps", "exp").out == ""
    assert run("deps", "report", "--json").json == {
        "deps": {shop.report_drv: [shop.exp]},
        "dref": shop.report_drv,
    }


def test_deps_deep_draws_a_tree(shop: Shop, run: Run) -> None:
    assert run("deps", "--deep", "report").lines == [shop.report_drv, f"  {shop.exp}"]
    assert run("deps", "--deep", "report", "--json").json == {
        "deps": {shop.report_drv: [shop.exp], shop.exp: []},
        "dref": shop.report_drv,
    }


def test_diff_of_two_realizations_shows_what_differs(shop: Shop, run: Run) -> None:
    done = run("diff", shop.exps[0], shop.exps[1])
    assert done.status == 1
    assert done.lines[0] == f"--- {shop.exps[0]}/manifest.json"
    changed = [line for line in done.lines if line.startswith(("-[", "+["))]
    assert [line[:13] for line in changed] == ['-["score.txt"', '+["score.txt"']


def test_diff_of_two_derivations_shows_their_configs(shop: Shop, run: Run) -> None:
    found = run("diff", "exp", "bad", "--json")
    assert found.status == 1
    assert (found.json["a"], found.json["b"], found.json["differ"]) == (shop.exp, shop.bad, True)
    assert '-  "name": "exp"' in found.json["diff"]


def test_what_does_not_differ_is_done(shop: Shop, run: Run) -> None:
    assert (run("diff", "exp", shop.exp).status, run("diff", "exp", shop.exp).out) == (0, "")
    found = run("diff", shop.report, shop.report, "--json")
    assert (found.status, found.json["differ"], found.json["diff"]) == (0, False, "")


def test_show_tells_all_of_a_derivation(shop: Shop, run: Run) -> None:
    text = run("show", "report").out
    assert f"derivation  {shop.report_drv}\n" in text
    assert f"folder      {shop.folder(shop.report_drv)}\n" in text
    assert f"depends on\n  {shop.exp}\n" in text
    assert f"newest first\n  {shop.report[5:13]}  " in text


def test_show_tells_programs_all_of_a_derivation(shop: Shop, run: Run) -> None:
    known = run("show", "exp", "--json").json
    assert known["kind"] == "derivation"
    assert known["config"] == run("config", "exp", "--json").json
    assert known["realizations"] == run("ls", "exp", "--json").json
    assert (known["dref"], known["deps"], known["log"]) == (shop.exp, [], None)
    assert known["path"] == shop.folder(shop.exp)
    assert known["size_bytes"] == run("du", "exp", "--json").json["bytes"]


def test_show_names_the_log_of_a_build_that_failed(shop: Shop, run: Run) -> None:
    log = f"{shop.store.var}/logs/{shop.bad}"
    assert f"log         {log}\n" in run("show", "bad").out
    assert run("show", "bad", "--json").json["log"] == log


def test_show_tells_all_of_a_realization(shop: Shop, run: Run) -> None:
    text = run("show", shop.exps[0]).out
    for words in (
        f"realization  {shop.exps[0]}\n",
        f"derivation   {shop.exp}\n",
        "2.0 KiB in 5 files, 1 executable, 2 folders, 1 link\n",
        "portable     yes\n",
        "realizer    cli.shop:_measure\n",
        '"name": "exp"',
    ):
        assert words in text
    assert f"context\n  {shop.exp}\n    {shop.exps[2]}\n" in run("show", shop.report).out


def test_show_tells_programs_all_of_a_realization(shop: Shop, run: Run) -> None:
    known = run("show", shop.exps[0], "--json").json
    assert known["contents"] == {
        "bytes": 2048 + 10 + 2 + 3 + 1,
        "executables": 1,
        "files": 5,
        "folders": 2,
        "links": 1,
    }
    assert known["kind"] == "realization"
    assert (known["portable"], known["portable_reason"]) == (True, [])
    assert set(known["provenance"]) == {
        *("host", "pylightnix", "python", "realizer", "seconds", "start", "stop", "user")
    }
    assert known["size_bytes"] > known["contents"]["bytes"]
    assert known["context"] == {}


def test_show_says_why_something_is_not_portable(own_shop: Shop, run: Run) -> None:
    def leave(b: object) -> None:
        (build_outpath(b) / "out").symlink_to("/etc/hostname")  # type: ignore[arg-type]

    rref = realize_closure(
        instantiate(lambda: mkdrv(mkconfig({"name": "tied"}), match_only(), build_wrapper(leave)))
    )
    known = run("show", "tied").out
    assert "portable    no: " not in known  # a derivation is neither
    line = next(line for line in run("show", rref).lines if line.startswith("portable"))
    assert "no: " in line and "out" in line
    told = run("show", rref, "--json").json
    assert told["portable"] is False
    assert any("out" in reason for reason in told["portable_reason"])


@pytest.mark.parametrize(
    "text",
    [
        '{"stop": 1, "seconds": "long", "user": ["x"], "portable": "no", "portable_reason": 7}',
        '{"stop": "soon", "seconds": NaN, "portable": false, "portable_reason": [1]}',
        '{"stop": "9999-12-31T23:59:59-20:00", "seconds": true}',
        "[]",
        "{",
        "",
    ],
)
def test_provenance_from_anywhere_cannot_harm(text: str, own_shop: Shop, run: Run) -> None:
    path = f"{own_shop.folder(own_shop.report)}/.pylightnix/build.json"
    os.chmod(path, 0o644)
    with open(path, "w") as file:
        file.write(text)
    for words in (["ls"], ["ls", "report"], ["show", "report"], ["show", own_shop.report]):
        assert run(*words).status == 0
        assert run(*words, "--json").json
    assert run("show", own_shop.report, "--json").json["provenance"]["seconds"] is None


def test_provenance_cannot_write_to_the_terminal(own_shop: Shop, run: Run) -> None:
    path = f"{own_shop.folder(own_shop.report)}/.pylightnix/build.json"
    os.chmod(path, 0o644)
    with open(path, "w") as file:
        json.dump({"host": "\x1b]0;owned\a\n\ud800", "portable": False}, file)
    text = run("show", own_shop.report).out
    assert r"host        \x1b]0;owned\x07\n\ud800" in text
    assert "portable     no\n" in text
