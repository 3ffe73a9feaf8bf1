"""An experiment whose result is random: use the best of ten runs, notice a better one, go back."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pylightnix import (
    Build,
    DRef,
    Registry,
    RRef,
    Store,
    build_deref,
    build_outpath,
    build_path,
    build_wrapper,
    catref,
    instantiate,
    match_best,
    match_exact,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    realize,
    realize_context,
    realize_many,
    redefine,
    rref2dref,
    store_context,
    store_rrefs,
)
from pylightnix.engine.events import Built, Event


def measure(b: Build) -> None:
    """A number between 0 and 1, and the caller's luck on top."""
    score = random.random() + b.rarg.get("luck", 0)
    (build_outpath(b) / "score.txt").write_text(f"{score}\n")
    (build_outpath(b) / "run.txt").write_text(f"{b.rindex}\n")


def experiment(r: Registry) -> DRef:
    return mkdrv(mkconfig({"name": "experiment"}), match_some(10), build_wrapper(measure), r)


best_experiment = redefine(experiment, new_matcher=match_best("score.txt"))


def summarize(b: Build) -> None:
    (dep,) = b.config.deps
    score = build_path(b, [dep, "score.txt"]).read_text()
    (build_outpath(b) / "report.txt").write_text(f"{build_deref(b, dep)} {score}")


def report(r: Registry, choice: object = best_experiment) -> DRef:
    assert callable(choice)
    config = mkconfig({"name": "report", "of": choice(r=r)})
    return mkdrv(config, match_only(), build_wrapper(summarize), r)


def score_of(rref: RRef) -> float:
    return float(catref(rref, "score.txt")[0])


@pytest.fixture
def built() -> Counter[str]:
    """How often each stage was built."""
    return Counter()


@pytest.fixture
def runs(current: Store, built: Counter[str]) -> list[RRef]:
    """Ten runs of the experiment."""
    return realize_many(instantiate(experiment), on_event=Listening(built))


class Listening:
    """Listens for builds."""

    def __init__(self, built: Counter[str]) -> None:
        self.built = built

    def __call__(self, event: Event) -> None:
        if isinstance(event, Built):
            self.built[event.dref[38:]] += 1


def test_ten_runs_are_ten_realizations_each_told_which_one_it_is(
    runs: list[RRef], built: Counter[str]
) -> None:
    assert built == {"experiment": 10}
    assert sorted(runs) == store_rrefs(rref2dref(runs[0]))
    assert sorted(catref(run, "run.txt") for run in runs) == [[f"{i}\n"] for i in range(10)]


def test_the_best_is_what_reading_all_of_them_says(runs: list[RRef]) -> None:
    assert realize(instantiate(best_experiment)) == max(runs, key=score_of)


def test_the_report_follows_a_better_run_and_ignores_a_worse_one(
    runs: list[RRef], built: Counter[str]
) -> None:
    told = Listening(built)
    closure = instantiate(report)
    first = realize(closure, on_event=told)
    (dep,) = store_context(first)
    assert store_context(first)[dep] == (max(runs, key=score_of),)

    for luck, follows in ((-1, False), (+1, True), (-1, False), (+2, True)):
        before = realize(closure, on_event=told)
        arguments = {dep: {"luck": luck}}
        after = realize(closure, [dep], realize_args=arguments, on_event=told)
        assert (after != before) is follows
        best = max(store_rrefs(dep), key=score_of)
        assert catref(after, "report.txt") == [f"{best} {score_of(best)}\n"]
    assert built == {"experiment": 10 + 4, "report": 1 + 2}
    assert len(store_rrefs(dep)) == 14


def test_a_recorded_choice_is_found_again_with_nothing_built(
    runs: list[RRef], built: Counter[str]
) -> None:
    told = Listening(built)
    _, then = realize_context(instantiate(report), on_event=told)
    dep = rref2dref(runs[0])
    recorded = [str(rref) for rref in then[dep]]  # what would be written into a paper's appendix
    realize(instantiate(report), [dep], realize_args={dep: {"luck": 1}}, on_event=told)
    assert realize_context(instantiate(report), on_event=told)[1] != then
    assert built == {"experiment": 11, "report": 2}

    recall = redefine(experiment, new_matcher=match_exact(RRef(text) for text in recorded))
    _, now = realize_context(instantiate(report, choice=recall), on_event=told)
    assert now == then
    assert built == {"experiment": 11, "report": 2}


def test_a_middling_choice_makes_a_report_of_its_own(runs: list[RRef], built: Counter[str]) -> None:
    """Any run will do, not only one that was the best at some time."""
    middling = sorted(runs, key=score_of)[4]
    recall = redefine(experiment, new_matcher=match_exact([middling]))
    rref = realize(instantiate(report, choice=recall), on_event=Listening(built))
    assert catref(rref, "report.txt") == [f"{middling} {score_of(middling)}\n"]
    assert built == {"experiment": 10, "report": 1}
