"""What looking at a whole store may cost at most, for each derivation: rows T7 and T10."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from speed.test_gates import SETTLED_S, environment, program, system_calls
from stages_for_tests import in_memory

FEW, MANY = 100, 300
# One look at the folder of each derivation, and a page of the index for every ten.
KNOWN_CALLS = 1.3
# Below the folder of each derivation: its list, the realization and the note that it is whole, its
# manifest and build.json; for sizes its config, too. The rest is the index being written.
READ_CALLS = {"list": 15.6, "du": 19.7, "gc": 19.8}
# To look at each file, and some folders.
SAME_FILE_CALLS = 1.3
# Two lists of files, two reads, a copy, and what canonicalising takes.
NEW_FILE_CALLS = 24.0
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Path]]:
    """Two stores, of few and of many derivations with one realization each."""
    with in_memory(tmp_path_factory.getbasetemp()) as room:
        found = {count: room / str(count) for count in (FEW, MANY)}
        for count, store in found.items():
            program(store, "inside.py", "objects", count)
        yield found


def per_derivation(stores: dict[int, Path], what: str, before: Callable[[Path], object]) -> float:
    calls = []
    for store in stores.values():
        before(store)
        calls.append(system_calls(store, "inside.py", "survey", what))
    return (calls[1] - calls[0]) / (MANY - FEW)


def learn(store: Path) -> None:
    time.sleep(SETTLED_S)
    program(store, "inside.py", "survey", "gc")


def forget(store: Path) -> None:
    (store / "var" / "index.sqlite").unlink(missing_ok=True)


@pytest.mark.parametrize("what", READ_CALLS)
def test_what_the_index_knows_is_looked_at_once(
    what: str, stores: dict[int, Path], record_property: Record
) -> None:
    calls = per_derivation(stores, what, learn)
    record_property(f"{what}_calls_per_derivation", calls)
    # Below one it would be believed without looking.
    assert 1 <= calls <= KNOWN_CALLS


@pytest.mark.parametrize("what", READ_CALLS)
def test_without_the_index_nothing_is_read_twice(
    what: str, stores: dict[int, Path], record_property: Record
) -> None:
    calls = per_derivation(stores, what, forget)
    record_property(f"{what}_calls_per_derivation_read", calls)
    assert 10 <= calls <= READ_CALLS[what]


def folder_of(count: int, top: Path) -> Path:
    top.mkdir()
    for number in range(count):
        (top / f"file-{number}").write_bytes(os.urandom(2048))
    time.sleep(SETTLED_S)
    return top


def test_files_from_outside_are_looked_at_when_they_are_the_same_and_read_when_new(
    tmp_path: Path, record_property: Record
) -> None:
    new, same = [], []
    for count in (FEW, MANY):
        files, store = folder_of(count, tmp_path / f"files-{count}"), tmp_path / str(count)
        new.append(system_calls(store, "inside.py", "ingest", files))
        same.append(system_calls(store, "inside.py", "ingest", files))
    calls = {"new": (new[1] - new[0]) / (MANY - FEW), "same": (same[1] - same[0]) / (MANY - FEW)}
    record_property("ingest_calls_per_file", calls)
    assert 1 <= calls["same"] <= SAME_FILE_CALLS
    assert 10 <= calls["new"] <= NEW_FILE_CALLS


# What a list has no use for, and most of it takes longer to load than a hundred derivations.
NOT_FOR_A_LIST = {
    "pylightnix.engine",
    "pylightnix.core.config",
    "pylightnix.store.shelf",
    "pylightnix.store.gc",
    "dataclasses",
    "inspect",
    "typing",
    "hashlib",
    "json",
    "difflib",
}


def test_a_list_loads_no_more_than_it_needs(stores: dict[int, Path]) -> None:
    learn(stores[FEW])
    for words in (["find"], ["du"]):
        call = [sys.executable, "-X", "importtime", "-m", "pylightnix", *words]
        done = subprocess.run(
            call, env=environment(stores[FEW]), check=True, capture_output=True, text=True
        )
        loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "pylightnix.store.survey" in loaded
        assert loaded & NOT_FOR_A_LIST == set()
