"""After a run was cut short: is anything wrong, is anything lost, and does the next run work?"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import pylightnix as p

from . import audit
from .children import Record, Say, start
from .workload import Shape, work

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, in words.

    Attributes:
        wrong: what look-ups hand out and is not what its name says.
        lost: what was handed out and is no longer there.
        stuck: why the next run does not work, or gives something else.
        litter: what is left of the interrupted run after left-overs were collected.
    """

    wrong: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    litter: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not (self.wrong or self.lost or self.stuck or self.litter)


@dataclass
class Memory:
    """What a run was given and has not given up; whether it ended by a power cut."""

    must: set[str] = field(default_factory=set)
    contexts: list[Mapping[str, list[str]]] = field(default_factory=list)
    solid: Mapping[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    raised: list[Record] = field(default_factory=list)
    cut: bool = False

    def learn(self, records: Iterable[Record]) -> Memory:
        """Take in what a run said, in order."""
        for kind, *rest in records:
            match kind:
                case "have":
                    self.must.update(rest[0])
                case "gone":
                    self.must.difference_update(rest[0])
                case "context":
                    self.contexts.append(rest[0])
                    if rest[1] == "solid":
                        self.solid = rest[0]
                case "wrong":
                    self.wrong.append(rest[0])
                case "raised":
                    self.raised.append(rest)
        return self


def judge(
    root: str,
    outside: str,
    shape: Shape,
    memory: Memory,
    reference: Mapping[str, list[str]],
) -> Verdict:
    """Look at a store after a run on it was cut short, in a process of its own."""
    found: dict[str, list[str]] = {"wrong": [*memory.wrong], "lost": [], "stuck": [], "litter": []}

    def look(say: Say) -> None:
        for kind, what in _found(root, outside, shape, memory, reference):
            say(kind, what)

    child = start(look)
    if not child.wait(PATIENCE_S):
        found["stuck"].append(f"the next run did not end within {PATIENCE_S:g} s")
    for kind, *rest in child.records:
        if kind == "raised":
            found["stuck"].append(f"the judge met {rest[1]}: {rest[2]}")
        else:
            found[kind].append(rest[0])
    return Verdict(*(tuple(found[kind]) for kind in ("wrong", "lost", "stuck", "litter")))


def _found(
    root: str, outside: str, shape: Shape, memory: Memory, reference: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    handed = list(handed_out(root))
    yield from faults_of(root, handed)
    yield from (("lost", f"{rref} was returned and is gone") for rref in memory.must - {*handed})
    # A power cut may take what was not flushed; nothing else takes
    # a dependency and leaves its user.
    if not memory.cut:
        lacking = audit.lacking(f"{root}/store-v1", handed)
        yield from (("wrong", f"something that was handed out lacks {what}") for what in lacking)
    for context in memory.contexts:
        yield from _context_faults(root, context, memory.must.intersection(handed))
    again: list[Record] = []
    work(root, outside, shape, lambda *record: again.append(json.loads(json.dumps(record))))
    second = Memory().learn(again)
    for step, kind, text, _ in second.raised:
        yield "stuck", f"{step} raised {kind}: {text}"
    yield from (("wrong", what) for what in second.wrong)
    if reference and second.solid != reference:
        yield "stuck", f"the next run made {second.solid} instead of {reference}"
    for context in second.contexts:
        yield from _context_faults(root, context, second.must)
    yield from (("stuck", f"a false alarm: {rest[0]}") for kind, *rest in again if kind == "alarm")
    yield from (("litter", rest[0]) for kind, *rest in again if kind == "litter")
    handed = list(handed_out(root))
    yield from faults_of(root, handed)
    yield from (("lost", f"{rref} was returned and is gone") for rref in second.must - {*handed})
    p.gc(grace_s=0.0, leftovers_only=True, store=p.Store.open(root))
    yield from (("litter", path) for path in litter(root))


def handed_out(root: str) -> Iterator[str]:
    """Give every realization that look-ups give, and check every config on the way."""
    if not os.path.isdir(f"{root}/store-v1"):
        return
    store = p.Store.open(root)
    for dref in p.store_drefs(store):
        yield from p.store_rrefs(dref, store=store)


def faults_of(root: str, handed: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Check everything that was handed out, and the configs of its derivations."""
    objects = f"{root}/store-v1"
    for dref in sorted({f"dref:{rref[38:]}" for rref in handed}):
        if os.path.lexists(f"{audit.place(objects, dref)}/config.json"):
            yield from (
                ("wrong", f"{dref}: {what}") for what in [audit.wrong(objects, dref)] if what
            )
    for rref in handed:
        yield from (("wrong", f"{rref}: {what}") for what in [audit.wrong(objects, rref)] if what)


def _context_faults(
    root: str, context: Mapping[str, list[str]], must: set[str]
) -> Iterator[tuple[str, str]]:
    """Check that realizations that were returned together were made with each other."""
    for rref in {rref for rrefs in context.values() for rref in rrefs} & must:
        with suppress(OSError, ValueError):  # that is told of elsewhere
            found = audit.context(f"{root}/store-v1", rref)
            wanted = {dep: sorted(context.get(dep, [])) for dep in found}
            if found != wanted:
                yield "wrong", f"{rref} was made with {found}, and returned with {wanted}"


def litter(root: str) -> Iterator[str]:
    """Give names that no reader sees and that collecting left-overs should have taken away."""
    for base, folders, files in os.walk(f"{root}/store-v1"):
        yield from (f"{base}/{name}" for name in (*folders, *files) if name.startswith(".in-"))
    yield from (f"{root}/var/tmp/{name}" for name in os.listdir(f"{root}/var/tmp"))


def scrub(path: str) -> None:
    """Delete a tree, read-only folders included."""
    for base, folders, _ in os.walk(path):
        for name in folders:
            if not os.path.islink(f"{base}/{name}"):
                os.chmod(f"{base}/{name}", stat.S_IRWXU)
    if os.path.lexists(path):
        shutil.rmtree(path)
