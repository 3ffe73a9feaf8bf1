"""S1, S2: functions as stages, and the table of their results."""

from __future__ import annotations

import time

from .bench import Bench, mine
from .harness import Claim, answer, told
from .peers import ours


def s1(bench: Bench) -> list[Claim]:
    """The experiments table, in a process that has not seen it before; the index has."""
    count = bench.size(2000)
    env = bench.env(bench.memory / "s1")
    call = ours("stages.py", "rows", count)
    for _ in range(2):
        answer(call, env)
        time.sleep(0.1)
    work = f"a table of {count:,} realizations with one metric, in process"
    return bench.compare(work, mine(lambda: told(call, env)["rows"]), [], 0.200)


def s2(bench: Bench) -> list[Claim]:
    """Instantiate: a function as a stage, less a stage that was written out."""
    env = bench.env(bench.memory / "s2")
    call = ours("stages.py", "overhead", bench.size(1000))
    work = "what autostage adds to an instantiate with nothing to do"
    return bench.compare(work, mine(lambda: told(call, env)["overhead"]), [], 0.000_100)
