"""What is measured of many workers and of plans. Prints JSON.

Usage: workers.py WHAT ARGUMENT..., with the store in PYLIGHTNIX_ROOT; WHAT is a function in here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

from pylightnix import (
    Build,
    DRef,
    build_outpath,
    build_wrapper,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    plan,
    realize,
    realize_many,
    store_initialize,
)

LAYER = 100


def compute_10_ms(b: Build) -> None:
    """Keep a processor busy for that long."""
    build_outpath(b)
    end_s = time.process_time() + 0.010
    while time.process_time() < end_s:
        pass


def nothing(b: Build) -> None:
    build_outpath(b)


def apart(count: int, act: Callable[[Build], None]) -> list[DRef]:
    """Stages that need nothing of each other."""
    realizer = build_wrapper(act)
    return [
        mkdrv(mkconfig({"name": "stage", "number": number}), match_only(), realizer)
        for number in range(count)
    ]


def layers(count: int, bottom: int) -> DRef:
    """Layers of a hundred, each stage made of two of the layer below; in one corner `bottom`."""
    realizer = build_wrapper(nothing)

    def stage(*deps: DRef, **fields: object) -> DRef:
        config = mkconfig({"name": "stage", "deps": list(deps), **fields})
        return mkdrv(config, match_only(), realizer)

    row = [stage(at=0, number=number) for number in range(1, LAYER)]
    row = [stage(at=0, number=0, bottom=bottom), *row]
    for at in range(1, count // LAYER):
        row = [
            stage(row[number], row[max(0, number - 1)], at=at, number=number)
            for number in range(LAYER)
        ]
    return stage(*row, at="top")


def build_apart(count: str, work: str, jobs: str) -> float:
    """Seconds to realize stages that need nothing of each other."""
    closure = instantiate(apart, int(count), {"10ms": compute_10_ms, "nothing": nothing}[work])
    start_s = time.perf_counter()
    realize_many(closure, jobs=int(jobs))
    return time.perf_counter() - start_s


def build_in_pool(count: str, work: str) -> float:
    """Seconds of the same by two processes that are used again, once these have begun."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    act = {"10ms": compute_10_ms, "nothing": nothing}[work]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        realize_many(instantiate(apart, 10, act), executor=pool)
        closure = instantiate(apart, int(count), act)
        start_s = time.perf_counter()
        realize_many(closure, force_rebuild=True, executor=pool)
        return time.perf_counter() - start_s


def _memory_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def on_dask(count: str) -> dict[str, float]:
    """Seconds to realize stages on a cluster of two workers, and how memory of this process grew.

    That is from when a quarter of them was built to the end.
    """
    from pylightnix import Built, Event

    dask: Any = import_module("distributed")
    quiet = {"dashboard_address": None, "silence_logs": 50}
    with (
        dask.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster,
        dask.Client(cluster, set_as_default=False) as client,
    ):
        closure = instantiate(apart, int(count), nothing)
        built, begin_bytes, most_bytes = 0, 0, 0

        def listen(event: Event) -> None:
            nonlocal built, begin_bytes, most_bytes
            if isinstance(event, Built):
                built += 1
                if built >= int(count) // 4 and built % 100 == 0:
                    memory_bytes = _memory_bytes()
                    begin_bytes = begin_bytes or memory_bytes
                    most_bytes = max(most_bytes, memory_bytes)

        start_s = time.perf_counter()
        realize_many(closure, executor=client, on_event=listen)
        seconds = time.perf_counter() - start_s
    assert built == int(count)
    return {"seconds": seconds, "bytes": most_bytes - begin_bytes}


def fill(count: str) -> float:
    """Seconds to realize the layers."""
    start_s = time.perf_counter()
    realize(instantiate(layers, int(count), 0))
    return time.perf_counter() - start_s


def foresee(count: str) -> float:
    """Seconds of a plan of the layers with one derivation changed at the bottom, the first ever."""
    closure = instantiate(layers, int(count), time.time_ns())
    start_s = time.perf_counter()
    found = plan(closure)
    seconds = time.perf_counter() - start_s
    # What depends on what changed is another derivation, too: one more column in each row.
    changed = sum(min(LAYER, at + 1) for at in range(int(count) // LAYER)) + 1
    wanted = {"build": changed, "hit": len(found.items) - changed}
    counts = Counter(item.verdict for item in found.items)
    assert counts == wanted, (counts, wanted)
    return seconds


if __name__ == "__main__":
    store_initialize()
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
