"""What a stage may cost at most, in figures without noise: rows T8 and T9 of the benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import pylightnix
from stages_for_tests import in_memory

PROGRAMS = Path(__file__).parents[2] / "benchmarks" / "programs"
SHORT, LONG = 100, 300  # as benchmarks/rows_counts.py
NOOP_CALLS = 3.0
# The aim is 50; the dates of build.json and of its folder are two more.
COLD_CALLS = 52.0
# When the interpreter asks for memory is its own affair, and differs from run to run.
FOR_MEMORY = {"brk", "mmap", "munmap", "mremap", "madvise"}
METADATA_BYTES = 5000
# What only builds need, or few, and what takes long to load: see docs/adr/0013.
NOT_FOR_A_HIT = (
    "pyrsistent typing re json inspect dataclasses pathlib hashlib _hashlib subprocess ctypes "
    "pylightnix.core.context pylightnix.engine.events pylightnix.engine.work "
    "pylightnix.engine.produce pylightnix.store.objects pylightnix.store.usage"
)
HIT = "import sys; old = set(sys.modules); sys.argv = sys.argv[1:]; exec(open(sys.argv[0]).read())"
# What was read of a folder is remembered only when that is certain to be seen to change.
SETTLED_S = 0.2


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with in_memory(tmp_path_factory.getbasetemp()) as folder:
        yield folder


def environment(store: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    source = str(Path(pylightnix.__file__).parents[1])
    own = {"PYLIGHTNIX_ROOT": str(store), "PYLIGHTNIX_DURABILITY": "none", "PYTHONPATH": source}
    return {**kept, **own, "PYTHONHASHSEED": "0"}


def program(store: Path, name: str, *words: object, before: Sequence[str] = ()) -> None:
    """Run one of the benchmarks' programs in a process of its own."""
    call = [*before, sys.executable, str(PROGRAMS / name), *map(str, words)]
    subprocess.run(call, env=environment(store), check=True, capture_output=True)


def chain(store: Path, length: int) -> None:
    """Realize a chain, as a user's program."""
    program(store, "chain.py", length)


def system_calls(store: Path, name: str, *words: object) -> int:
    """Count a program's system calls but for memory; skips where they cannot be counted."""
    log = store.with_suffix(".strace")
    strace = ["strace", "-f", "-c", "-U", "calls,name", "-o", str(log)]
    if shutil.which("strace") is None:
        pytest.skip("strace is not here (Debian: strace)")
    if subprocess.run([*strace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here: a container needs the capability SYS_PTRACE")
    program(store, name, *words, before=strace)
    rows = [line.split() for line in log.read_text().splitlines()]
    counts = {row[1]: int(row[0]) for row in rows if len(row) == 2 and row[0].isdecimal()}
    assert sum(counts.values()) == 2 * counts.pop("total")
    return sum(count for name, count in counts.items() if name not in FOR_MEMORY)


@pytest.fixture(scope="module")
def counted(room: Path) -> dict[str, float]:
    """System calls a stage, from the difference between two chains."""
    found: dict[str, list[int]] = {"cold": [], "no-op": []}
    for length in (SHORT, LONG):
        store = room / str(length)
        found["cold"].append(system_calls(store, "chain.py", length))
        time.sleep(SETTLED_S)
        chain(store, length)
        found["no-op"].append(system_calls(store, "chain.py", length))
    return {work: (long - short) / (LONG - SHORT) for work, (short, long) in found.items()}


def test_a_stage_that_is_there_takes_three_system_calls_at_most(
    counted: dict[str, float], record_property: Callable[[str, object], None]
) -> None:
    record_property("noop_calls_per_stage", counted["no-op"])
    # Below one the looking itself would be gone.
    assert 1 <= counted["no-op"] <= NOOP_CALLS


def test_a_stage_that_is_built_takes_no_more_system_calls_than_it_did(
    counted: dict[str, float], record_property: Callable[[str, object], None]
) -> None:
    record_property("cold_calls_per_stage", counted["cold"])
    assert 20 <= counted["cold"] <= COLD_CALLS


def test_a_program_with_nothing_to_do_loads_nothing_that_it_does_not_need(room: Path) -> None:
    store = room / "hit"
    chain(store, 2)
    time.sleep(SETTLED_S)
    chain(store, 2)
    probe = f"{HIT}; print(*set(sys.modules) - old)"
    done = subprocess.run(
        [sys.executable, "-c", probe, str(PROGRAMS / "chain.py"), "2"],
        env=environment(store),
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = done.stdout.split()
    assert "pylightnix.store.index" in loaded
    assert set(NOT_FOR_A_HIT.split()).isdisjoint(loaded)


def test_a_stage_takes_five_kilobytes_of_metadata_at_most(
    room: Path, record_property: Callable[[str, object], None]
) -> None:
    store = room / "metadata"
    chain(store, LONG)
    files = [path for path in (store / "store-v1").rglob("*") if path.is_file()]
    ours = [path.stat().st_size for path in files if path.name != "out"]
    assert len(ours) == 3 * LONG  # config, manifest and build.json
    record_property("bytes_per_stage", sum(ours) / LONG)
    assert sum(ours) / LONG <= METADATA_BYTES
