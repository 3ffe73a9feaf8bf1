"""The same chain as `chain.py`, as calls remembered by joblib.

Usage: chain_joblib.py FOLDER N, or chain_joblib.py FOLDER N MODE, which prints seconds as JSON:
`cold` for the first round in a process that has joblib loaded, `noop` for rounds in which all is
remembered, `hit` for single calls that are.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from statistics import median
from typing import Any

# By name: type checkers need not have it.
joblib: Any = import_module("joblib")
memory = joblib.Memory(sys.argv[1], verbose=0)


@memory.cache  # type: ignore[untyped-decorator]
def stage(number: int, before: int | None) -> int:
    return number


def chain(length: int) -> int | None:
    last = None
    for number in range(length):
        last = stage(number, last)
    return last


def seconds(length: int) -> float:
    start_s = time.perf_counter()
    chain(length)
    return time.perf_counter() - start_s


if __name__ == "__main__":
    count = int(sys.argv[2])
    mode = sys.argv[3] if len(sys.argv) > 3 else "print"
    if mode == "print":
        print(chain(count))
    elif mode == "cold":
        print(json.dumps(seconds(count)))
    else:
        seconds(count)  # into memory
        print(json.dumps(median(seconds(count) for _ in range(200 if mode == "hit" else 3))))
