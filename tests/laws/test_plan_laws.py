"""Laws of the plan: for any graph, any store and any order of work."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.graph import reachable
from pylightnix.core.plan import (
    Chosen,
    Plan,
    advance,
    blocked,
    failed,
    finished,
    mkplan,
    ready,
    settled,
    started,
)
from pylightnix.core.refs import DRef
from strategies import Dag, dags, results


class Shop:
    """A store that has some derivations, and workers that finish in any order.

    What it notes is what the laws are about: who was asked and built, when, and in which context.
    """

    def __init__(self, dag: Dag, hits: set[DRef], data: st.DataObject) -> None:
        self.dag, self.hits, self.data = dag, hits, data
        self.asked: list[DRef] = []
        self.built: list[DRef] = []
        self.contexts: dict[DRef, dict[DRef, Chosen]] = {}
        self.settled: list[DRef] = []
        self.plans: list[Plan] = []

    def chosen(self, dref: DRef) -> Chosen:
        """None, one or two realizations, always the same for a derivation."""
        return results(dref, tuple(range(int(dref[5:37], 16) % 3)))

    def choose(self, dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
        assert set(self.dag[dref]) <= set(self.settled)
        self.asked.append(dref)
        self.contexts[dref] = context
        if dref not in self.hits:
            return None
        self.settled.append(dref)
        return self.chosen(dref)

    def step(self, plan: Plan) -> Plan:
        """Start something that is ready, or finish something that runs."""
        can_start, can_finish = list(ready(plan)), sorted(plan.running)
        kind, dref = self.data.draw(
            st.sampled_from(
                [("start", dref) for dref in can_start] + [("finish", dref) for dref in can_finish]
            )
        )
        if kind == "start":
            self.built.append(dref)
            return started(plan, dref)
        self.settled.append(dref)
        return settled(plan, dref, self.chosen(dref))

    def run(self) -> Plan:
        plan = self.note(mkplan(self.dag))
        plan = self.note(advance(plan, self.choose))
        while not finished(plan):
            plan = self.note(self.step(plan))
            if self.data.draw(st.booleans()) or not (ready(plan) or plan.running):
                plan = self.note(advance(plan, self.choose))
        return plan

    def note(self, plan: Plan) -> Plan:
        self.plans.append(plan)
        return plan


def run(dag: Dag, data: st.DataObject) -> tuple[Shop, Plan]:
    shop = Shop(dag, data.draw(st.sets(st.sampled_from(list(dag)))), data)
    return shop, shop.run()


def states(plan: Plan) -> list[set[DRef]]:
    waiting = {dref for dref, deps in plan.needs.items() if not set(deps) <= set(plan.done)}
    return [waiting, set(plan.fresh), set(plan.missing), set(plan.running), set(plan.done)]


@given(dags(), st.data())
def test_everything_is_settled_once_and_after_its_dependencies(
    dag: Dag, data: st.DataObject
) -> None:
    shop, plan = run(dag, data)
    assert sorted(shop.settled) == sorted(dag)
    place = {dref: number for number, dref in enumerate(shop.settled)}
    assert all(place[dep] < place[dref] for dref, deps in dag.items() for dep in deps)
    assert set(plan.done) == set(dag)


@given(dags(), st.data())
def test_everything_is_asked_about_once_and_only_misses_are_built(
    dag: Dag, data: st.DataObject
) -> None:
    shop, _ = run(dag, data)
    assert sorted(shop.asked) == sorted(dag)
    assert sorted(shop.built) == sorted(set(dag) - shop.hits)


@given(dags(), st.data())
def test_a_context_is_what_was_chosen_of_the_direct_dependencies(
    dag: Dag, data: st.DataObject
) -> None:
    shop, plan = run(dag, data)
    for dref, deps in dag.items():
        assert shop.contexts[dref] == {dep: shop.chosen(dep) for dep in deps}
        assert plan.done[dref] == shop.chosen(dref)


@given(dags(), st.data())
def test_at_every_step_each_derivation_is_in_exactly_one_state(
    dag: Dag, data: st.DataObject
) -> None:
    shop, _ = run(dag, data)
    for plan in shop.plans:
        assert sum(len(state) for state in states(plan)) == len(dag)
        assert set().union(*states(plan)) == set(dag)
        assert len(plan.fresh) == len(set(plan.fresh))


@given(dags(), st.data())
def test_at_every_step_it_is_known_what_is_left_of_what_has_begun(
    dag: Dag, data: st.DataObject
) -> None:
    shop, _ = run(dag, data)
    for plan in shop.plans:
        left = {dref: len(set(deps) - set(plan.done)) for dref, deps in dag.items()}
        begun = {dref: count for dref, count in left.items() if 0 < count < len(dag[dref])}
        assert dict(plan.left) == begun


@given(dags(), st.data())
def test_what_is_ready_needs_nothing_that_is_not_done(dag: Dag, data: st.DataObject) -> None:
    shop, _ = run(dag, data)
    order = list(dag)
    for plan in shop.plans:
        assert set(ready(plan)) == set(plan.missing)
        assert list(ready(plan)) == sorted(ready(plan), key=order.index)
        assert all(set(dag[dref]) <= set(plan.done) for dref in (*ready(plan), *plan.running))


@given(dags(), st.data())
def test_the_result_does_not_depend_on_the_order_of_work(dag: Dag, data: st.DataObject) -> None:
    hits = data.draw(st.sets(st.sampled_from(list(dag))))
    one, two = Shop(dag, hits, data).run(), Shop(dag, hits, data).run()
    assert one == two


@given(dags(), st.data())
def test_a_step_leaves_the_plan_before_it_as_it_was(dag: Dag, data: st.DataObject) -> None:
    shop = Shop(dag, data.draw(st.sets(st.sampled_from(list(dag)))), data)
    snapshots: list[dict[str, object]] = []

    def snapshot(plan: Plan) -> dict[str, object]:
        made: dict[str, object] = {}
        for field in Plan.__slots__:  # type: ignore[attr-defined]
            value = getattr(plan, field)
            made[field] = repr(sorted(value.items()) if hasattr(value, "items") else list(value))
        return made

    original = shop.note

    def note(plan: Plan) -> Plan:
        snapshots.append(snapshot(plan))
        return original(plan)

    shop.note = note  # type: ignore[method-assign]
    shop.run()
    assert [snapshot(plan) for plan in shop.plans] == snapshots
    assert len(snapshots) >= 2


@given(dags(), st.data())
def test_what_a_hit_needs_is_asked_before_it_and_nothing_that_it_does_not_need(
    dag: Dag, data: st.DataObject
) -> None:
    target = data.draw(st.sampled_from(list(dag)))
    wanted = reachable([target], dag)
    part = {dref: deps for dref, deps in dag.items() if dref in wanted}
    shop, plan = run(part, data)
    assert shop.asked.index(target) == len(shop.asked) - 1
    assert set(plan.done) == wanted


@given(dags(), st.data())
def test_after_failures_what_is_left_is_what_needs_them(dag: Dag, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.sampled_from(list(dag)))) if dag else set()
    shop = Shop(dag, set(), data)
    plan = advance(mkplan(dag), shop.choose)
    while todo := ready(plan):
        dref = data.draw(st.sampled_from(todo))
        plan = started(plan, dref)
        if dref in bad:
            plan = failed(plan, dref)
        else:
            shop.settled.append(dref)
            plan = settled(plan, dref, shop.chosen(dref))
        plan = advance(plan, shop.choose)
    lost = {*plan.failed, *blocked(plan)}
    assert {*plan.done, *lost} == {*dag}
    assert lost.isdisjoint(plan.done)
    assert all(not reachable({dref}, dag).isdisjoint(plan.failed) for dref in lost)
    assert finished(plan) == (not plan.failed)
