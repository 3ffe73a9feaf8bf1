"""What is flushed, and before what: a name must never be durable before what it names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pylightnix import InvalidValue, Store, instantiate, realize
from pylightnix.store import fsys, objects, syscalls
from pylightnix.store.layout import Durability, drv_path
from pylightnix.store.objects import put_derivation
from stages_for_tests import constant, derivation, put


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every flush and every rename that gives a final name, in order, by what it is done to."""
    seen: list[str] = []

    def path_of(fd: int) -> str:
        return os.readlink(f"/proc/self/fd/{fd}")

    real_rename = os.rename

    def rename(source: str, target: str, **dir_fds: int) -> None:
        real_rename(source, target, **dir_fds)
        if ".in-" not in target and "/verified/" not in target:
            seen.append(f"rename {target}")

    def name(source: str, target: str) -> None:
        syscalls.rename_noreplace(source, target)
        seen.append(f"rename {target}")

    monkeypatch.setattr(os, "fsync", lambda fd: seen.append(f"fsync {path_of(fd)}"))
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(objects, "rename_noreplace", name)
    monkeypatch.setattr(objects, "sync_filesystem", lambda path: seen.append(f"syncfs {path}"))
    yield seen


def made(tmp_path: Path, durability: Durability) -> Store:
    return Store.open(os.path.realpath(tmp_path) + "/root", create=True, durability=durability)


def short(calls: list[str], store: Store) -> list[str]:
    """Calls without what changes from run to run."""
    found = []
    for call in calls:
        verb, _, path = call.partition(" ")
        parts = ["*" if part.startswith(".in-") else part for part in path.split("/")]
        found.append(f"{verb} {os.path.relpath('/'.join(parts), store.objects)}")
    return found


TREE = {"a": "x", "d/b": "y"}


def test_with_none_nothing_is_flushed(tmp_path: Path, calls: list[str]) -> None:
    put(made(tmp_path, "none"), TREE)
    assert [call for call in calls if not call.startswith("rename")] == []


def test_with_batch_one_flush_of_the_file_system_comes_before_the_name(
    tmp_path: Path, calls: list[str]
) -> None:
    store = made(tmp_path, "batch")
    rref = put(store, TREE)
    home = rref[38:]
    assert short(calls, store) == [
        f"rename {home}/config.json",
        f"syncfs {home}",
        f"rename {home}/{rref[5:37]}",
        f"fsync {home}",
    ]


def test_with_batch_the_number_of_flushes_does_not_grow_with_the_files(
    tmp_path: Path, calls: list[str]
) -> None:
    put(made(tmp_path, "batch"), {f"f{i}": "x" for i in range(50)})
    assert len([call for call in calls if not call.startswith("rename")]) == 2


def test_with_full_every_file_then_every_folder_then_the_name(
    tmp_path: Path, calls: list[str]
) -> None:
    store = made(tmp_path, "full")
    rref = put(store, TREE)
    home, final = rref[38:], f"{rref[38:]}/{rref[5:37]}"
    seen = short(calls, store)
    assert seen[:4] == [f"fsync {home}/*", f"rename {home}/config.json", f"fsync {home}", "fsync ."]
    # The config may have been written by somebody who did not flush it.
    assert seen[-4:-2] == [f"fsync {home}/config.json", "fsync ."]
    assert seen[-2:] == [f"rename {final}", f"fsync {home}"]
    flushed = [call.rsplit("/", 1)[-1] for call in seen[4:-4]]
    assert sorted(flushed) == sorted(
        ["a", "b", "d", "manifest.json", "build.json", ".pylightnix", "*"]
    )
    assert flushed[-1] == "*"  # the top, after all that is in it
    assert flushed.index("b") < flushed.index("d")
    assert flushed.index("manifest.json") < flushed.index(".pylightnix")


def test_what_is_there_already_is_not_flushed_again(tmp_path: Path, calls: list[str]) -> None:
    store = made(tmp_path, "batch")
    put(store, TREE)
    calls.clear()
    put(store, TREE)
    assert calls == []


def test_a_config_is_flushed_at_once_with_full_only(tmp_path: Path, calls: list[str]) -> None:
    for durability, flushes in (("full", 3), ("batch", 0), ("none", 0)):
        store = Store.open(tmp_path / durability, create=True, durability=durability)  # type: ignore[arg-type]
        calls.clear()
        put_derivation(store, *derivation())
        assert len([call for call in calls if call.startswith("fsync")]) == flushes


def test_the_folder_of_a_derivation_is_flushed_before_a_realization_is_named_by_another(
    tmp_path: Path, calls: list[str]
) -> None:
    store = made(tmp_path, "batch")

    def stage() -> object:
        return constant("top", constant("base"))

    realize(instantiate(stage, store=store))
    base, top = sorted(os.listdir(store.objects), key=lambda name: name.endswith("top"))
    seen = short(calls, store)
    first_use = next(i for i, call in enumerate(seen) if call.startswith(f"syncfs {top}"))
    assert f"fsync {base}" in seen[:first_use]


@pytest.mark.parametrize("asked", ["full", "batch", "none"])
def test_realize_can_be_told_another_durability(
    asked: Durability, tmp_path: Path, calls: list[str]
) -> None:
    store = made(tmp_path, "none" if asked != "none" else "full")
    closure = instantiate(constant, "thing", store=store)
    calls.clear()
    realize(closure, durability=asked)
    verbs = {call.split()[0] for call in calls} - {"rename"}
    assert verbs == {"full": {"fsync"}, "batch": {"syncfs", "fsync"}, "none": set()}[asked]


def test_an_unknown_durability_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="'hard' is unknown: choose full, batch or none"):
        Store.open(tmp_path, durability="hard")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="is unknown"):
        realize(instantiate(constant, "a", store=store), durability="hard")  # type: ignore[arg-type]


def test_a_flush_of_the_file_system_is_one_call(tmp_path: Path) -> None:
    syscalls.sync_filesystem(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        syscalls.sync_filesystem(str(tmp_path / "nothing"))


def test_where_the_call_is_lacking_everything_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    monkeypatch.setattr(os, "sync", lambda: flushed.append(True))
    monkeypatch.setattr(syscalls, "_function", lambda name: None)
    syscalls.sync_filesystem(str(tmp_path))
    assert flushed == [True]


def test_a_flush_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, *args: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(syscalls, "_call", fail)
    with pytest.raises(OSError, match="Input/output"):
        syscalls.sync_filesystem(str(tmp_path))


def test_flushing_a_folder_and_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: flushed.append(os.readlink(f"/proc/self/fd/{fd}")))
    path = os.path.realpath(tmp_path)
    fsys.write_new(f"{path}/new", b"data", sync=True)
    fsys.sync_folder(path)
    assert flushed == [f"{path}/new", path]


def test_the_derivations_folder_is_where_the_paths_say(tmp_path: Path) -> None:
    store = made(tmp_path, "none")
    assert drv_path(store, derivation()[0]).startswith(f"{store.objects}/")
