"""What people do wrong: each ends with a sentence and its exit code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.shop import Run, Shop
from pylightnix import PylightnixError, instantiate, match_only, mkconfig, mkdrv
from pylightnix.cli import entry, exits
from pylightnix.core.refs import InvalidRef
from pylightnix.store.layout import NoStore, NotInStore
from pylightnix.store.query import Corrupt

GONE_DREF = f"dref:{'0' * 32}-gone"
GONE_RREF = f"rref:{'0' * 32}-{'1' * 32}-gone"

WITH_REF = [
    ["ls"],
    ["cat", "{}", "score.txt"],
    ["path"],
    ["path", "--derivation"],
    ["show"],
    ["config"],
    ["context"],
    ["deps"],
    ["deps", "--deep"],
    ["diff", "{}", "exp"],
    ["diff", "exp", "{}"],
    ["log"],
    ["shell"],
    ["du"],
    ["rm"],
    ["rm", "--force"],
    ["root", "add", "name"],
    ["gc", "--dry-run", "--keep"],
    ["verify"],
]


def filled(words: list[str], ref: str) -> list[str]:
    return [word.format(ref) for word in words] if "{}" in words else [*words, ref]


@pytest.mark.parametrize("words", WITH_REF, ids=" ".join)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["people", "programs"])
@pytest.mark.parametrize(
    ("ref", "status", "word"),
    [
        ("zzz", 3, "not in the store"),
        ("0123456789", 3, "not in the store"),
        (GONE_DREF, 3, GONE_DREF),
        (GONE_RREF, 3, "gone"),
        ("a/b", 2, "'a/b'"),
        ("", 2, "''"),
        ("exp ", 2, "'exp '"),
        ("a\0b", 2, "x00"),
    ],
    ids=["no name", "no hash", "no derivation", "no realization", "slash", "empty", "space", "NUL"],
)
def test_a_reference_to_nothing(
    ref: str, status: int, word: str, form: list[str], words: list[str], shop: Shop, run: Run
) -> None:
    done = run(*filled(words, ref), *form)
    assert (done.status, done.out) == (status, "")
    assert done.err.startswith("pylightnix: ")
    assert word in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def twins(own_shop: Shop) -> list[str]:
    """Two derivations of one name."""
    drvs = [
        instantiate(lambda n=n: mkdrv(mkconfig({"name": "twin", "n": n}), match_only(), print))  # type: ignore[arg-type,call-overload]
        for n in (1, 2)
    ]
    return [drv.targets[0] for drv in drvs]


@pytest.mark.parametrize("words", WITH_REF, ids=" ".join)
def test_a_name_that_may_mean_several_lists_them(
    words: list[str], twins: list[str], run: Run
) -> None:
    done = run(*filled(words, "twin"))
    assert (done.status, done.out) == (1, "")
    assert all(dref in done.err for dref in twins)


def test_a_beginning_of_a_hash_that_is_long_enough_will_do(shop: Shop, run: Run) -> None:
    for ref in (shop.exps[0], shop.exp):
        for text in (ref[5:13], ref[:13], ref):
            assert run("du", text, "--json").json["derivations"].keys() == {shop.exp}


@pytest.mark.parametrize(
    "words",
    [["cat", "exp", "score.txt"], ["path", "exp"], ["context", "exp"], ["ls", "exp", "sub"]],
)
def test_several_realizations_where_one_is_wanted_are_listed_the_newest_first(
    words: list[str], shop: Shop, run: Run
) -> None:
    done = run(*words)
    assert (done.status, done.out) == (1, "")
    listed = [line.split()[0] for line in done.err.splitlines()[1:]]
    assert listed == [rref[5:13] for rref in shop.exps[::-1]]
    assert run("path", listed[0]).lines == [shop.folder(shop.exps[2])]


@pytest.mark.parametrize("words", [["cat", "bad", "x"], ["path", "bad"], ["context", "bad"]])
def test_no_realization_where_one_is_wanted_is_said(words: list[str], shop: Shop, run: Run) -> None:
    done = run(*words)
    assert done.status == 3
    assert "has no realization yet" in done.err


@pytest.mark.parametrize("words", [["ls"], *WITH_REF], ids=" ".join)
def test_a_store_that_is_not_there_is_named_with_what_makes_one(
    words: list[str], nowhere: Path, run: Run
) -> None:
    done = run(*filled(words, "exp"))
    assert (done.status, done.out) == (3, "")
    assert str(nowhere) in done.err
    assert "`pylightnix init`" in done.err


def test_a_store_that_is_a_file(nowhere: Path, run: Run) -> None:
    nowhere.write_text("not a store")
    assert run("ls").status == 3
    assert run("init").status == 1


def test_a_store_whose_objects_are_a_file(nowhere: Path, run: Run) -> None:
    nowhere.mkdir()
    (nowhere / "store-v1").touch()
    assert run("ls").status == 3
    assert run("init").status == 1


def test_a_durability_that_does_not_exist(
    shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYLIGHTNIX_DURABILITY", "high")
    for words in (["ls"], ["--store", shop.root, "ls"]):
        done = run(*words)
        assert done.status == 2
        assert "'high'" in done.err


def damage(path: str) -> None:
    os.chmod(path, 0o644)
    with open(path, "a") as file:
        file.write(" ")


@pytest.mark.parametrize(
    "words",
    [["config"], ["show"], ["deps"], ["deps", "--deep"], ["ls"], ["du"], ["diff", "{}", "exp"]],
)
def test_a_damaged_config_is_said_to_be_damaged(words: list[str], own_shop: Shop, run: Run) -> None:
    damage(f"{own_shop.folder(own_shop.report_drv)}/config.json")
    done = run(*filled(words, "report"))
    assert (done.status, done.out) == (4, "")
    assert own_shop.report_drv in done.err


@pytest.mark.parametrize(
    "words", [["ls"], ["cat", "{}", "x"], ["show"], ["path"], ["context"], ["du"]]
)
def test_a_damaged_realization_is_said_to_be_damaged(
    words: list[str], own_shop: Shop, run: Run
) -> None:
    folder = own_shop.folder(own_shop.report)
    damage(f"{folder}/.pylightnix/manifest.json")
    os.chmod(folder, 0o755)  # the change time of the folder tells that it has to be looked at again
    done = run(*filled(words, own_shop.report))
    assert (done.status, done.out) == (4, "")
    assert own_shop.report in done.err


def test_one_damaged_object_does_not_keep_the_others_from_being_listed(
    own_shop: Shop, run: Run
) -> None:
    damage(f"{own_shop.folder(own_shop.report_drv)}/config.json")
    assert len(run("ls").lines) == 3
    assert run("find", "exp").status == 0


def test_a_folder_that_may_not_be_read_is_named(own_shop: Shop, run: Run, nonroot: None) -> None:
    os.chmod(own_shop.store.objects, 0)
    try:
        done = run("ls")
    finally:
        os.chmod(own_shop.store.objects, 0o755)
    assert done.status == 1
    assert own_shop.store.objects in done.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["lss"],
        ["--bogus"],
        ["ls", "--bogus"],
        ["ls", "a", "b", "c"],
        ["cat"],
        ["cat", "exp"],
        ["rm"],
        ["diff", "a"],
        ["path", "exp", "--deriv"],
        ["find", "--newer"],
        ["--store"],
        ["--store", "", "ls"],
        ["init", "--store="],
        ["root"],
        ["root", "bogus"],
        ["root", "add", "name"],
        ["index"],
        ["gc", "--keep-last", "-1"],
        ["gc", "--keep-last", "1.5"],
        ["gc", "exp"],
    ],
    ids=" ".join,
)
def test_words_that_make_no_command(words: list[str], shop: Shop, run: Run) -> None:
    done = run(*words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("pylightnix: ")
    assert done.err.count("\n") == 1
    assert "--help`" in done.err


def test_init_of_an_empty_path_makes_nothing_here(
    nowhere: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init", "").status == 2
    assert os.listdir(tmp_path) == []


def test_a_sentence_cannot_write_to_the_terminal(shop: Shop, run: Run) -> None:
    done = run("cat", "report", "\x1b[31m\udcff")
    assert done.status == 3
    assert r"\u001b[31m\udcff" in done.err


def test_ctrl_c_is_quiet(shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "_command", lambda where: interrupted)
    done = run("ls")
    assert (done.status, done.out, done.err) == (130, "", "")


def test_a_mistake_of_ours_is_not_taken_for_one_of_theirs(
    shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(args: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(entry, "_command", lambda where: broken)
    with pytest.raises(ZeroDivisionError):
        run("ls")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Corrupt("ref", "a", "b"), 4),
        (NotInStore("ref", "gone"), 3),
        (NoStore("/x"), 3),
        (InvalidRef("ref", "x", ()), 2),
        (PylightnixError("else"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_error_has_its_exit_code(error: PylightnixError, code: int) -> None:
    assert exits.exit_code(error) == code
