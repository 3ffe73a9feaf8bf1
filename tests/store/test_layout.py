"""Where things are, and what happens where they are not."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import (
    NoStore,
    PylightnixError,
    RRef,
    Store,
    StoreError,
    instantiate,
    mkdref,
    realize,
)
from pylightnix.store.layout import (
    VAR_PARTS,
    drv_path,
    parse_drv,
    parse_rref,
    rref_path,
)
from pylightnix.store.query import drefs, rrefs
from stages_for_tests import below, constant, derivation, put, python


def test_a_store_is_two_folders(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "root", create=True)
    assert sorted(os.listdir(tmp_path / "root")) == ["store-v1", "var"]
    assert sorted(os.listdir(store.var)) == sorted(VAR_PARTS)
    assert store.durability == "batch"


def test_making_it_again_does_no_harm(store: Store) -> None:
    rref = put(store, {"a": "x"})
    root = Path(store.objects).parent
    again = Store.open(root, create=True, durability="none")
    assert again == store
    assert rrefs(again, drefs(again)[0]) == [rref]


def test_opening_what_is_not_there_makes_nothing_and_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NoStore, match="pylightnix init") as caught:
        Store.open(tmp_path / "root")
    assert caught.value.path == f"{tmp_path}/root/store-v1"
    assert below(tmp_path) == []


def test_a_store_that_cannot_be_made_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot make a store at .*Not a directory"):
        Store.open(tmp_path / "file" / "root", create=True)
    with pytest.raises(StoreError, match="cannot make a store"):
        Store.open(tmp_path / "file", create=True)


def test_a_relative_root_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open("root", create=True)
    monkeypatch.chdir("/")
    assert store.objects == f"{tmp_path}/root/store-v1"
    assert Store.open(tmp_path / "root") == store


def test_a_store_travels_between_processes(store: Store) -> None:
    assert pickle.loads(pickle.dumps(store)) == store
    assert hash(store) == hash(Store(store.objects, store.var, store.durability))


def test_paths_are_as_the_format_says(store: Store) -> None:
    rref = RRef(f"rref:{'1' * 32}-{'2' * 32}-name")
    dref = mkdref("2" * 32, "name")
    assert drv_path(store, dref) == f"{store.objects}/{'2' * 32}-name"
    assert rref_path(store, rref) == f"{store.objects}/{'2' * 32}-name/{'1' * 32}"


@given(st.text(max_size=50) | st.from_regex(r"[0-9a-f]{30,33}-[a-z.]{0,3}\n?", fullmatch=True))
def test_a_folders_name_is_a_derivation_exactly_if_its_path_comes_back(name: str) -> None:
    store = Store("/objects", "/var")
    dref = parse_drv(name)
    assert dref is None or drv_path(store, dref) == f"/objects/{name}"


@given(st.text(max_size=40) | st.from_regex(r"[0-9a-fA-F]{31,33}\n?", fullmatch=True))
def test_a_folders_name_is_a_realization_exactly_if_its_path_comes_back(name: str) -> None:
    store = Store("/objects", "/var")
    dref = mkdref("0" * 32, "n")
    rref = parse_rref(dref, name)
    assert rref is None or rref_path(store, rref) == f"{drv_path(store, dref)}/{name}"


# A store that cannot be written


@pytest.fixture
def read_only(nonroot: None, tmp_path: Path) -> Iterator[tuple[Store, RRef]]:
    store = Store.open(tmp_path / "root", create=True, durability="none")
    rref = realize(instantiate(constant, "a", store=store))
    root = Path(store.objects).parent
    folders = [root, *(p for p in root.rglob("*") if p.is_dir() and not p.is_symlink())]
    modes = {folder: folder.stat().st_mode for folder in folders}
    for folder in reversed(folders):
        folder.chmod(modes[folder] & 0o7555)
    yield store, rref
    for folder in folders:
        folder.chmod(modes[folder] | 0o700)


def test_a_read_only_store_can_be_read(read_only: tuple[Store, RRef]) -> None:
    store, rref = read_only
    assert Store.open(Path(store.objects).parent, durability="none") == store
    assert rrefs(store, drefs(store)[0]) == [rref]
    assert realize(instantiate(constant, "a", store=store)) == rref
    with pytest.raises(StoreError, match="Permission denied"):
        instantiate(constant, "b", store=store)
    with pytest.raises(PylightnixError, match="Permission denied"):
        realize(instantiate(constant, "a", store=store), force_rebuild=True)


MOUNT = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
shift; exec "$@"
"""
PROGRAM = """
import sys
from pylightnix import *
from stages_for_tests import constant
store = Store.open(sys.argv[1])
print(realize(instantiate(constant, "a", store=store)))
for refused in (
    lambda: instantiate(constant, "b", store=store),
    lambda: realize(instantiate(constant, "a", store=store), force_rebuild=True),
    lambda: rmref(find(store=store)[0], store=store),
):
    try:
        refused()
    except StoreError as error:
        print("Read-only file system" in str(error))
"""


def test_a_store_on_a_read_only_mount_can_be_read_and_realized_from(store: Store) -> None:
    rref = realize(instantiate(constant, "a", store=store))
    root = str(Path(store.objects).parent)
    try:
        child = python(PROGRAM, root, before=["unshare", "-rm", "sh", "-c", MOUNT, "sh", root])
    except FileNotFoundError:
        pytest.skip("there is no unshare (package util-linux)")
    if child.returncode == 77 or child.stderr.startswith("unshare:"):
        pytest.skip(f"nobody may mount anything here: {child.stderr.strip()}")
    assert child.stdout.split() == [rref, "True", "True", "True"], child.stderr


def test_a_store_without_anything_beside_the_objects_can_be_read(store: Store) -> None:
    """What is on a read-only mount is `store-v1` and nothing else."""
    import shutil

    rref = put(store, {"a": "x"})
    shutil.rmtree(store.var)
    assert rrefs(store, derivation()[0]) == [rref]
