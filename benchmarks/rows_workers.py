"""W1 to W4: many workers, and plans of large closures."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

from .bench import Bench, Beside, mine
from .harness import OURS, Claim, Contender, Series, race, told
from .peers import erase, ours

PROGRAM = "workers.py"
SERIAL = "one worker"


def _number(bench: Bench, store: str, *words: object) -> float:
    return told(ours(PROGRAM, *words), bench.env(bench.memory / store))["seconds"]


def _apart(bench: Bench, who: str, count: int, work: str, jobs: int) -> Contender:
    """Stages that need nothing of each other; seconds for each."""
    store = f"{who}-{work}"
    return Contender(
        who,
        lambda: _number(bench, store, "build_apart", count, work, jobs) / count,
        lambda: erase(bench.memory / store),
    )


def w1(bench: Bench) -> list[Claim]:
    """Two workers where there is something to compute: a process for each build, and a pool."""
    count = bench.size(1000)
    serial = Beside(SERIAL, partial(_apart, bench, SERIAL, count, "10ms", 1), 1 / 1.7)
    pool = mine(
        lambda: _number(bench, "pool", "build_in_pool", count, "10ms") / count,
        lambda: erase(bench.memory / "pool"),
    )
    own = bench.compare(
        f"{count:,} independent stages of 10 ms of computing, jobs=2, a stage",
        _apart(bench, OURS, count, "10ms", 2),
        [serial],
    )
    work = f"{count:,} of 10 ms, a ProcessPoolExecutor of two is passed, a stage"
    return own + bench.compare(work, pool, [serial])


def w2(bench: Bench) -> list[Claim]:
    """What a process for each build costs."""
    count = bench.size(1000)
    return bench.compare(
        f"{count:,} independent stages of nothing, jobs=2, a stage",
        _apart(bench, OURS, count, "nothing", 2),
        [Beside(SERIAL, partial(_apart, bench, SERIAL, count, "nothing", 1))],
        5e-3,
    )


def w3(bench: Bench) -> list[Claim]:
    """Ten thousand stages on a local cluster of dask: once, since it takes a minute."""
    count = bench.size(10_000)
    work = f"{count:,} independent stages of nothing on dask, two workers"
    if find_spec("distributed") is None:
        lacking = "the extra dask is not installed"
        return [Claim(work, Series(OURS, ()), Series("dask", ()), 10e-3, lacking)]
    found = told(ours(PROGRAM, "on_dask", count), bench.env(bench.memory / "w3"))
    seconds, grown = (found["seconds"] / count,), (found["bytes"],)
    memory = Series(OURS, grown, "bytes")
    return [
        Claim(f"{work}, a stage", Series(OURS, seconds), at_most=10e-3, absolute=True),
        Claim(f"{work}, memory from a quarter on", memory, at_most=24e6, absolute=True),
    ]


def w4(bench: Bench) -> list[Claim]:
    """What would be built, said before the index has learned of anything."""
    count = bench.size(10_000)
    _number(bench, "w4", "fill", count)

    def forget() -> None:
        for path in (bench.memory / "w4" / "var").glob("index*"):
            path.unlink()

    contender = mine(lambda: _number(bench, "w4", "foresee", count), forget)
    found = race([contender], min(bench.runs, 5))[OURS]
    work = f"`plan` of {count:,} derivations, one changed at the bottom, in a new process"
    return [Claim(work, found, at_most=1.0, absolute=True)]
