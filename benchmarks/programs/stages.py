"""Functions as stages, measured inside of one process. Prints JSON.

Usage: stages.py WHAT COUNT, with the store in PYLIGHTNIX_ROOT; WHAT is a function in here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import median

from pylightnix import (
    Build,
    DRef,
    Path,
    Stage,
    autostage,
    build_wrapper,
    instantiate,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    realize_many,
    selfref,
    store_initialize,
    table,
)

FACTOR = 7919


def scaled(number: int) -> float:
    return number * FACTOR % 10007 / 10007


def _trial(score: str, lr: float = 0.1, *, rindex: int = 0) -> None:
    Path(score).write_text(f"{scaled(rindex)}\n")


def _stage(count: int) -> Stage[...]:
    made = autostage(
        name="trial", nouts=count, matcher=match_some(count), score=[selfref, "score.txt"]
    )
    return made(_trial)


def rows(count: str) -> dict[str, float]:
    """Seconds to make the table, for the first time in this process."""
    realize_many(instantiate(_stage(int(count))))
    start_s = time.perf_counter()
    found = table("trial", ["score.txt"], sort="-score")
    took_s = time.perf_counter() - start_s
    if len(found) != int(count):
        raise SystemExit(f"{len(found)} rows instead of {count}")
    return {"rows": took_s}


def _build(b: Build) -> None:
    pass


def _plain(lr: float = 0.1) -> DRef:
    config = mkconfig({"name": "plain", "lr": lr, "score": [selfref, "score.txt"]})
    return mkdrv(config, match_only(), build_wrapper(_build))


def overhead(count: str) -> dict[str, float]:
    """Seconds by which instantiating a function takes longer than a stage that is written out."""
    auto = _stage(1)

    def again() -> object:
        return instantiate(auto)

    return {"overhead": _once_s(again, int(count)) - _once_s(_of_plain, int(count))}


def _of_plain() -> object:
    return instantiate(_plain)


def _once_s(work: Callable[[], object], count: int) -> float:
    work()
    times = []
    for _ in range(count):
        start_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - start_s)
    return median(times)


if __name__ == "__main__":
    store_initialize()
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
