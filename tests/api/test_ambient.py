"""Which store and which registry are meant when nobody says."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pylightnix import (
    DRef,
    InvalidValue,
    NoRegistry,
    NoStore,
    Registry,
    Store,
    StoreError,
    current_registry,
    current_store,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    store_initialize,
    store_rrefs,
    use_store,
)
from pylightnix.api import ambient
from stages_for_tests import below, constant, python


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A root in the environment, and no other choice."""
    monkeypatch.setattr(ambient._Process, "store", None)
    monkeypatch.setenv("PYLIGHTNIX_ROOT", str(tmp_path / "env"))
    yield tmp_path


def other(tmp_path: Path, name: str = "other") -> Store:
    return Store.open(tmp_path / name, create=True, durability="none")


def test_without_a_store_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoStore, match=r"pylightnix init.*store_initialize\(\)"):
        current_store()
    with pytest.raises(NoStore):
        instantiate(constant, "a")
    assert below(tmp_path) == []


def test_the_root_is_read_when_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_initialize()
    assert (store.objects, store.var) == (f"{tmp_path}/env/store-v1", f"{tmp_path}/env/var")
    assert current_store() == store
    monkeypatch.setenv("PYLIGHTNIX_ROOT", str(tmp_path / "elsewhere"))
    with pytest.raises(NoStore, match="elsewhere"):
        current_store()


def test_both_parts_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYLIGHTNIX_STORE", str(tmp_path / "a" / "objects"))
    store = store_initialize()
    assert (store.objects, store.var) == (f"{tmp_path}/a/objects", f"{tmp_path}/a/var")
    monkeypatch.setenv("PYLIGHTNIX_TMP", str(tmp_path / "b"))
    store = store_initialize()
    assert (store.objects, store.var) == (f"{tmp_path}/a/objects", f"{tmp_path}/b")
    assert realize(instantiate(constant, "a"))
    assert not (tmp_path / "env").exists()


def test_an_empty_variable_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYLIGHTNIX_STORE", "PYLIGHTNIX_TMP", "PYLIGHTNIX_DURABILITY"):
        monkeypatch.setenv(name, "")
    assert store_initialize().objects == f"{tmp_path}/env/store-v1"
    monkeypatch.setenv("PYLIGHTNIX_ROOT", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert store_initialize().objects == f"{tmp_path}/home/_pylightnix/store-v1"


def test_a_tilde_in_the_root_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYLIGHTNIX_ROOT", "~/mine")
    assert store_initialize().objects == f"{tmp_path}/home/mine/store-v1"
    store = store_initialize("~/custom/store-v1")
    assert store.objects == f"{tmp_path}/home/custom/store-v1"


def test_durability_is_that_of_the_environment_unless_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_initialize().durability == "batch"
    monkeypatch.setenv("PYLIGHTNIX_DURABILITY", "full")
    assert store_initialize().durability == current_store().durability == "full"
    assert store_initialize(tmp_path / "c" / "store-v1").durability == "full"
    assert store_initialize(durability="none").durability == "none"
    assert current_store().durability == "none"


def test_an_unknown_durability_in_the_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYLIGHTNIX_DURABILITY", "hard")
    with pytest.raises(InvalidValue, match="'hard' is unknown"):
        current_store()


def test_a_store_of_ones_own_becomes_the_current_one(tmp_path: Path) -> None:
    store = store_initialize(tmp_path / "mine" / "store-v1")
    assert current_store() == store
    assert store.var == f"{tmp_path}/mine/var"
    split = store_initialize(tmp_path / "mine" / "store-v1", tmp_path / "tmp")
    assert current_store() == split
    assert split.var == f"{tmp_path}/tmp"


def test_making_it_again_does_no_harm_unless_that_is_asked(tmp_path: Path) -> None:
    store = store_initialize()
    rref = realize(instantiate(constant, "a"))
    assert store_initialize() == store
    assert store_rrefs(DRef(f"dref:{rref[38:]}")) == [rref]
    with pytest.raises(StoreError, match=r"there is a store at .* already"):
        store_initialize(check_not_exist=True)
    store_initialize(tmp_path / "new" / "store-v1", check_not_exist=True)


def test_the_innermost_store_is_the_current_one(tmp_path: Path) -> None:
    env, a, b = store_initialize(), other(tmp_path, "a"), other(tmp_path, "b")
    assert current_store() == env
    with use_store(a) as used:
        assert current_store() == used == a
        with use_store(b):
            assert current_store() == b
        assert current_store() == a
    assert current_store() == env


def test_an_error_inside_takes_the_store_back(tmp_path: Path) -> None:
    env = store_initialize()
    with pytest.raises(KeyError), use_store(other(tmp_path)):
        raise KeyError
    assert current_store() == env


def test_a_store_that_is_gone_is_no_store(tmp_path: Path) -> None:
    store = other(tmp_path)
    os.rename(store.objects, f"{store.objects}.away")
    with use_store(store), pytest.raises(NoStore):
        current_store()


def test_threads_have_stores_of_their_own(tmp_path: Path) -> None:
    stores = [other(tmp_path, str(i)) for i in range(4)]
    barrier = threading.Barrier(4)
    seen: dict[int, list[Store]] = {}

    def work(i: int) -> None:
        with use_store(stores[i]):
            barrier.wait()
            rref = realize(instantiate(constant, f"s{i}"))
            barrier.wait()
            seen[i] = [current_store()]
            assert store_rrefs(DRef(f"dref:{rref[38:]}")) == [rref]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {i: [stores[i]] for i in range(4)}
    assert [len(os.listdir(store.objects)) for store in stores] == [1] * 4


def test_asynchronous_tasks_have_stores_of_their_own(tmp_path: Path) -> None:
    stores = [other(tmp_path, str(i)) for i in range(3)]

    async def work(i: int) -> bool:
        with use_store(stores[i]):
            for _ in range(3):
                await asyncio.sleep(0)
                realize(instantiate(constant, f"s{i}"))
            return current_store() == stores[i]

    async def main() -> list[bool]:
        return list(await asyncio.gather(*(work(i) for i in range(3))))

    assert asyncio.run(main()) == [True] * 3
    assert [len(os.listdir(store.objects)) for store in stores] == [1] * 3


def test_a_new_thread_does_not_inherit_a_store_but_the_chosen_one_of_the_process(
    tmp_path: Path,
) -> None:
    chosen = store_initialize(tmp_path / "chosen" / "store-v1")
    seen: list[Store] = []
    with use_store(other(tmp_path)):
        thread = threading.Thread(target=lambda: seen.append(current_store()))
        thread.start()
        thread.join()
    assert seen == [chosen]


# Registries


def test_without_a_registry_the_ways_to_one_are_named() -> None:
    with pytest.raises(NoRegistry, match=r"instantiate\(stage, \.\.\.\).*current_registry"):
        constant("a")


def test_a_registry_is_current_inside_its_block(tmp_path: Path) -> None:
    with current_registry() as outer:
        a = constant("a")
        with current_registry(Registry()) as inner:
            b = constant("b")
        c = constant("c")
    assert list(outer.derivations) == [a, c]
    assert list(inner.derivations) == [b]
    assert repr(outer) == "<Registry of 2 derivations>"
    with pytest.raises(NoRegistry):
        constant("d")


def test_a_registry_that_is_passed_goes_before_the_current_one() -> None:
    with current_registry() as current:
        mine = Registry()
        dref = mkdrv(mkconfig({}), match_only(), lambda *args: [], r=mine)
    assert list(mine.derivations) == [dref]
    assert not current.derivations


def test_a_fresh_process_finds_the_store_of_the_environment(tmp_path: Path) -> None:
    program = (
        "from stages_for_tests import *; from pylightnix import *;"
        "store_initialize(); print(realize(instantiate(constant, 'a')))"
    )
    first, second = python(program), python(program)
    assert first.stdout.startswith("rref:"), first.stderr
    assert first.stdout == second.stdout
    assert (tmp_path / "env" / "store-v1").is_dir()
