"""The store at one's finger tips."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    Ambiguous,
    AmbiguousResult,
    DRef,
    InUse,
    InvalidRef,
    InvalidValue,
    NotInStore,
    RRef,
    Store,
    catref,
    diff,
    du,
    find,
    instantiate,
    lsref,
    realize,
    rmref,
    rref2dref,
    rref2path,
    shellref,
    store_drefs,
)
from stages_for_tests import Link, Tree, constant, put

pytestmark = pytest.mark.usefixtures("current")
TREE: Tree = {
    "b.txt": "one\ntwo\r\nthree",
    "a": "x",
    "d/e/f": "deep\n",
    "binary": b"\xff\n",
    "empty": "",
    "gone": Link("nowhere"),
}


@pytest.fixture
def rref(store: Store) -> RRef:
    return put(store, TREE, "hello")


def test_artifacts_are_listed_without_our_own(rref: RRef) -> None:
    assert lsref(rref) == ["a", "b.txt", "binary", "d", "empty", "gone"]


def test_a_derivation_lists_its_realizations_and_nothing_else(store: Store, rref: RRef) -> None:
    other = put(store, {}, "hello")
    for ref in (rref2dref(rref), "hello", rref[38:50]):
        assert lsref(ref) == sorted([rref, other])


def test_names_and_prefixes_will_do_everywhere(store: Store, rref: RRef) -> None:
    assert lsref(rref[5:20]) == lsref(rref)
    assert catref("hello", "a") == ["x"]
    put(store, {}, "hello", other=1)
    with pytest.raises(Ambiguous):
        lsref("hello")
    with pytest.raises(NotInStore):
        lsref("nothing")


def test_lines_are_read_with_their_ends(rref: RRef) -> None:
    assert catref(rref, ["b.txt"]) == catref(rref, "b.txt") == ["one\n", "two\r\n", "three"]
    assert catref(rref, ["d", "e", "f"]) == ["deep\n"]
    assert catref(rref, "empty") == []


def test_only_files_of_text_are_read(rref: RRef) -> None:
    with pytest.raises(InvalidValue, match="is not UTF-8 text"):
        catref(rref, "binary")
    for path in (["d"], ["nothing"], ["gone"], ["a", "b"]):
        with pytest.raises(NotInStore, match="no such file in the realization"):
            catref(rref, path)


@pytest.mark.parametrize(
    "path", [[], "", "..", ["..", "config.json"], ["d/e"], "/etc/passwd", [5], ["a\0"], 5, None]
)
def test_a_path_that_leads_out_is_refused(path: Any, rref: RRef) -> None:
    with pytest.raises(InvalidRef):
        catref(rref, path)


def test_several_realizations_are_not_one(store: Store, rref: RRef) -> None:
    other = put(store, {}, "hello")
    with pytest.raises(AmbiguousResult) as caught:
        catref("hello", "a")
    assert set(caught.value.rrefs) == {rref, other}


def test_a_realization_is_deleted(rref: RRef) -> None:
    rmref(rref)
    assert lsref(rref2dref(rref)) == []
    with pytest.raises(NotInStore):
        rmref(rref)
    rmref("hello")
    assert store_drefs() == []


def test_what_others_depend_on_is_deleted_by_force_only() -> None:
    def stage() -> DRef:
        return constant("top", constant("base"))

    top = realize(instantiate(stage))
    [base] = [dref for dref in store_drefs() if dref[38:] == "base"]
    [needed] = lsref(base)
    for ref in (base, needed):
        with pytest.raises(InUse, match="top"):
            rmref(ref)
    rmref(top)
    rmref(rref2dref(top))
    rmref(base, force=True)
    assert store_drefs() == []


def test_room_is_told_by_derivation_and_realization(store: Store, rref: RRef) -> None:
    big = put(store, {"big": "x" * 100_000}, "hello")
    sizes = du()
    [(dref, (total, parts))] = sizes.items()
    assert dref == rref2dref(rref)
    assert parts[big] > 100_000 > parts[rref] > 0
    assert total > sum(parts.values())


def test_realizations_are_found_by_pattern(store: Store, rref: RRef) -> None:
    other = put(store, {}, "world")
    assert find() == sorted([rref, other], key=rref2dref)
    assert find("hello") == find("h*o") == find("h?ll[o]") == [rref]
    assert find("HELLO") == find("nothing") == []


def test_realizations_are_found_by_time(store: Store) -> None:
    old = put(store, {"a": "1"}, "old", stop="2001-01-01T00:00:00.000000+00:00")
    new = realize(instantiate(constant, "new"))
    year = 978307200.0  # 2001 began
    assert find(newer=year - 1) == sorted([old, new], key=rref2dref)
    assert find(newer=year) == [new]
    assert find(newer=-3600) == [new]
    assert find(newer=time.time() + 5) == find(newer=0) == []
    assert find("old", newer=year - 1) == [old]


@pytest.mark.parametrize("stop", ["", "yesterday"])
def test_what_has_no_time_is_not_newer_than_anything(stop: str, store: Store) -> None:
    rref = put(store, {}, stop=stop)
    assert find(newer=1) == []
    assert find() == [rref]


def test_differences_of_configs_and_manifests_are_told(store: Store) -> None:
    one = put(store, {"a": "x", "same": "1"}, "n", lr=1)
    two = put(store, {"b": "x", "same": "1"}, "n", lr=2)
    text = diff(rref2dref(one), rref2dref(two))
    assert '-  "lr": 1,\n+  "lr": 2,\n' in text
    assert "manifest" not in text
    text = diff(one, two)
    assert f"--- {one}/config.json\n+++ {two}/config.json\n" in text
    assert '-["a", "f", 1, ' in text
    assert '+["b", "f", 1, ' in text
    assert '-["same"' not in text


def test_what_does_not_differ_gives_nothing(store: Store, rref: RRef) -> None:
    assert diff(rref, rref) == diff("hello", rref) == ""


def test_a_shell_is_opened_in_the_folder(
    rref: RRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = tmp_path / "shell"
    shell.write_text(f"#!/bin/sh\npwd > {tmp_path}/where\nexit 7\n")
    shell.chmod(0o755)
    monkeypatch.setenv("SHELL", str(shell))
    assert shellref(rref) == 7
    assert Path((tmp_path / "where").read_text().strip()) == rref2path(rref).resolve()


def test_without_a_shell_of_ones_own_there_is_one(
    rref: RRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    called: list[Any] = []

    def run(argv: list[str], **options: object) -> object:
        called.append(argv)
        return subprocess.CompletedProcess(argv, 0)

    monkeypatch.delenv("SHELL", raising=False)
    monkeypatch.setattr(subprocess, "run", run)
    assert shellref("hello") == 0
    assert called == [["/bin/sh"]]


TOOLS: list[Callable[[Any], object]] = [lsref, rmref, shellref, lambda ref: catref(ref, "a")]


@pytest.mark.parametrize("bad", ["", "a/b", "../x", "x\n", "\0", 5, None, b"x"])
@pytest.mark.parametrize("tool", TOOLS)
def test_what_can_be_no_reference_is_refused(tool: Callable[[Any], object], bad: object) -> None:
    with pytest.raises(InvalidRef):
        tool(bad)


def test_the_store_can_be_passed(rref: RRef, store: Store, tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other", create=True, durability="none")
    assert find(store=other) == []
    assert du(store=other) == {}
    assert lsref(rref, store=store) == lsref(rref)
    with pytest.raises(NotInStore):
        lsref(rref, store=other)
