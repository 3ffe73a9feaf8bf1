from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.shop import Run, Shop

SHORTLY = ["--grace", "0"]


def dead(run: Run, *words: str) -> set[str]:
    """What would go."""
    found = run("gc", "--dry-run", "--json", *SHORTLY, *words)
    return {victim["ref"] for victim in found.json["dead"]}


@pytest.fixture
def scratch(own_shop: Shop) -> str:
    """What a build left behind that was killed."""
    path = f"{own_shop.store.var}/tmp/host-1-a"
    os.mkdir(path)
    Path(f"{path}/half").write_text("ha")
    return path


@pytest.fixture
def everything(own_shop: Shop) -> set[str]:
    """All that the store holds."""
    shop = own_shop
    return {shop.exp, *shop.exps, shop.report_drv, shop.report, shop.bad}


def test_what_came_within_the_hour_stays(own_shop: Shop, run: Run) -> None:
    done = run("gc")
    assert done.status == 0
    assert done.lines == ["deleted 0 objects, 0 B; 7 objects stay"]
    assert run("gc", "--json", "--grace", "1h").json["kept"] == 7


def test_a_dry_run_names_every_victim_with_size_and_reason_and_the_total(
    own_shop: Shop, scratch: str, everything: set[str], run: Run
) -> None:
    done = run("gc", "--dry-run", *SHORTLY)
    assert (done.status, done.err) == (0, "")
    *victims, left, total = done.lines
    assert {line.split()[2] for line in victims} == everything
    assert all("no root, link or process needs it" in line for line in victims)
    assert left.split()[2] == scratch
    assert total.startswith("would delete 7 objects and 1 left-over, ")
    assert run("ls", "--json").json  # nothing is gone


def test_a_dry_run_for_programs(
    own_shop: Shop, scratch: str, everything: set[str], run: Run
) -> None:
    found = run("gc", "--dry-run", "--json", *SHORTLY).json
    assert {victim["ref"] for victim in found["dead"]} == everything
    parts = [*found["dead"], *found["leftovers"]]
    assert found["freed_bytes"] == sum(part["bytes"] for part in parts) > 0
    assert (found["dry_run"], found["kept"], found["trash"]) == (True, 0, None)
    assert all(victim["reason"] for victim in found["dead"])
    assert [(left["path"], left["bytes"]) for left in found["leftovers"]] == [(scratch, 2)]


def test_the_real_run_deletes_what_the_dry_run_named_and_says_how_to_undo(
    own_shop: Shop, scratch: str, run: Run
) -> None:
    before = run("ls", "--json").json
    named = dead(run)
    done = run("gc", *SHORTLY)
    assert done.lines[0].startswith(f"deleted {len(named)} objects and 1 left-over, ")
    assert "`pylightnix gc --undo`" in done.lines[1]
    assert run("ls").out == ""
    back = run("gc", "--undo")
    assert (back.status, back.lines[-1]) == (0, "brought back 7 objects")
    assert set(back.lines[:-1]) == named
    assert run("ls", "--json").json == before


def test_undo_and_an_empty_trash_for_programs(own_shop: Shop, run: Run) -> None:
    freed = run("gc", "--json", *SHORTLY).json
    assert set(run("gc", "--undo", "--json").json["back"]) == {v["ref"] for v in freed["dead"]}
    assert run("gc", "--json", *SHORTLY).json["trash"]
    assert run("gc", "--empty-trash", "--json").json["freed_bytes"] >= freed["freed_bytes"] // 2
    assert run("gc", "--empty-trash").out == "freed 0 B\n"


def test_there_is_nothing_to_undo_where_nothing_was_collected(own_shop: Shop, run: Run) -> None:
    done = run("gc", "--undo")
    assert (done.status, done.out) == (1, "")
    assert "nothing" in done.err or "no collection" in done.err


def test_the_commands_it_names_are_for_the_same_store(own_shop: Shop, run: Run) -> None:
    place = f"{own_shop.root}/a b"
    run("init", place)
    run("--store", place, "init")
    done = run("--store", own_shop.root, "gc", *SHORTLY)
    assert f"`pylightnix --store {own_shop.root} gc --undo`" in done.lines[1]


def test_what_a_root_keeps_stays_with_all_it_needs(own_shop: Shop, run: Run) -> None:
    shop = own_shop
    run("root", "add", "paper", "report")
    assert dead(run) == {*shop.exps[:2], shop.bad}


def test_keep_takes_references_names_and_folders_of_links(
    own_shop: Shop, run: Run, tmp_path: Path
) -> None:
    shop = own_shop
    needed = {shop.report, shop.report_drv, shop.exps[2], shop.exp}
    assert dead(run, "--keep", shop.report).isdisjoint(needed)
    assert dead(run, "--keep", "report", "bad").isdisjoint({*needed, shop.bad})
    assert dead(run, "--keep", "report", "--keep", "bad").isdisjoint({*needed, shop.bad})
    links = tmp_path / "links" / "deep"
    links.mkdir(parents=True)
    (links / "report").symlink_to(shop.folder(shop.report))
    assert dead(run, "--keep", str(tmp_path / "links")).isdisjoint(needed)


def test_a_name_that_is_a_folder_here_too_is_kept_as_both(
    own_shop: Shop, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "link").symlink_to(own_shop.folder(own_shop.exps[0]))
    assert dead(run, "--keep", "bad").isdisjoint({own_shop.bad, own_shop.exps[0]})


def test_what_came_lately_can_be_spared(own_shop: Shop, everything: set[str], run: Run) -> None:
    assert dead(run, "--older-than", "1h") == set()
    assert dead(run, "--older-than", "0s") == everything


def test_the_last_and_the_best_can_be_spared(own_shop: Shop, run: Run) -> None:
    shop = own_shop
    assert dead(run, "--keep-last", "1") == {*shop.exps[:2], shop.bad}
    assert dead(run, "--keep-last", "2") == {shop.exps[0], shop.bad}
    assert dead(run, "--keep-best", "score.txt:1") == {
        *shop.exps[:2],
        shop.report,
        shop.report_drv,
        shop.bad,
    }


def test_a_size_to_come_down_to(own_shop: Shop, everything: set[str], run: Run) -> None:
    assert dead(run, "--max-size", "1G") == set()
    assert dead(run, "--max-size", "0") == everything
    total = run("du", "--json").json["bytes"]
    some = dead(run, "--max-size", str(total - 1))
    assert len(some) == 1


def test_left_overs_alone(own_shop: Shop, scratch: str, run: Run) -> None:
    assert run("gc", "--leftovers", "--json").json["leftovers"] == []
    assert run("gc", "--leftovers", "--dry-run", *SHORTLY, "--json").json["dead"] == []
    done = run("gc", "--leftovers", *SHORTLY)
    assert done.lines == ["deleted 0 objects and 1 left-over, 2 B; 7 objects stay"]
    assert not os.path.exists(scratch)
    assert len(run("ls").lines) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--grace", "soon"], "'soon'"),
        (["--older-than", "-1"], "'-1'"),
        (["--max-size", "2GB"], "'2GB'"),
        (["--keep-best", "score.txt"], "FILE:N"),
        (["--keep-best", "score.txt:"], "FILE:N"),
        (["--keep-best", ":3"], "FILE:N"),
        (["--keep-best", "score.txt:-1"], "FILE:N"),
        (["--undo", "--dry-run"], "--dry-run"),
        (["--undo", "--empty-trash"], "--empty-trash"),
        (["--empty-trash", "--grace", "0"], "--grace"),
        (["--empty-trash", "--keep", "exp"], "--keep"),
        (["--leftovers", "--keep-last", "0"], "--keep-last"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_refused(
    words: list[str], said: str, own_shop: Shop, run: Run
) -> None:
    before = run("ls", "--json").json
    done = run("gc", *words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert run("ls", "--json").json == before
