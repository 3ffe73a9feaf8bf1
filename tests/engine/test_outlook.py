"""What would be done: verdict by verdict, and that it is what is done then."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import (
    Build,
    Closure,
    DRef,
    MatcherUnsatisfied,
    Plan,
    RRef,
    Store,
    build_wrapper,
    instantiate,
    match,
    match_latest,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    plan,
    realize,
    realize_many,
    rmref,
    store_rrefs,
    use_store,
)
from pylightnix.engine.events import Event, Hit, Started
from pylightnix.store.index import Index
from stages_for_tests import below, chain, constant, foreign, noisy, write_text
from strategies import Dag, dags, few

pytestmark = pytest.mark.usefixtures("current")


def pipeline() -> DRef:
    """Three in a row: `data`, which is another one each time, `model`, `report`."""
    return constant("report", constant("model", noisy("data")))


def verdicts(found: Plan) -> dict[str, str]:
    return {str(item.dref[38:]): item.verdict for item in found.items}


def named(closure: Closure, name: str) -> DRef:
    (dref,) = (drv.dref for drv in closure.derivations if drv.dref[38:] == name)
    return dref


def test_of_an_empty_store_everything_is_built() -> None:
    closure = instantiate(pipeline)
    found = plan(closure)
    assert verdicts(found) == {"data": "build", "model": "build", "report": "build"}
    assert [item.dref for item in found.items] == [drv.dref for drv in closure.derivations]
    assert found.targets == closure.targets
    assert found.needs == closure.needs


def test_of_a_full_store_everything_is_a_hit_and_says_which() -> None:
    closure = instantiate(pipeline)
    rref = realize(closure)
    found = plan(closure)
    assert set(verdicts(found).values()) == {"hit"}
    assert found.items[-1].rrefs == (rref,)
    assert found.seconds == 0.0


def test_above_what_is_rebuilt_nothing_is_known() -> None:
    closure = instantiate(pipeline)
    realize(closure)
    found = plan(closure, [named(closure, "data")])
    assert verdicts(found) == {"data": "build", "model": "unknown", "report": "unknown"}
    assert "data" in found.items[1].reason
    assert "model" in found.items[2].reason


def test_what_is_forced_is_built_whatever_is_below() -> None:
    closure = instantiate(pipeline)
    realize(closure)
    everything = [drv.dref for drv in closure.derivations]
    assert set(verdicts(plan(closure, everything)).values()) == {"build"}
    assert verdicts(plan(closure, True))["report"] == "build"


def test_what_has_no_realization_at_all_is_built_for_certain() -> None:
    realize(instantiate(pipeline))
    closure = instantiate(lambda: constant("report", constant("model", noisy("data"), lr=1)))
    assert verdicts(plan(closure)) == {"data": "hit", "model": "build", "report": "build"}


def test_another_context_asks_for_a_build() -> None:
    closure = instantiate(pipeline)
    realize(closure)
    realize(instantiate(lambda: noisy("data")), force_rebuild=True)
    found = plan(closure)
    assert verdicts(found) == {"data": "hit", "model": "build", "report": "unknown"}
    assert "other realizations" in found.items[1].reason


def test_a_matcher_that_wants_more_asks_for_a_build() -> None:
    realize(instantiate(lambda: noisy("data")))
    found = plan(instantiate(lambda: noisy("data", matcher=match_some(2))))
    assert verdicts(found) == {"data": "build"}
    assert "matcher" in found.items[0].reason


def test_a_matcher_that_needs_nothing_is_content_with_nothing() -> None:
    closure = instantiate(lambda: constant("top", noisy("none", matcher=match(rmin=0))))
    found = plan(closure)
    assert found.items[0].verdict == "hit"
    assert found.items[0].rrefs == ()
    assert verdicts(found)["top"] == "build"


def test_what_a_matcher_refuses_is_the_same_error_as_when_realizing() -> None:
    for _ in range(2):
        realize(instantiate(lambda: noisy("data")), force_rebuild=True)
    closure = instantiate(lambda: noisy("data", matcher=match_only()))
    with pytest.raises(MatcherUnsatisfied) as planned:
        plan(closure)
    with pytest.raises(MatcherUnsatisfied) as done:
        realize(closure)
    assert str(planned.value) == str(done.value)


def slow(name: str, seconds: float, **fields: object) -> DRef:
    def build(b: Build) -> None:
        time.sleep(seconds)
        write_text(b, "x")

    return mkdrv(mkconfig({"name": name, **fields}), match_latest(), build_wrapper(build))


def test_the_past_tells_how_long_it_takes() -> None:
    first = instantiate(slow, "slow", 0.05)
    assert plan(first).seconds is None
    realize(first)
    again = plan(first, True).seconds
    assert again is not None
    assert 0.05 <= again < 5.0


def test_without_a_past_that_of_the_latest_of_the_same_name_counts() -> None:
    realize(instantiate(slow, "slow", 0.0, version=1))
    realize(instantiate(slow, "slow", 0.1, version=2))
    new, other = instantiate(slow, "slow", 0.0, version=3), instantiate(slow, "other", 0.0)
    seconds = plan(new).seconds
    assert seconds is not None
    assert 0.1 <= seconds < 5.0
    assert plan(other).seconds is None


@dataclass(frozen=True)
class Shelf:
    """A substituter that has what another store has, and notes what it is asked."""

    source: Store
    asked: list[DRef] = field(default_factory=list)

    def has(self, dref: DRef) -> tuple[RRef, ...]:
        self.asked.append(dref)
        return tuple(store_rrefs(dref, store=self.source))

    def fetch(self, rref: RRef, into: Path) -> None:
        raise AssertionError("a plan fetches nothing")


def test_what_a_substituter_has_is_fetched(tmp_path: Path) -> None:
    remote = Shelf(Store.open(tmp_path / "remote", create=True, durability="none"))
    rref = realize(instantiate(pipeline, store=remote.source))
    rmref(rref, store=remote.source)
    found = plan(instantiate(pipeline), substituters=[remote])
    assert verdicts(found) == {"data": "fetch", "model": "fetch", "report": "build"}
    assert all(item.rrefs for item in found.fetches)


def test_a_substituter_is_not_asked_for_what_is_there_or_forced(tmp_path: Path) -> None:
    remote = Shelf(Store.open(tmp_path / "remote", create=True, durability="none"))
    closure = instantiate(pipeline)
    realize(closure)
    plan(closure, [named(closure, "data")], [remote])
    assert remote.asked == []


def test_the_whole_plan_leaves_the_store_as_it_was(store: Store) -> None:
    closure = instantiate(pipeline)
    realize(closure)
    root = Path(store.objects).parent

    def state() -> list[tuple[str, int, int]]:
        status = [(name, (root / name).lstat()) for name in below(root)]
        return [(name, at.st_mtime_ns, at.st_size) for name, at in status]

    before = state()
    plan(closure)
    str(plan(closure, True))
    assert state() == before


def test_nobody_waits_for_a_lock(store: Store) -> None:
    from pylightnix.store.lock import build_lock

    closure = instantiate(pipeline)
    with build_lock(store, named(closure, "data"), wait_s=1.0, who="another"):
        assert len(plan(closure).builds) == 3


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    root = Path(store.objects).parent
    folders = [root, *(root / name for name in below(root) if (root / name).is_dir())]
    modes = {folder: folder.stat().st_mode for folder in folders}
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)


@pytest.mark.usefixtures("nonroot")
def test_a_read_only_store_will_do(store: Store) -> None:
    closure = instantiate(pipeline)
    realize(closure)
    with read_only(store):
        assert len(plan(closure).hits) == 3
        assert len(plan(closure, True).builds) == 1


def test_a_store_that_was_copied_has_the_same_plan(store: Store, tmp_path: Path) -> None:
    realize(instantiate(pipeline))
    copy = Store.open(tmp_path / "copy", create=True, durability="none")
    foreign(store, copy)
    assert set(verdicts(plan(instantiate(pipeline, store=copy))).values()) == {"hit"}


# What is shown is what is done


def grown(dag: Dag, salts: dict[DRef, int], loud: set[DRef], built: list[str]) -> list[DRef]:
    """A stage for each node; the `loud` ones are something else each time."""
    made: dict[DRef, DRef] = {}
    for dref, deps in dag.items():
        name, salt = str(dref[38:]), salts.get(dref, 0)

        def build(b: Build, name: str = name, noise: bool = dref in loud) -> None:
            built.append(name)
            write_text(b, os.urandom(8).hex() if noise else "same")

        fields = {"name": name, "salt": salt, "deps": [made[dep] for dep in deps]}
        made[dref] = mkdrv(mkconfig(fields), match_latest(), build_wrapper(build))
    return list(made.values())


@few
@given(dags(6), st.data())
def test_what_is_shown_is_what_is_done(
    tmp_path_factory: pytest.TempPathFactory, dag: Dag, data: st.DataObject
) -> None:
    some = st.sets(st.sampled_from(list(dag)))
    loud, built = data.draw(some), list[str]()
    root = tmp_path_factory.mktemp("store")
    store = Store.open(root, create=True, durability="none")
    with use_store(store):
        realize_many(instantiate(grown, dag, {}, loud, built))
        for dref in data.draw(some):  # something is built anew by itself, so that contexts differ
            part = instantiate(lambda: dict(zip(dag, grown(dag, {}, loud, built), strict=True)))
            realize_many(part, [part.result[dref]])
        salts = dict.fromkeys(data.draw(some), 1)
        closure = instantiate(grown, dag, salts, loud, built)
        force = [closure.result[list(dag).index(dref)] for dref in data.draw(some)]
        found = plan(closure, force)
        events: list[Event] = []
        realize_many(closure, force, on_event=events.append)
    started = {event.dref for event in events if isinstance(event, Started)}
    hits = {event.dref: event.rrefs for event in events if isinstance(event, Hit)}
    builds, unknown = ({item.dref for item in part} for part in (found.builds, found.unknown))
    assert builds <= started <= builds | unknown
    assert {item.dref: item.rrefs for item in found.hits}.items() <= hits.items()
    assert {item.dref for item in found.items} == {drv.dref for drv in closure.derivations}


@pytest.mark.slow
def test_ten_thousand_are_planned_in_a_second(store: Store) -> None:
    """With a wide margin here: a machine under load must not make it fail."""
    closure = instantiate(lambda: chain(10_000))
    started_s = time.process_time()
    found = plan(closure)
    assert len(found.builds) == 10_000
    assert time.process_time() - started_s < 3.0


def test_without_an_index_the_plan_is_the_same(store: Store) -> None:
    closure = instantiate(pipeline)
    realize(closure)
    with_index = plan(closure)
    Index(f"{store.var}/index.sqlite").clear()
    bare = Closure(closure.result, closure.targets, closure.derivations, store)
    assert plan(bare) == with_index
