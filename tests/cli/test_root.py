from __future__ import annotations

import pytest

from cli.shop import Run, Shop


def test_roots_come_and_go(own_shop: Shop, run: Run) -> None:
    assert run("root", "list").out == ""
    assert run("root", "add", "paper", "report").lines == [f"paper keeps {own_shop.report_drv}"]
    assert run("root", "add", "best", own_shop.exps[1][:20], "--json").json == {
        "name": "best",
        "ref": own_shop.exps[1],
    }
    assert run("root", "list").lines == [
        f"best   {own_shop.exps[1]}",
        f"paper  {own_shop.report_drv}",
    ]
    assert run("root", "rm", "paper").out == "forgot paper\n"
    assert run("root", "rm", "best", "--json").json == {"name": "best"}
    assert run("root", "list", "--json").json == {}


def test_a_root_of_the_same_name_is_replaced(own_shop: Shop, run: Run) -> None:
    run("root", "add", "it", "exp")
    run("root", "add", "it", "bad")
    assert run("root", "list", "--json").json == {"it": own_shop.bad}


def test_a_name_that_begins_with_a_dash(own_shop: Shop, run: Run) -> None:
    assert run("root", "add", "--", "-x", "exp").status == 0
    assert run("root", "list", "--json").json == {"-x": own_shop.exp}
    assert run("root", "rm", "--", "-x").status == 0
    assert run("root", "list", "--json").json == {}


def test_a_root_that_is_not_there_is_not_found_and_the_others_are_named(
    own_shop: Shop, run: Run
) -> None:
    run("root", "add", "paper", "report")
    done = run("root", "rm", "papers")
    assert (done.status, done.out) == (3, "")
    assert "there are: paper" in done.err


@pytest.mark.parametrize("name", ["", "a b", "../x", ".hidden", "a/b", "x" * 129])
def test_what_is_no_name_is_refused(name: str, own_shop: Shop, run: Run) -> None:
    for words in (["add", name, "exp"], ["rm", name]):
        done = run("root", *words)
        assert (done.status, done.out) == (2, "")
    assert run("root", "list", "--json").json == {}
