"""Anything may be done with a store, in any order: it holds what a simple model says."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import pylightnix as p

from . import audit, crew
from .model import Context, Made, Model, Spec, same
from .outcome import Outcome

SPECS = (
    Spec("base"),
    Spec("other"),
    Spec("latest", ("base",), noisy=True, choice="latest"),
    Spec("best", (), noisy=True, choice="best"),
    Spec("some", ("other",), noisy=True, choice="some"),
    Spec("user", ("latest", "best")),
    Spec("plain", ("base", "other")),
    Spec("top", ("user", "plain", "some")),
)
MATCHERS: dict[str, Callable[[], p.Matcher]] = {
    "only": p.match_only,
    "latest": p.match_latest,
    "best": lambda: p.match_best("score"),
    "some": lambda: p.match_some(2),
}
NAMES = st.sampled_from([spec.name for spec in SPECS])
ROOTS = st.sampled_from(["one", "two", "three"])
STEPS = 40


def need(fact: object, *words: object) -> None:
    """Fail unless it is so; not an assert, which `python -O` leaves out."""
    if not fact:
        raise AssertionError(" ".join(map(str, words)))


class StoreMachine(RuleBasedStateMachine):
    """A store, and what should be in it. A stateful handle."""

    def __init__(self) -> None:
        super().__init__()
        crew.new_process()
        self.top = tempfile.mkdtemp(prefix="proof-")
        self.store = p.Store.open(f"{self.top}/root", create=True, durability="none")
        self.model = Model()
        self.drefs: dict[str, p.DRef] = {}
        self.made: list[Made] = []
        self.builds = 0
        self.away: dict[str, Any] = {}

    def teardown(self) -> None:
        """Leave nothing."""
        crew.new_process()
        crew.scrap(self.top)

    # The world of stages

    def stage(self) -> list[p.DRef]:
        """Leave all stages in the current registry."""
        for spec in SPECS:
            deps = [self.drefs[name] for name in spec.deps]
            config = p.mkconfig({"name": spec.name, "deps": deps})
            builder = p.build_wrapper(lambda b, spec=spec: self.build(b, spec))  # type: ignore[misc]
            dref = p.mkdrv(config, MATCHERS[spec.choice](), builder)
            self.drefs[spec.name] = dref
            self.model.specs[dref] = spec
            self.model.needs[dref] = tuple(deps)
        return list(self.drefs.values())

    def build(self, b: p.Build, spec: Spec) -> None:
        """Make an output, and keep a note of it for the model."""
        self.builds += 1
        # Few scores, so that there are ties; the noise tells them apart.
        score = f"{self.builds * 7 % 5}\n".encode() if spec.noisy else b"0\n"
        noise = f"{self.builds}".encode() if spec.noisy else b""
        files = {"score": score, "noise": noise}
        for name, data in files.items():
            (p.build_outpath(b) / name).write_bytes(data)
        self.made.append(Made(b.dref, self.builds, files))

    def closure(self, name: str) -> p.Closure:
        """The closure of one stage."""
        with p.current_registry() as registry:
            self.stage()
            return p.instantiate(self.drefs[name], r=registry, store=self.store)

    @initialize(names=st.lists(NAMES, min_size=1, max_size=3))
    def begin(self, names: list[str]) -> None:
        """Know the references of all stages, and realize some."""
        with p.current_registry():
            self.stage()
        for name in names:
            self.realize(name, set())

    # What is done with it

    @rule(name=NAMES)
    def instantiate(self, name: str) -> None:
        """Write the configs of a closure."""
        self.closure(name)
        self.model.configs.update(self.model.closure(self.drefs[name]))

    @rule(name=NAMES)
    def realize_again(self, name: str) -> None:
        """Build something noisy once more, and what depends on it."""
        self.realize(name, {"latest", "best", "some"})

    @rule(name=NAMES, forced=st.sets(NAMES, max_size=2))
    def realize(self, name: str, forced: set[str]) -> None:
        """Realize a closure, parts of it by force."""
        closure = self.closure(name)
        known = {drv.dref for drv in closure.derivations}
        force = {self.drefs[other] for other in forced} & known
        self.made.clear()
        _, context = p.realize_context(closure, force_rebuild=force)
        expected = self.model.realize(self.drefs[name], set(force), self.made)
        need(not self.made, "built without need", self.made)
        need(dict(context) == expected, "chose", dict(context), "and not", expected)
        for rrefs in context.values():
            for rref in rrefs:
                need(not (fault := audit.wrong(self.store.objects, rref)), rref, fault)

    def pick(self, data: st.DataObject) -> str:
        """Some object that is there."""
        return data.draw(st.sampled_from(sorted(self.model.configs | set(self.model.things))))

    @precondition(lambda self: self.model.configs)
    @rule(data=st.data())
    def rmref(self, data: st.DataObject) -> None:
        """Delete something, unless it is needed."""
        ref = self.pick(data)
        needed = self.model.users(ref) | self.model.holders(ref)
        try:
            p.rmref(ref, store=self.store)
        except p.InUse as error:
            need(needed, ref, "was kept, and nobody needs it:", error)
            return
        need(not needed, ref, "was deleted, and is needed by", needed)
        self.model.remove(ref)

    @precondition(lambda self: self.model.configs)
    @rule(data=st.data())
    def rmref_by_force(self, data: st.DataObject) -> None:
        """Delete what no root reaches, whoever else needs it."""
        ref = self.pick(data)
        inner = {rref for rref in self.model.things if rref.endswith(ref[5:])}
        if not self.model.live() & {ref, *inner}:
            p.rmref(ref, force=True, store=self.store)
            self.model.remove(ref)

    @precondition(lambda self: self.model.things)
    @rule(
        keep_last=st.none() | st.integers(0, 2),
        keep_best=st.none() | st.integers(0, 2),
        dry_run=st.booleans(),
    )
    def gc(self, keep_last: int | None, keep_best: int | None, dry_run: bool) -> None:
        """Collect all that nobody needs."""
        best = None if keep_best is None else ("score", keep_best)
        found = p.gc(
            keep_last=keep_last, keep_best=best, grace_s=0, dry_run=dry_run, store=self.store
        )
        live = self.model.live(self.model.spared(keep_last, keep_best))
        dead = (self.model.configs | set(self.model.things)) - live
        gone = {str(victim.ref) for victim in found.dead}
        need(gone == dead, "collected wrongly", gone - dead, "kept wrongly", dead - gone)
        if not dry_run:
            self.model.collect(dead)

    @precondition(lambda self: self.model.things)
    @rule(share=st.floats(0, 1))
    def gc_to_a_size(self, share: float) -> None:
        """Collect only as much as brings the store down to a size."""
        total = sum(size for size, _ in p.du(store=self.store).values())
        found = p.gc(max_bytes=int(total * share), grace_s=0, store=self.store)
        gone = {str(victim.ref) for victim in found.dead}
        need(not gone & self.model.live(), "live ones were collected", gone)
        self.model.collect(gone)
        left = sum(size for size, _ in p.du(store=self.store).values())
        everything = self.model.configs | set(self.model.things)
        need(left <= int(total * share) or everything == self.model.live(), left, "are left")

    @precondition(lambda self: self.model.trash)
    @rule()
    def undo(self) -> None:
        """Bring the last collection back."""
        try:
            back = p.gc_undo(store=self.store)
        except p.StoreError:
            need(not self.model.trash, "nothing came back of", self.model.trash)
            return
        expected = self.model.undo()
        need(set(back) == expected, "back came", back, "and not", expected)

    @precondition(lambda self: self.model.configs)
    @rule(name=ROOTS, data=st.data())
    def gcroot(self, name: str, data: st.DataObject) -> None:
        """Add or replace a named root."""
        ref = self.pick(data)
        p.gcroot(name, ref, store=self.store)
        self.model.roots[name] = ref

    @precondition(lambda self: self.model.roots)
    @rule(name=ROOTS)
    def rmroot(self, name: str) -> None:
        """Remove a named root."""
        if name in self.model.roots:
            p.rmroot(name, store=self.store)
            del self.model.roots[name]

    @precondition(lambda self: self.model.things)
    @rule(name=ROOTS, data=st.data())
    def link(self, name: str, data: st.DataObject) -> None:
        """Make a link that keeps a realization."""
        rref = data.draw(st.sampled_from(sorted(self.model.things)))
        os.makedirs(f"{self.top}/links", exist_ok=True)
        p.linkrref(p.RRef(rref), f"{self.top}/links", name, store=self.store)
        self.model.links[name] = rref

    @precondition(lambda self: self.model.links)
    @rule(name=ROOTS)
    def unlink(self, name: str) -> None:
        """Delete such a link."""
        if self.model.links.pop(name, None):
            os.unlink(f"{self.top}/links/{name}")

    @precondition(lambda self: self.model.things)
    @rule(data=st.data())
    def copy_away(self, data: st.DataObject) -> None:
        """Copy an object to another place."""
        rref = data.draw(st.sampled_from(sorted(self.model.things)))
        os.makedirs(f"{self.top}/away/{rref[38:]}", exist_ok=True)
        home = audit.place(self.store.objects, f"dref:{rref[38:]}")
        for source in (f"{home}/config.json", audit.place(self.store.objects, rref)):
            if not os.path.lexists(f"{self.top}/away/{rref[38:]}/{os.path.basename(source)}"):
                subprocess.run(["cp", "-a", source, f"{self.top}/away/{rref[38:]}/"], check=True)
        self.away[rref] = self.model.things[rref]

    @precondition(lambda self: self.away)
    @rule(data=st.data())
    def copy_back(self, data: st.DataObject) -> None:
        """Copy an object back, if it is not there."""
        rref = data.draw(st.sampled_from(sorted(self.away)))
        home = audit.place(self.store.objects, f"dref:{rref[38:]}")
        os.makedirs(home, exist_ok=True)
        for name in ("config.json", rref[5:37]):
            if not os.path.lexists(f"{home}/{name}"):
                source = f"{self.top}/away/{rref[38:]}/{name}"
                subprocess.run(["cp", "-a", source, home], check=True)
        self.model.configs.add(f"dref:{rref[38:]}")
        self.model.things.setdefault(rref, self.away[rref])

    @rule()
    def verify(self) -> None:
        """Nothing was damaged."""
        report = p.verify(store=self.store)
        need(not report.damaged and not report.incomplete and not report.lost, report)

    @rule(part=st.sampled_from(["verified", "index.sqlite", "logs", "tmp", "locks", "trash"]))
    def delete_part_of_var(self, part: str) -> None:
        """Delete something of `var`, all of which may be deleted while nobody is at work."""
        crew.new_process()
        path = f"{self.store.var}/{part}"
        if part == "trash":
            self.model.trash = {}
            crew.scrap(path)
        elif os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    @rule(wait=st.booleans())
    def another_process(self, wait: bool) -> None:
        """Go on as a process that was just started, maybe when the index believes what it saw."""
        if wait:
            time.sleep(0.06)
            p.find(store=self.store)
        crew.new_process()

    # What must hold after everything

    @invariant()
    def looks_as_the_model_says(self) -> None:
        """Look-ups give what the model has."""
        model, store = self.model, self.store
        need(p.store_drefs(store=store) == sorted(model.configs), "other derivations")
        need(p.gcroots(store=store) == model.roots, "other roots")
        for dref in self.drefs.values():
            found, known = p.store_rrefs(dref, store=store), model.realizations(dref)
            need(found == known, dref, "has", found, "and not", known)
        need(set(p.find(store=store)) == set(model.things), "found otherwise")
        for rref in list(model.things)[:5]:
            thing = model.things[rref]
            context = p.store_context(p.RRef(rref), store=store)
            used: Context = {dep: tuple(rrefs) for dep, rrefs in context.items()}
            need(same(thing.context, used), rref, "has the context", used)
            there = p.store_rrefs(p.DRef(thing.dref), context, store=store)
            need(there == model.realizations(thing.dref, thing.context), "others of", context)

    @invariant()
    def is_what_it_says(self) -> None:
        """Every object is what its name says, and nothing that a root reaches is gone."""
        objects = self.store.objects
        there = self.model.configs | set(self.model.things)
        for ref in there:
            need(not (fault := audit.wrong(objects, ref)), ref, fault)
        held = {*self.model.roots.values(), *self.model.links.values()}
        held.update(rref for ref in tuple(held) for rref in self.model.realizations(ref))
        found = {fault.partition(": ")[0] for fault in audit.lacking(objects, held)}
        lacking = self.model.lacking()
        need(found == lacking, "gone, and needed by a root:", found, "and not", lacking)


def prove(points: int, seed: int, phases: tuple[Phase, ...] = (Phase.generate,)) -> Outcome:
    """Try `points` sequences of up to 40 steps; with `Phase.shrink` a failing one is made short."""
    begin_s = time.monotonic()
    chosen = settings(
        max_examples=points,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
        print_blob=False,
        report_multiple_bugs=False,
    )
    problem = ""
    try:
        run_state_machine_as_test(seeded(seed)(StoreMachine), settings=chosen)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        notes = "\n  ".join(getattr(error, "__notes__", ()))
        problem = f"{type(error).__name__}: {error}\n  {notes}"
    figure = "a counterexample" if problem else "no counterexample"
    figure += f" ({points} sequences of up to {STEPS} steps, {time.monotonic() - begin_s:.0f} s)"
    if problem:
        figure += f"\n  {problem:.3000}"
    return Outcome("state machine", "no counterexample", figure, not problem, points)
