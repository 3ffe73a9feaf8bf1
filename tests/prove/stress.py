"""Many processes, one store: nobody fails, nobody is stuck, and nothing is built twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random

from pylightnix import DRef, Store, current_registry, instantiate, realize, rref2path, use_store
from pylightnix.store.layout import Durability

from . import audit, crew
from .nodes import node
from .outcome import Outcome

PROCESSES = 8
STAGES = 50
LIMIT_S = 120.0


def stages(rng: Random, number: int, journal: str) -> list[DRef]:
    """Leave the stages of one round in the current registry, dependencies first."""
    made: list[DRef] = []
    for i in range(STAGES):
        below = rng.sample(made, min(len(made), rng.choice([0, 1, 1, 2, 3])))
        made.append(node(f"s{i}", *below, noisy=rng.random() < 0.2, journal=journal, round=number))
    return made


def worker(store: Store, seed: int, number: int, mine: int, files: str) -> Callable[[], None]:
    """What one process does in a round: realize everything, target by target, in its own order."""

    def work() -> None:
        crew.new_process()
        order = Random(f"{seed} {number} {mine}")
        with use_store(store), current_registry() as registry:
            targets = stages(Random(f"{seed} {number}"), number, f"{files}/builds")
            order.shuffle(targets)
            durability: Durability = "batch" if number % 10 == 0 else "none"
            for target in targets:
                rref = realize(instantiate(target, r=registry), durability=durability)
                if not rref2path(rref).joinpath("text").read_text():
                    raise ValueError(f"{rref} is empty")
                crew.note(f"{files}/results", f"{target} {rref}")

    return work


def one_round(store: Store, seed: int, number: int, files: str, limit_s: float) -> list[str]:
    """Run a round; gives who failed or was stuck."""
    works = [worker(store, seed, number, mine, files) for mine in range(PROCESSES)]
    found = crew.all_at_once(works, f"{files}/errors", limit_s)
    stuck = [f"stuck: process {i} of round {number}" for i, how in enumerate(found) if how is None]
    failed = [f"failed: process {i} of round {number}: {how}" for i, how in enumerate(found) if how]
    return stuck + failed


def twice(files: str) -> list[str]:
    """What was built more than once for one context."""
    builds = Counter(line.rpartition(" ")[0] for line in crew.lines(f"{files}/builds"))
    return [what for what, count in builds.items() if count > 1]


def disagreed(files: str) -> list[str]:
    """Derivations of which processes got different realizations, though nothing was forced."""
    pairs = {line for line in crew.lines(f"{files}/results")}
    seen = Counter(pair.partition(" ")[0] for pair in pairs)
    return [dref for dref, count in seen.items() if count > 1]


def damaged(store: Store) -> list[str]:
    """What an independent reader has to say of everything that was made."""
    made = audit.drefs(store.objects)
    results = [rref for dref in made for rref in audit.rrefs(store.objects, dref)]
    return audit.lacking(store.objects, [*made, *results])


def prove(points: int, seed: int, limit_s: float = LIMIT_S) -> Outcome:
    """Run `points` rounds of 8 processes and 50 stages on one store."""
    begin_s, problems = time.monotonic(), list[str]()
    with crew.room() as top:
        store = Store.open(f"{top}/root", create=True, durability="none")
        for number in range(points):
            problems += one_round(store, seed, number, top, limit_s)
        stuck = sum(problem.startswith("stuck") for problem in problems)
        duplicates, split, bad = twice(top), disagreed(top), damaged(store)
        made, told = len(crew.lines(f"{top}/builds")), crew.lines(f"{top}/errors")
    figure = (
        f"{len(problems) - stuck} exceptions, {len(duplicates)} duplicate builds, {stuck} stuck, "
        f"{len(split) + len(bad)} wrong ({points} rounds, {made} builds, "
        f"{time.monotonic() - begin_s:.0f} s)"
    )
    for line in [*problems, *told, *duplicates, *split, *bad][:20]:
        figure += f"\n  {line}"
    complete = made == points * STAGES
    ok = complete and not (problems or duplicates or split or bad)
    wanted = "0 exceptions, 0 duplicate builds, 0 stuck"
    return Outcome("stress", wanted, figure, ok, points)
