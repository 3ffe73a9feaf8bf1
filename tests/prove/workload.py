"""What a process does while it is killed, starved or cut off: everything that writes to a store.

A run says what it was given and what it gives up as it goes, so that whoever looks at the store
afterwards knows what must still be there. Running it again on what an earlier run left must work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import pylightnix as p
from pylightnix.store.layout import Durability

Say: TypeAlias = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a run is.

    Attributes:
        stages: in the chain and the diamonds; there are five more.
        durability: of the store.
        extras: whether roots, collections, deletions and repairs are done too.
    """

    stages: int
    durability: Durability
    extras: bool = True

    def __str__(self) -> str:
        return f"{self.stages} stages, {self.durability}{'' if self.extras else ', realize only'}"


@dataclass
class Run:
    """A run under way.

    Attributes:
        root: of the store.
        outside: a folder that is not the store's, where builders keep second names of their files.
        say: tells whoever started the run what happens.
        kept: what a root holds.
        loose: what was realized and nothing holds.
    """

    root: str
    outside: str
    shape: Shape
    say: Say
    kept: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    held: list[int] = field(default_factory=list)
    second: list[str] = field(default_factory=list)
    opened: p.Store | None = None
    after: str = ""
    target: str = ""

    @property
    def store(self) -> p.Store:
        """The store; never the user's, even if this one could not be made."""
        return self.opened or p.Store.open(self.root, durability=self.shape.durability)

    def have(self, context: p.Context, names: str) -> set[str]:
        """Tell what a realize returned; gives the realizations."""
        found: set[str] = {rref for rrefs in context.values() for rref in rrefs}
        self.say("have", sorted(found))
        self.say("context", {dref: list(rrefs) for dref, rrefs in context.items()}, names)
        return found


def _write(path: str, data: bytes, mode: int = 0o644) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)


def _rich(b: p.Build) -> None:
    """Make an output with a bit of everything, out of what the dependencies hold."""
    out = os.fspath(p.build_outpath(b))
    fields = p.build_cattrs(b)
    text = f"{fields.name}\n".encode()
    for dep in fields.deps:
        for path in p.build_paths(b, [dep]):
            text += (path / "text").read_bytes()
    _write(f"{out}/text", text)
    if fields.deps and len(fields.name) > 2:
        return
    _write(f"{out}/run", b"#!/bin/sh\n" + text, 0o755)
    os.mkdir(f"{out}/a")
    os.mkdir(f"{out}/a/b")
    os.mkdir(f"{out}/empty", 0o555)
    _write(f"{out}/a/b/deep", text * 500)
    os.symlink("b/deep", f"{out}/a/link")
    os.symlink("/nowhere", f"{out}/broken")


def _noise(b: p.Build) -> None:
    _write(f"{p.build_outpath(b)}/text", os.urandom(20))


def _twins(b: p.Build) -> None:
    for number, out in enumerate(p.build_outpaths(b)):
        _write(f"{out}/text", b"%d\n" % number)


def _sources(run: Run) -> Callable[[p.Build], None]:
    """Give a builder that leaves itself ways into its output: a second name and an open file."""

    def build(b: p.Build) -> None:
        _rich(b)
        out = os.fspath(p.build_outpath(b))
        _write(f"{out}/linked", b"linked\n")
        run.second.append(f"{run.outside}/linked-{os.urandom(4).hex()}")
        os.link(f"{out}/linked", run.second[-1])
        _write(f"{out}/open", b"open\n")
        run.held.append(os.open(f"{out}/open", os.O_WRONLY))

    return build


def _stop(b: p.Build) -> None:
    _write(f"{p.build_outpath(b)}/half", b"half")
    raise KeyboardInterrupt


def _stage(
    name: str,
    build: Callable[[p.Build], None],
    *deps: p.DRef,
    matcher: p.Matcher | None = None,
    nouts: int = 1,
) -> p.DRef:
    config = p.mkconfig({"name": name, "deps": list(deps)})
    return p.mkdrv(config, matcher or p.match_only(), p.build_wrapper(build, nouts))


def plain(name: str, *deps: p.DRef) -> p.DRef:
    """Make a stage whose one result depends on nothing but the stages that it needs."""
    return _stage(name, _rich, *deps)


def _solid(run: Run) -> p.DRef:
    """A source, and on it as many diamonds and links of a chain as are wanted."""
    top = _stage("s0", _sources(run))
    for number in range(1, run.shape.stages):
        if number % 3 == 1:
            left, right = _stage(f"l{number}", _rich, top), _stage(f"r{number}", _rich, top)
            top = _stage(f"d{number}", _rich, left, right)
        else:
            top = _stage(f"chain{number}", _rich, top)
    return top


def _shaky(run: Run) -> list[p.DRef]:
    """What differs from build to build, what has several outputs, and what needs these."""
    noise = _stage("noise", _noise, matcher=p.match_some(2))
    twins = _stage("twins", _twins, matcher=p.match_all(), nouts=2)
    after = _stage("after", _rich, noise, twins)
    run.after = after
    return [after, twins]


def _open(run: Run) -> None:
    run.opened = p.Store.open(run.root, create=True, durability=run.shape.durability)


def _realize_solid(run: Run) -> None:
    closure = p.instantiate(_solid, run, store=run.store)
    target, context = p.realize_context(closure)
    found = run.have(context, "solid")
    run.loose |= found
    if run.shape.extras:
        p.gcroot("solid", target, store=run.store)
        run.kept, run.target = found, target
    while run.held:  # what was kept open or linked must not lead into the store
        with suppress(OSError):
            os.ftruncate(run.held[-1], 0)
        os.close(run.held.pop())
    while run.second:
        with suppress(OSError):
            os.truncate(run.second.pop(), 0)


def _realize_shaky(run: Run) -> None:
    closure = p.instantiate(_shaky, run, store=run.store)
    run.loose |= run.have(p.realize_context(closure)[1], "shaky")


def _rebuild(run: Run) -> None:
    closure = p.instantiate(_solid, run, store=run.store)
    middle = closure.derivations[len(closure.derivations) // 2].dref
    run.have(p.realize_context(closure, force_rebuild=[middle])[1], "solid")
    closure = p.instantiate(_shaky, run, store=run.store)
    everything = [drv.dref for drv in closure.derivations]
    run.loose |= run.have(p.realize_context(closure, force_rebuild=everything)[1], "shaky")


def _collect(run: Run) -> None:
    loose, run.loose = run.loose - run.kept, set()  # if it fails, nobody knows what is left of it
    run.say("gone", sorted(loose))
    dead = {victim.ref for victim in p.gc(grace_s=0.0, store=run.store).dead}
    run.loose = loose - dead
    if dead & run.kept:
        run.say("wrong", f"a collection took what a root holds: {sorted(dead & run.kept)}")
    if any(isinstance(ref, p.RRef) for ref in dead):
        back = p.gc_undo(run.store)
        run.loose |= {ref for ref in back if p.isrref(ref)}
        run.say("have", sorted(run.loose))


def _delete(run: Run) -> None:
    mine = sorted(run.loose - run.kept)
    after = [rref for rref in mine if rref[38:] == run.after[5:]]
    for rref in sorted(run.kept & {run.target}):
        _must_stay(run, rref)
    for rref in after[:1]:
        context = p.store_context(p.RRef(rref), run.store)
        _must_stay(run, min(used for chosen in context.values() for used in chosen))
        run.say("gone", [rref])
        run.loose.discard(rref)
        p.rmref(rref, store=run.store)


def _must_stay(run: Run, rref: str) -> None:
    try:
        p.rmref(rref, store=run.store)
    except p.StoreError:
        return
    run.say("wrong", f"{rref} was deleted though a root holds it, or another needs it")


def _verify(run: Run) -> None:
    report = p.verify(repair=True, store=run.store)
    if report.damaged:
        run.say("alarm", [f"{fault.ref} {fault.path} {fault.what}" for fault in report.damaged])
    run.say("gone", report.lost)  # nothing was damaged; if that is wrong, the alarm tells


def _interrupted(run: Run) -> None:
    closure = p.instantiate(lambda: _stage("stop", _stop), store=run.store)
    try:
        p.realize(closure)
    except KeyboardInterrupt:
        mine: list[str] = []
        with suppress(OSError):
            mine += [n for n in os.listdir(f"{run.root}/var/tmp") if f"-{os.getpid()}-" in n]
        if mine:
            run.say("litter", f"an interrupted build leaves {mine}")


def _clear(run: Run) -> None:
    p.rmroot("solid", store=run.store)
    p.gcroot("again", next(iter(sorted(run.kept))), store=run.store)
    run.say("gone", sorted(run.kept | run.loose))
    p.gc(grace_s=0.0, store=run.store)
    p.gc_empty_trash(run.store)


_ALWAYS = (_open, _realize_solid, _realize_shaky)
_EXTRAS = (_rebuild, _collect, _delete, _verify, _interrupted, _realize_solid, _clear)


def work(root: str, outside: str, shape: Shape, say: Say) -> None:
    """Do a whole run; a step that fails says so, and the next one is tried."""
    run = Run(root, outside, shape, say)
    for step in _ALWAYS + (_EXTRAS if shape.extras else ()):
        with _told(run, step.__name__):
            step(run)
    say("end")


@contextmanager
def _told(run: Run, step: str) -> Iterator[None]:
    run.say("step", step)
    try:
        yield
    except Exception as error:
        ours = isinstance(error, p.PylightnixError)
        run.say("raised", step, type(error).__name__, str(error)[:300], ours)
