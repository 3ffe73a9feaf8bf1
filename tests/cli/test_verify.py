from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cli.shop import Run, Shop

STAGES = """\
from pylightnix import *

def shown(text, r=None):
    return mkfile("poem", text, filename="poem.txt", r=r)

def fails(r=None):
    def build(b):
        raise RuntimeError("no way")
    return mkdrv(mkconfig({"name": "fails"}), match_only(), build_wrapper(build), r)
"""


@pytest.fixture
def stages(tmp_path: Path) -> str:
    """A file of stages, of a name of its own for each test."""
    file = tmp_path / "stages.py"
    file.write_text(STAGES)
    return str(file)


def overwrite(path: str, text: str) -> None:
    os.chmod(path, 0o644)
    Path(path).write_text(text)
    os.chmod(path, 0o444)


@pytest.fixture
def damaged(own_shop: Shop) -> str:
    """A store in which one artifact is not what it was."""
    path = f"{own_shop.folder(own_shop.exps[1])}/score.txt"
    overwrite(path, "9\n")
    return path


def test_all_is_well(shop: Shop, run: Run) -> None:
    done = run("verify")
    assert (done.status, done.err) == (0, "")
    assert done.lines == ["7 objects looked at, no damage"]
    assert run("verify", "--json").json == {
        "checked": 7,
        "damaged": [],
        "failure": None,
        "incomplete": [],
        "lost": [],
        "notices": [],
        "ok": True,
        "repaired": [],
    }


def test_a_damaged_path_is_named_and_what_to_do(own_shop: Shop, damaged: str, run: Run) -> None:
    done = run("verify")
    assert done.status == 4
    assert done.lines[0].split()[:3] == ["damaged", own_shop.exps[1], "score.txt"]
    assert done.lines[1] == "7 objects looked at, 1 damaged"
    assert "`pylightnix verify --repair --target FILE.py:STAGE`" in done.err
    (fault,) = [found for found in [run("verify", "--json")] if found.status == 4]
    assert fault.json["damaged"][0]["path"] == "score.txt"
    assert fault.json["ok"] is False


def test_a_quick_look_does_not_see_contents(own_shop: Shop, damaged: str, run: Run) -> None:
    assert run("verify", "--quick").status == 0
    overwrite(damaged, "longer\n")
    assert run("verify", "--quick").status == 4


def test_only_what_is_named_is_looked_at(own_shop: Shop, damaged: str, run: Run) -> None:
    assert run("verify", "report").lines == ["2 objects looked at, no damage"]
    assert run("verify", own_shop.exps[0]).lines == ["1 object looked at, no damage"]
    assert run("verify", "report", own_shop.exps[1]).status == 4
    assert run("verify", "exp", "--json").json["checked"] == 4


def test_repair_without_a_target_puts_it_into_quarantine(
    own_shop: Shop, damaged: str, run: Run
) -> None:
    done = run("verify", "--repair")
    assert done.status == 4
    assert done.lines[1:] == [
        f"lost     {own_shop.exps[1]}",
        "7 objects looked at, 1 damaged, 1 lost",
    ]
    assert "var/trash" in done.err
    assert os.listdir(f"{own_shop.store.var}/trash")
    again = run("verify")
    assert (again.status, again.lines) == (0, ["6 objects looked at, no damage"])


def test_notices_are_told_and_mended(own_shop: Shop, run: Run) -> None:
    folder = own_shop.folder(own_shop.report)
    os.chmod(f"{folder}/report.txt", 0o644)
    os.chmod(f"{folder}/.pylightnix", 0o755)
    os.unlink(f"{folder}/.pylightnix/build.json")
    os.chmod(f"{folder}/.pylightnix", 0o555)
    done = run("verify")
    assert done.status == 0
    assert [line.split()[:3] for line in done.lines[:-1]] == [
        ["notice", own_shop.report, ".pylightnix/build.json"],
        ["notice", own_shop.report, "report.txt"],
    ]
    assert done.lines[-1] == "7 objects looked at, no damage, 1 with notices"
    assert run("verify", "--repair", "--json").json["repaired"] == [own_shop.report]
    assert run("verify").lines == ["7 objects looked at, no damage"]


def test_an_incomplete_copy_is_listed_and_is_no_damage(
    own_shop: Shop, run: Run, tmp_path: Path
) -> None:
    other = str(tmp_path / "other")
    run("init", other)
    rref = own_shop.report
    shutil.copytree(own_shop.folder(own_shop.report_drv), f"{other}/store-v1/{rref[38:]}")
    half = f"{other}/store-v1/{rref[38:]}/{rref[5:37]}"
    os.chmod(half, 0o755)
    os.unlink(f"{half}/report.txt")
    done = run("--store", other, "verify")
    assert done.status == 0
    assert done.lines[0].split()[:3] == ["incomplete", rref, "report.txt"]
    assert done.lines[-1] == "2 objects looked at, no damage, 1 incomplete"


def poem(run: Run, stages: str) -> tuple[str, str]:
    """Build something that a target makes; gives its RRef and folder."""
    from pylightnix import instantiate, mkfile, realize, rref2path

    rref = realize(instantiate(mkfile, "poem", "roses", filename="poem.txt"))
    return rref, str(rref2path(rref))


def test_repair_with_a_target_builds_it_again(own_shop: Shop, stages: str, run: Run) -> None:
    rref, folder = poem(run, stages)
    overwrite(f"{folder}/poem.txt", "violets")
    done = run("verify", "--repair", "--target", f"{stages}:shown", "text=roses")
    assert (done.status, done.err) == (0, "")
    assert done.lines[1:] == [f"repaired  {rref}", "9 objects looked at, 1 damaged, 1 repaired"]
    assert Path(f"{folder}/poem.txt").read_text() == "roses"
    assert run("verify").status == 0


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "changed"])
def test_a_config_comes_back_from_its_target_and_is_told(
    lost: bool, own_shop: Shop, stages: str, run: Run
) -> None:
    rref, folder = poem(run, stages)
    config = f"{os.path.dirname(folder)}/config.json"
    before = Path(config).read_bytes()
    if lost:
        os.unlink(config)
    else:
        overwrite(config, "{}")
    dref = f"dref:{rref[38:]}"
    found = run("verify", "--repair", "--json", "--target", f"{stages}:shown", "text=roses").json
    assert (found["repaired"], found["lost"], found["ok"]) == ([dref], [], True)
    assert [fault["ref"] for fault in found["damaged"]] == [dref]
    assert Path(config).read_bytes() == before
    assert run("verify").status == 0


def test_a_config_that_is_lost_for_good_is_damage_once(own_shop: Shop, run: Run) -> None:
    os.unlink(f"{own_shop.folder(own_shop.report_drv)}/config.json")
    assert run("verify").status == 4
    first = run("verify", "--repair")
    assert first.status == 4
    assert f"lost     {own_shop.report_drv}" in first.out
    again = run("verify")
    assert again.status == 0
    assert "instantiate its stage" in again.out


def test_what_cannot_be_built_is_told_with_the_reason(
    own_shop: Shop, damaged: str, stages: str, run: Run
) -> None:
    done = run("verify", "--repair", "--target", f"{stages}:fails")
    assert done.status == 4
    assert "no way" in done.err
    assert f"lost     {own_shop.exps[1]}" in done.out


def test_a_target_that_cannot_be_loaded_changes_nothing(
    own_shop: Shop, damaged: str, stages: str, run: Run
) -> None:
    for words, status in (
        ([f"{stages}:gone"], 3),
        ([f"{stages}x:shown"], 3),
        ([f"{stages}:shown"], 2),
        ([stages], 2),
    ):
        done = run("verify", "--repair", "--target", *words)
        assert (done.status, done.out) == (status, "")
    assert os.path.exists(damaged)


def test_a_target_is_for_repair(own_shop: Shop, stages: str, run: Run) -> None:
    done = run("verify", "--target", f"{stages}:shown")
    assert (done.status, done.out) == (2, "")
    assert "--repair" in done.err
