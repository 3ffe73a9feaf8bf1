"""The command `table`."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from cli.shop import Run, Shop


def test_for_people_it_is_aligned_with_a_line_of_names(shop: Shop, run: Run) -> None:
    done = run("table", "exp", "--metric", "score=score.txt", "--sort=-score")
    assert done.status == 0
    head, *rows = done.lines
    assert head.split() == ["name", "lr", "odd", "score", "built", "seconds", "size_bytes", "rref"]
    assert [row.split()[0] for row in rows] == ["exp"] * 3
    assert "3.0" in rows[0]
    assert "1.0" in rows[2]
    assert "\x9b" not in done.out


def test_as_json_it_is_a_list_of_dictionaries(shop: Shop, run: Run) -> None:
    rows = run("table", "--json", "--metric", "score.txt").json
    assert {row["rref"] for row in rows} == {*shop.exps, shop.report}
    assert {row["score"] for row in rows if row["name"] == "exp"} == {1.0, 2.0, 3.0}


def test_as_csv_it_can_be_read_again(shop: Shop, run: Run) -> None:
    done = run("table", "exp", "--csv", "--metric", "s=score.txt", "--sort", "s")
    rows = list(csv.DictReader(StringIO(done.out)))
    assert [json.loads(row["s"]) for row in rows] == [1.0, 2.0, 3.0]
    assert [row["rref"] for row in rows] == list(shop.exps)


def test_of_nothing_it_is_empty(shop: Shop, run: Run) -> None:
    assert run("table", "nothing").out == ""
    assert run("table", "nothing", "--json").json == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--csv", "--json"], "one form"),
        (["--metric", "=x"], "give it as score=score.txt"),
        (["--metric", "x="], "give it as score=score.txt"),
        (["--metric", "x=../y"], "metric 'x'"),
        (["--sort", "nothing"], "no column 'nothing'"),
    ],
)
def test_mistakes_are_named(shop: Shop, run: Run, words: list[str], message: str) -> None:
    done = run("table", *words)
    assert done.status == 2
    assert message in done.err
