"""B1: what a sandbox costs: from its start to the end of a program that does nothing."""

from __future__ import annotations

from .bench import Bench
from .harness import OURS, Claim, Contender, Series, race, told
from .peers import ours

BARE = "no sandbox"
# Bubblewrap starts one program; the others start our launcher first, which is an interpreter.
AT_MOST_S = {"bubblewrap": 0.02, "unshare": 0.06, "landlock": 0.05, "rlimits": 0.05}


def b1(bench: Bench) -> list[Claim]:
    """A start on each back-end, beside a process without any."""
    count = bench.size(20)
    plain = Contender(BARE, lambda: _seconds(bench, "bare", count))
    claims = []
    for backend, at_most_s in AT_MOST_S.items():
        work = f"start a program in a sandbox: {backend}"
        lacking = _lacking(bench, backend)
        if lacking:
            claims.append(Claim(work, Series(OURS, ()), lacking=lacking))
            continue
        mine = Contender(OURS, lambda name=backend: _seconds(bench, name, count))  # type: ignore[misc]
        found = race([mine, plain], bench.runs)
        claims.append(Claim(work, found[OURS], at_most=at_most_s, absolute=True))
        claims.append(Claim(work, found[OURS], found[BARE]))
    return claims


def _seconds(bench: Bench, backend: str, count: int) -> float:
    return told(ours("sandboxed.py", backend, count), bench.env(bench.memory))["seconds"]


def _lacking(bench: Bench, backend: str) -> str:
    answer = told(ours("sandboxed.py", backend, 1), bench.env(bench.memory))
    return str(answer.get("lacking", ""))
