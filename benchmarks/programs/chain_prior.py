"""The same chain as `chain.py`, with pylightnix 0.3.0 in an environment of its own.

Usage: chain_prior.py FOLDER N, or chain_prior.py FOLDER N MODE, which prints seconds as JSON:
`noop` for a round in which all is there, `hit` for a closure that is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from statistics import median
from typing import Any

# By name: type checkers know another library of this name.
prior: Any = import_module("pylightnix")


def build(b: Any) -> None:
    with open(os.path.join(prior.build_outpath(b), "out"), "w") as file:
        file.write("done")


def stage(number: int, before: Any, r: Any = None) -> Any:
    config = prior.mkconfig({"name": f"stage-{number}", "number": number, "before": before})
    return prior.mkdrv(config, prior.match_latest(), prior.build_wrapper(build), r)


def chain(length: int, r: Any = None) -> Any:
    last = None
    for number in range(length):
        last = stage(number, last, r)
    return last


def seconds(work: Callable[[], object], rounds: int) -> float:
    taken_s = []
    for _ in range(rounds):
        start_s = time.perf_counter()
        work()
        taken_s.append(time.perf_counter() - start_s)
    return median(taken_s)


if __name__ == "__main__":
    store = prior.mkSS(sys.argv[1])
    prior.fsinit(store)
    count = int(sys.argv[2])
    mode = sys.argv[3] if len(sys.argv) > 3 else "print"
    closure = prior.instantiate(chain, count, S=store)
    rref = prior.realize1(closure)
    if mode == "print":
        print(rref)
    elif mode == "noop":
        again = lambda: prior.realize1(prior.instantiate(chain, count, S=store))  # noqa: E731
        print(json.dumps(seconds(again, 1)))
    elif mode == "hit":
        print(json.dumps(seconds(lambda: prior.realize1(closure), 200)))
