"""Laws of realizing, through a real store: what is built, when, and under which name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from pylightnix import (
    Build,
    DRef,
    Registry,
    RRef,
    Store,
    build_outpath,
    build_path,
    build_wrapper,
    dirrw,
    instantiate,
    match_all,
    match_latest,
    mkconfig,
    mkdrv,
    realize,
    realize_context,
    realize_many,
    rmref,
    rref2dref,
    rref2path,
    store_context,
    store_rrefs,
)
from pylightnix.core.graph import reachable, users
from pylightnix.core.manifest import META
from strategies import Dag, Tree, dags, few, plant, tree_at, tree_pairs, trees


@contextmanager
def fresh_store() -> Iterator[Store]:
    """An empty store; a fixture would be shared by all examples of a law."""
    root = tempfile.mkdtemp(prefix="laws-")
    try:
        yield Store.open(root, create=True, durability="none")
    finally:
        dirrw(root)
        shutil.rmtree(root)


class World:
    """Stages for a graph, whose builders note every call and write what they are told to."""

    def __init__(self, dag: Dag, store: Store) -> None:
        self.dag, self.store = dag, store
        self.built: list[DRef] = []
        self.output = dict.fromkeys(dag, "as at first")
        self.drefs: dict[DRef, DRef] = {}

    def stage(self, r: Registry) -> list[DRef]:
        for node, deps in self.dag.items():
            config = mkconfig({"name": node[38:], "deps": [self.drefs[dep] for dep in deps]})
            realizer = build_wrapper(partial(self.build, node))
            self.drefs[node] = mkdrv(config, match_latest(), realizer, r)
        return list(self.drefs.values())

    def build(self, node: DRef, b: Build) -> None:
        self.built.append(node)
        for dep in self.dag[node]:
            assert (build_path(b, [self.drefs[dep], "out"])).read_text() == self.output[dep]
        (build_outpath(b) / "out").write_text(self.output[node])

    def realize(self, *forced: DRef) -> dict[DRef, RRef]:
        """Realize everything anew; node -> realization. `built` is what was built this time."""
        self.built.clear()
        closure = instantiate(self.stage, store=self.store)
        force = [self.drefs[node] for node in forced]
        rrefs, _ = realize_context(closure, force_rebuild=force)
        return dict(zip(self.dag, rrefs, strict=True))


def dependents(dag: Dag, nodes: set[DRef]) -> set[DRef]:
    """The nodes and all that need them, near or far."""
    return set(reachable(nodes, users(dag)))


@few
@given(dags())
def test_realizing_twice_builds_once_and_dependencies_first(dag: Dag) -> None:
    with fresh_store() as store:
        world = World(dag, store)
        first = world.realize()
        assert sorted(world.built) == sorted(dag)
        place = {node: number for number, node in enumerate(world.built)}
        assert all(place[dep] < place[node] for node, deps in dag.items() for dep in deps)
        assert world.realize() == first
        assert world.built == []
        for node, deps in dag.items():
            context = {world.drefs[dep]: (first[dep],) for dep in deps}
            assert dict(store_context(first[node], store)) == context
            assert rref2dref(first[node]) == world.drefs[node]


@few
@given(dags(), st.data())
def test_where_a_dependency_comes_out_the_same_nothing_above_is_built(
    dag: Dag, data: st.DataObject
) -> None:
    forced = data.draw(st.sets(st.sampled_from(list(dag)), max_size=3))
    with fresh_store() as store:
        world = World(dag, store)
        first = world.realize()
        assert world.realize(*forced) == first
        assert sorted(world.built) == sorted(forced)


@few
@given(dags(), st.data())
def test_where_a_dependency_comes_out_otherwise_exactly_its_dependents_are_built(
    dag: Dag, data: st.DataObject
) -> None:
    changed = data.draw(st.sets(st.sampled_from(list(dag)), min_size=1, max_size=2))
    with fresh_store() as store:
        world = World(dag, store)
        first = world.realize()
        world.output.update(dict.fromkeys(changed, "otherwise"))
        second = world.realize(*changed)
        assert sorted(world.built) == sorted(dependents(dag, changed))
        assert {node for node in dag if first[node] != second[node]} == set(world.built)
        assert world.realize() == second
        assert world.built == []
        assert all(len(store_rrefs(world.drefs[n], store=store)) == 2 for n in world.built)


@few
@given(dags(), st.data())
def test_what_was_lost_is_built_again_and_nothing_else(dag: Dag, data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.sampled_from(list(dag)), max_size=3))
    with fresh_store() as store:
        world = World(dag, store)
        first = world.realize()
        for node in lost:
            rmref(first[node], force=True, store=store)
        assert world.realize() == first
        assert sorted(world.built) == sorted(lost)


@few
@given(dags(), st.data())
def test_only_what_the_target_needs_is_built(dag: Dag, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(list(dag)))
    with fresh_store() as store:
        world = World(dag, store)

        def stage(r: Registry) -> DRef:
            world.stage(r)
            return world.drefs[target]

        realize(instantiate(stage, store=store))
        assert set(world.built) == reachable([target], dag)


def realized_trees(store: Store, *plantings: tuple[Tree, bool]) -> list[RRef]:
    """Let one derivation make each of several trees in turn; in the order of the trees."""
    made = iter(plantings)

    def build(b: Build) -> None:
        tree, private = next(made)
        plant(tree, build_outpath(b), private=private)

    def stage(r: Registry) -> DRef:
        return mkdrv(mkconfig({"name": "tree"}), match_all(), build_wrapper(build), r)

    closure = instantiate(stage, store=store)
    seen: list[RRef] = []
    for _ in plantings:
        found = realize_many(closure, force_rebuild=True)
        seen.append(next((rref for rref in found if rref not in seen), found[0]))
    return seen


@few
@given(tree_pairs())
def test_trees_have_one_name_exactly_if_they_are_equal(pair: tuple[Tree, Tree]) -> None:
    one, two = pair
    with fresh_store() as store:
        realized_trees(store, (one, False), (two, True))
        (dref,) = {rref2dref(rref) for rref in realized_trees(store, (one, True))}
        assert len(store_rrefs(dref, store=store)) == (1 if dict(one) == dict(two) else 2)


@few
@given(trees(), st.data())
def test_what_is_stored_is_what_was_built_in_whatever_order(
    tree: Tree, data: st.DataObject
) -> None:
    shuffled = {path: tree[path] for path in data.draw(st.permutations(list(tree)))}
    with fresh_store() as store:
        one, two = realized_trees(store, (tree, False), (shuffled, True))
        assert one == two
        stored = tree_at(str(rref2path(one, store)))
        meta = [path for path in stored if path.split("/")[0] == META]
        assert sorted(meta) == [META, f"{META}/build.json", f"{META}/manifest.json"]
        assert {path: item for path, item in stored.items() if path not in meta} == dict(tree)


@few
@given(trees())
def test_two_stores_give_a_tree_the_same_name(tree: Tree) -> None:
    with fresh_store() as here, fresh_store() as there:
        assert realized_trees(here, (tree, False)) == realized_trees(there, (tree, True))
