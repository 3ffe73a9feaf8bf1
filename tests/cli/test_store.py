from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.shop import Run, Shop
from pylightnix import DRef, RRef


def tree_bytes(folder: str) -> int:
    return sum(
        os.lstat(f"{at}/{name}").st_size for at, _, names in os.walk(folder) for name in names
    )


def test_init_makes_the_store_that_the_environment_names(nowhere: Path, run: Run) -> None:
    assert run("ls").status == 3
    done = run("init")
    assert (done.status, done.out) == (0, f"made {nowhere}/store-v1\n")
    assert run("ls").status == 0


def test_init_again_does_no_harm(shop: Shop, run: Run) -> None:
    before = run("ls", "--json").json
    assert run("init").out == f"there was a store already: {shop.store.objects}\n"
    assert run("init", "--json").json == {
        "created": False,
        "objects": shop.store.objects,
        "var": shop.store.var,
    }
    assert run("ls", "--json").json == before


@pytest.mark.parametrize(
    "words", [["init", "{}"], ["init", "--store", "{}"], ["--store={}", "init"]]
)
def test_init_makes_a_store_elsewhere_and_says_how_to_use_it(
    words: list[str], nowhere: Path, tmp_path: Path, run: Run
) -> None:
    place = tmp_path / "else where"
    done = run(*(word.format(place) for word in words))
    assert done.lines[0] == f"made {place}/store-v1"
    assert f"PYLIGHTNIX_ROOT='{place}'" in done.lines[1]
    assert run("ls").status == 3
    assert run("ls", "--store", str(place)).status == 0
    assert run("--store", str(place), "ls").status == 0


def test_init_where_the_environment_points_anyway_needs_no_hint(nowhere: Path, run: Run) -> None:
    assert run("init", str(nowhere)).lines == [f"made {nowhere}/store-v1"]


def test_the_option_goes_before_the_environment(shop: Shop, tmp_path: Path, run: Run) -> None:
    other = str(tmp_path / "other")
    assert run("init", other, "--json").json["created"] is True
    assert run("--store", other, "ls").out == ""
    assert run("--store", shop.root, "--json", "ls").json == run("ls", "--json").json


def test_a_place_given_twice_is_refused(nowhere: Path, tmp_path: Path, run: Run) -> None:
    done = run("--store", str(tmp_path / "a"), "init", str(tmp_path / "b"))
    assert done.status == 2
    assert "twice" in done.err
    assert os.listdir(tmp_path) == []


def test_a_store_cannot_be_made_where_a_file_is(nowhere: Path, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run("init", str(file))
    assert done.status == 1
    assert str(file) in done.err
    assert run("--store", str(file), "ls").status == 3


def test_du_measures_everything(shop: Shop, run: Run) -> None:
    found = run("du", "--json").json
    assert set(found["derivations"]) == {shop.exp, shop.report_drv, shop.bad}
    assert set(found["derivations"][shop.exp]["realizations"]) == set(shop.exps)
    assert found["derivations"][shop.bad] == {"bytes": len('{"name":"bad"}'), "realizations": {}}
    assert found["bytes"] == sum(item["bytes"] for item in found["derivations"].values())
    lines = run("du").lines
    assert [line.split()[2] for line in lines] == ["bad", "exp", "report", "total"]
    assert lines[0].endswith(shop.bad[5:13])


def test_du_of_a_derivation_and_of_a_realization(shop: Shop, run: Run) -> None:
    everything = run("du", "--json").json["derivations"]
    assert run("du", "exp", "--json").json["derivations"] == {shop.exp: everything[shop.exp]}
    assert len(run("du", "exp").lines) == 4
    size = everything[shop.exp]["realizations"][shop.exps[0]]
    assert run("du", shop.exps[0], "--json").json == {
        "bytes": size,
        "derivations": {shop.exp: {"bytes": size, "realizations": {shop.exps[0]: size}}},
    }
    assert len(run("du", shop.exps[0]).lines) == 1


def test_du_counts_what_is_on_the_disk(shop: Shop, run: Run) -> None:
    assert run("du", "report", "--json").json["bytes"] == tree_bytes(shop.folder(shop.report_drv))


def test_rm_deletes_a_realization(own_shop: Shop, run: Run) -> None:
    done = run("rm", own_shop.exps[0])
    assert (done.status, done.out) == (0, f"deleted {own_shop.exps[0]}\n")
    assert not os.path.exists(own_shop.folder(own_shop.exps[0]))
    assert run("ls", own_shop.exps[0]).status == 3


def test_rm_refuses_what_others_depend_on(own_shop: Shop, run: Run) -> None:
    for ref, holder in ((own_shop.exps[2], own_shop.report), (own_shop.exp, own_shop.report_drv)):
        done = run("rm", ref)
        assert (done.status, done.out) == (1, "")
        assert holder in done.err
        assert os.path.exists(own_shop.folder(ref))


def test_rm_takes_force(own_shop: Shop, run: Run) -> None:
    assert run("rm", "--force", "exp", "--json").json == {"deleted": [own_shop.exp], "kept": {}}
    assert not os.path.exists(own_shop.folder(own_shop.exp))


@pytest.mark.parametrize("order", [1, -1])
def test_rm_deletes_those_that_depend_before_those_they_need(
    order: int, own_shop: Shop, run: Run
) -> None:
    done = run("rm", *["exp", "report"][::order])
    assert (done.status, done.err) == (0, "")
    assert set(done.lines) == {f"deleted {own_shop.exp}", f"deleted {own_shop.report_drv}"}
    assert [item["name"] for item in run("ls", "--json").json] == ["bad"]


def test_rm_deletes_what_it_may_and_names_the_rest(own_shop: Shop, run: Run) -> None:
    done = run("rm", own_shop.exps[0], own_shop.exps[2], "--json")
    assert done.status == 1
    assert f'"deleted": ["{own_shop.exps[0]}"]' in done.out
    assert f'"kept": {{"{own_shop.exps[2]}": ["{own_shop.report}"]}}' in done.out
    assert done.err.count("pylightnix: ") == 1


def test_rm_of_a_derivation_and_its_own_realization_is_one_deletion(
    own_shop: Shop, run: Run
) -> None:
    assert run("rm", "report", own_shop.report, "report").lines == [
        f"deleted {own_shop.report_drv}"
    ]


def test_rm_deletes_nothing_if_one_reference_is_mistaken(own_shop: Shop, run: Run) -> None:
    assert run("rm", "bad", "zzz").status == 3
    assert run("path", "--derivation", "bad").status == 0


def test_rm_deletes_what_is_damaged(own_shop: Shop, run: Run) -> None:
    config = f"{own_shop.folder(own_shop.bad)}/config.json"
    os.chmod(config, 0o644)
    with open(config, "w") as file:
        file.write("{}")
    assert run("config", own_shop.bad).status == 4
    assert run("rm", "--force", own_shop.bad).status == 0


@pytest.mark.parametrize(
    "ref", [DRef("dref:" + "0" * 32 + "-x"), RRef("rref:" + "0" * 32 + "-" + "1" * 32 + "-x")]
)
def test_what_is_not_there_cannot_be_deleted(ref: str, shop: Shop, run: Run) -> None:
    assert run("rm", ref).status == 3
