"""What a store should hold, kept in memory in the simplest way, to compare a store with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

# A derivation, or a realization, as text.
Ref = str
Context = dict[Ref, tuple[Ref, ...]]


@dataclass(frozen=True)
class Spec:
    """One stage of the machine's world.

    Attributes:
        deps: names of the stages that it needs.
        noisy: its builder makes something else each time.
        choice: "only", "latest", "best" or "some" (at least two).
    """

    name: str
    deps: tuple[str, ...] = ()
    noisy: bool = False
    choice: str = "only"


@dataclass
class Thing:
    """One realization.

    Attributes:
        born: grows with the time at which its build ended.
        score: what `match_best` judges it by.
    """

    dref: Ref
    context: Context
    born: int
    score: int


def name_of(dref: Ref, context: Mapping[Ref, Iterable[Ref]], files: Mapping[str, bytes]) -> Ref:
    """The reference that a realization with these files must get."""
    entries = [[p, "f", len(d), sha256(d).hexdigest()] for p, d in sorted(files.items())]
    value = {
        "context": {dep: sorted(used) for dep, used in context.items()},
        "dref": dref,
        "entries": entries,
        "version": 1,
    }
    raw = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    digest = sha256(b"pylightnix-realization-v1\0" + raw).hexdigest()
    return f"rref:{digest[:32]}-{dref[5:]}"


@dataclass(frozen=True)
class Made:
    """What one run of a builder made.

    Attributes:
        number: grows from build to build.
    """

    dref: Ref
    number: int
    files: Mapping[str, bytes]


@dataclass
class Model:
    """The store.

    Attributes:
        specs: derivation -> its stage.
        needs: derivation -> those that it needs, for all that there may ever be.
        configs: derivations that are there.
        things: realizations that are there.
        roots: name, or path of a link -> what it keeps.
        trash: what the last collection took, with what is known of each realization.
    """

    specs: dict[Ref, Spec] = field(default_factory=dict)
    needs: dict[Ref, tuple[Ref, ...]] = field(default_factory=dict)
    configs: set[Ref] = field(default_factory=set)
    things: dict[Ref, Thing] = field(default_factory=dict)
    roots: dict[str, Ref] = field(default_factory=dict)
    links: dict[str, Ref] = field(default_factory=dict)
    trash: dict[Ref, Thing | None] = field(default_factory=dict)

    def closure(self, dref: Ref) -> list[Ref]:
        """A derivation and all that it needs, dependencies first."""
        found: dict[Ref, None] = {}
        for dep in self.needs[dref]:
            found.update(dict.fromkeys(self.closure(dep)))
        found[dref] = None
        return list(found)

    def realizations(self, dref: Ref, context: Context | None = None) -> list[Ref]:
        """Those of a derivation, sorted; maybe only those with a certain context."""
        return sorted(
            rref
            for rref, thing in self.things.items()
            if thing.dref == dref and (context is None or same(thing.context, context))
        )

    def chosen(self, dref: Ref, found: list[Ref]) -> tuple[Ref, ...] | None:
        """What the matcher of a derivation chooses."""
        choice = self.specs[dref].choice
        if choice == "some":
            return tuple(found) if len(found) >= 2 else None
        if not found:
            return None
        if choice == "latest":
            return (max(found, key=lambda rref: self.things[rref].born),)
        if choice == "best":
            return (min(found, key=lambda rref: (-self.things[rref].score, rref)),)
        return (found[0],)

    def realize(self, target: Ref, force: set[Ref], made: list[Made]) -> Context:
        """Do what realizing should do.

        Args:
            target: the derivation.
            force: those that are to be built in any case.
            made: what the builders made; taken from as builds are due.

        Returns:
            What is chosen for every derivation of the closure.
        """
        done: Context = {}
        for dref in self.closure(target):
            self.configs.add(dref)
            context = {dep: done[dep] for dep in self.needs[dref]}
            picked = self.chosen(dref, self.realizations(dref, context))
            if dref in force:
                picked = None
            while picked is None:
                mine = [one for one in made if one.dref == dref]
                if not mine:
                    raise AssertionError(f"{dref} was to be built")
                made.remove(mine[0])
                self._add(context, mine[0])
                picked = self.chosen(dref, self.realizations(dref, context))
            done[dref] = picked
        return done

    def _add(self, context: Context, made: Made) -> None:
        rref = name_of(made.dref, context, made.files)
        if rref not in self.things:
            score = int(made.files["score"])
            self.things[rref] = Thing(made.dref, context, made.number, score)

    def users(self, ref: Ref) -> set[Ref]:
        """What needs an object directly."""
        if ref.startswith("dref:"):
            return {dref for dref in self.configs if ref in self.needs[dref]}
        return {
            rref
            for rref, thing in self.things.items()
            if any(ref in used for used in thing.context.values())
        }

    def holders(self, ref: Ref) -> set[str]:
        """The roots that hold an object itself, or its derivation, or one of its realizations."""
        found = set()
        for name, held in (*self.roots.items(), *self.links.items()):  # of one name, at times
            same_drv = ref.startswith("dref:") and held.endswith(ref[5:])
            if held == ref or same_drv or f"dref:{ref[38:]}" == held:
                found.add(name)
        return found

    def remove(self, ref: Ref) -> None:
        """Take away a realization, or a derivation with its realizations."""
        if ref.startswith("dref:"):
            self.configs.discard(ref)
            for rref in self.realizations(ref):
                del self.things[rref]
        else:
            del self.things[ref]

    def live(self, spared: Iterable[Ref] = ()) -> set[Ref]:
        """All that roots, links and what else is spared reach."""
        todo = [*self.roots.values(), *self.links.values()]
        todo += [rref for ref in todo for rref in self.things if self.things[rref].dref == ref]
        todo += spared
        found: set[Ref] = set()
        while todo:
            ref = todo.pop()
            if ref in found or not (ref in self.configs or ref in self.things):
                continue
            found.add(ref)
            if ref in self.things:
                thing = self.things[ref]
                todo += [thing.dref, *(used for rrefs in thing.context.values() for used in rrefs)]
            else:
                todo += self.needs[ref]
        return found

    def lacking(self) -> set[Ref]:
        """What roots and links reach and is not there: somebody deleted it by force."""
        found: set[Ref] = set()
        for ref in self.live():
            thing = self.things.get(ref)
            used = [] if thing is None else [r for rrefs in thing.context.values() for r in rrefs]
            found.update([*used, *((thing.dref,) if thing else self.needs[ref])])
        held = {*self.roots.values(), *self.links.values()}
        return {ref for ref in found | held if ref not in self.configs and ref not in self.things}

    def spared(self, keep_last: int | None, keep_best: int | None) -> set[Ref]:
        """What a policy spares of every derivation."""
        found: set[Ref] = set()
        for dref in self.configs:
            mine = self.realizations(dref)
            if keep_last is not None:
                mine.sort(key=lambda rref: -self.things[rref].born)
                found.update(mine[:keep_last])
            if keep_best is not None:
                mine.sort(key=lambda rref: (-self.things[rref].score, rref))
                found.update(mine[:keep_best])
        return found

    def collect(self, dead: Iterable[Ref]) -> None:
        """Put these into the trash, in the place of what was there."""
        self.trash = {ref: self.things.get(ref) for ref in dead}
        for ref in self.trash:
            self.things.pop(ref, None)
            self.configs.discard(ref)

    def undo(self) -> set[Ref]:
        """Bring the last collection back; gives what came back."""
        back = {ref for ref in self.trash if ref not in self.configs and ref not in self.things}
        back = {r for r in back if self.trash[r] is None or self._home(r) in self.configs | back}
        for ref in back:
            thing = self.trash[ref]
            if thing is None:
                self.configs.add(ref)
            else:
                self.things[ref] = thing
        self.trash = {}
        return back

    @staticmethod
    def _home(rref: Ref) -> Ref:
        return f"dref:{rref[38:]}"


def same(one: Context, two: Context) -> bool:
    """Whether two contexts are equal, whatever the order of realizations in them."""
    return {d: sorted(r) for d, r in one.items()} == {d: sorted(r) for d, r in two.items()}
