"""A user's days with a store: every way in which things come to it, go, and are replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from pylightnix import (
    Build,
    Closure,
    DRef,
    Store,
    build_outpath,
    build_wrapper,
    du,
    find,
    gc,
    gc_undo,
    instantiate,
    match_latest,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    realize_context,
    rmref,
    store_rrefs,
)
from pylightnix.api.ambient import resolved
from pylightnix.core.value import changed

from . import audit, crew

FILES = 70  # so many that their hashes are remembered


@dataclass
class World:
    """A store, another one with the same derivations, a folder outside, and what went wrong.

    Attributes:
        top: a folder for all of it, on one file system.
        halves: copies that were begun: source and target.
        away: realizations that were taken out of the store: where they are, and where they were.
        deck: what is going to happen: each thing once, before any happens again.
    """

    top: str
    store: Store
    twin: Store
    closure: Closure
    rng: Random
    made: int = 0
    halves: list[tuple[str, str]] = field(default_factory=list)
    away: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    deck: list[Callable[[World], None]] = field(default_factory=list)

    @property
    def journal(self) -> str:
        """Where builds leave a line."""
        return f"{self.top}/journal"

    @property
    def outside(self) -> str:
        """A folder that is fetched."""
        return f"{self.top}/outside"

    def closed(self) -> Closure:
        """The closure, in the store as this process knows it now."""
        return changed(self.closure, store=resolved(self.store))

    def fresh(self, kind: str) -> str:
        """A path that is not there yet."""
        self.made += 1
        return f"{self.top}/{kind}{self.made}"


def node(name: str, *deps: DRef, journal: str, rng: Random | None = None, wants: int = 1) -> DRef:
    """Leave a stage in the current registry; with `rng` it makes something else each time."""

    def build(b: Build) -> None:
        crew.note(journal, b.dref)
        out = build_outpath(b)
        (out / "text").write_text(name if rng is None else rng.randbytes(8).hex())
        (out / "inner").mkdir()
        (out / "inner" / "file").write_text(name)

    config = mkconfig({"name": name.partition("+")[0], "key": name, "deps": list(deps)})
    chooses = match_latest() if rng else match_only()
    return mkdrv(config, match_some(wants) if wants > 1 else chooses, build_wrapper(build))


def stage(journal: str, rng: Random) -> list[DRef]:
    """Some derivations, a few of them with several realizations."""
    bases = [node(f"base{i}", journal=journal) for i in range(3)]
    noisy = [node(f"noisy{i}", bases[i], rng=rng, journal=journal) for i in (0, 1)]
    many = node("many", rng=rng, wants=3, journal=journal)
    users = [node(f"user{i}", bases[i % 3], noisy[i % 2], journal=journal) for i in range(5)]
    return [*users, many]


def mkworld(top: str, rng: Random) -> World:
    """Realize the same in two stores, and fill a folder."""
    twin, store = (
        Store.open(f"{top}/{name}", create=True, durability="none") for name in ("twin", "root")
    )
    realize_context(instantiate(stage, f"{top}/journal", rng, store=twin))
    closure = instantiate(stage, f"{top}/journal", rng, store=store)
    realize_context(closure)
    os.mkdir(f"{top}/outside")
    for number in range(FILES):
        _written(f"{top}/outside/{number}", rng.randbytes(20))
    return World(top, store, twin, closure, rng)


def _written(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def again(world: World) -> None:
    """Build something again, which comes out otherwise, and all that needs it."""
    noisy = sorted(dref for dref in world.closure.needs if "-noisy" in dref)
    realize_context(world.closed(), force_rebuild=[world.rng.choice(noisy)])


def more(world: World) -> None:
    """Realize a stage that was not there, or was."""
    name, journal = f"user0+{world.rng.randrange(6)}", world.journal

    def other() -> DRef:
        return node(name, node("base0", journal=journal), journal=journal)

    realize_context(instantiate(other, store=world.store))


def less(world: World) -> None:
    """Delete a realization, whoever needs it."""
    if rrefs := find(store=world.store):
        rmref(world.rng.choice(rrefs), force=True, store=world.store)


def collected(world: World) -> None:
    """Collect what is not among a few that are kept; perhaps bring it back."""
    rrefs = find(store=world.store)
    keep = world.rng.sample(rrefs, len(rrefs) * 2 // 3)
    dead = gc(keep, grace_s=0.0, store=world.store).dead
    if dead and world.rng.random() < 0.5:
        gc_undo(world.store)


def _place(world: World, ref: str) -> str:
    return audit.place(world.store.objects, ref)


def _foreign(world: World) -> tuple[str, str]:
    """A realization of the twin, and where it belongs in the store."""
    objects = world.twin.objects
    rrefs = [rref for dref in audit.drefs(objects) for rref in audit.rrefs(objects, dref)]
    missing = [rref for rref in rrefs if not os.path.lexists(_place(world, rref))]
    rref = world.rng.choice(missing or rrefs)
    return audit.place(objects, rref), _place(world, rref)


def _copy(source: str, target: str, leave: str = "") -> None:
    """Copy what is missing, as copy programs do, but for entries of one name."""
    os.makedirs(target, exist_ok=True)
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        place = f"{target}/{entry.name}"
        if entry.name == leave:
            continue
        if entry.is_dir(follow_symlinks=False):
            _copy(entry.path, place, leave)
        elif not os.path.lexists(place):
            shutil.copy2(entry.path, place, follow_symlinks=False)


def copied(world: World) -> None:
    """Bring a realization of the other store, or all of its derivation."""
    source, target = _foreign(world)
    whole = world.rng.random() < 0.4 or not os.path.exists(os.path.dirname(target))
    if whole:
        source, target = os.path.dirname(source), os.path.dirname(target)
    _copy(source, target)
    if world.rng.random() < 0.5:  # `cp -a` and rsync end with the times of the folder
        there = os.stat(os.path.dirname(source)).st_mtime_ns
        os.utime(os.path.dirname(target), ns=(there, there))


def half(world: World) -> None:
    """Bring something but for a part; often that is only what tells of its build."""
    source, target = _foreign(world)
    rest = world.rng.choice(["", "manifest.json", "text", ".pylightnix"])
    leave = world.rng.choice(["build.json", rest])
    if leave:
        _copy(source, target, leave)
    else:
        os.makedirs(target, exist_ok=True)
    home = os.path.dirname(target)
    if not os.path.exists(f"{home}/config.json"):
        shutil.copy2(f"{os.path.dirname(source)}/config.json", home)
    world.halves.append((source, target))


def finished(world: World) -> None:
    """Bring the rest of what was begun."""
    while world.halves:
        _copy(*world.halves.pop())


def replaced(world: World) -> None:
    """Put another folder of the same name and time in the place of a derivation's."""
    dref = world.rng.choice(sorted(world.closure.needs))
    ours, theirs = _place(world, dref), audit.place(world.twin.objects, dref)
    if os.path.exists(ours):
        dated = os.stat(ours).st_mtime_ns
        os.rename(ours, world.fresh("was"))
        _copy(theirs, ours)
        os.utime(ours, ns=(dated, dated))


def redated(world: World) -> None:
    """Take a realization out, or put one back, and give the folder the date that it had."""
    rrefs = find(store=world.store)
    if world.away and world.rng.random() < 0.5:
        aside, place = world.away.pop(world.rng.randrange(len(world.away)))
        way = aside, place
    elif rrefs:
        place, aside = _place(world, world.rng.choice(rrefs)), world.fresh("away")
        world.away.append((aside, place))
        way = place, aside
    else:
        return
    home = os.path.dirname(place)
    if os.path.isdir(home) and not os.path.lexists(way[1]):
        dated = os.stat(home).st_mtime_ns
        move(*way)
        os.utime(home, ns=(dated, dated))


def move(source: str, target: str) -> None:
    """Rename a realization: only root could without the right to write in it."""
    os.chmod(source, 0o755)
    os.rename(source, target)
    os.chmod(target, 0o555)


def configs(world: World) -> None:
    """Take away the config of a derivation and bring it again, with the date that it had."""
    home = _place(world, world.rng.choice(sorted(world.closure.needs)))
    if os.path.exists(f"{home}/config.json"):
        dated, aside = os.stat(home).st_mtime_ns, world.fresh("config")
        shutil.copy2(f"{home}/config.json", aside)
        os.unlink(f"{home}/config.json")
        du(world.store)
        shutil.copy2(aside, f"{home}/config.json")
        os.utime(home, ns=(dated, dated))


def moment(world: World) -> None:
    """Change a folder several times within one tick of the clock, asked about it in between."""
    if rrefs := find(store=world.store):
        rref = world.rng.choice(rrefs)
        dref, place = DRef(f"dref:{rref[38:]}"), _place(world, rref)
        aside, listed = world.fresh("aside"), store_rrefs(dref, store=world.store)
        without = [other for other in listed if other != rref]
        for way in ((place, aside), (aside, place)) * 2:
            move(*way)
            found = store_rrefs(dref, store=world.store)
            if found != (without if way[1] == aside else listed):
                world.wrong.append(f"within a moment: {rref} {way}")


def outside(world: World) -> None:
    """Change files of the folder outside; one of them keeps its length and its date."""
    rng = world.rng
    path, *others = rng.sample(sorted(entry.path for entry in os.scandir(world.outside)), 4)
    dated = os.stat(path).st_mtime_ns
    new = rng.choice([path, world.fresh("new")])
    _written(new, rng.randbytes(20))
    os.utime(new, ns=(dated, dated))
    os.replace(new, path)
    os.chmod(others[0], os.stat(others[0]).st_mode ^ 0o111)
    os.rename(others[1], f"{others[1]}.moved")
    os.unlink(others[2])
    _written(others[2], rng.randbytes(rng.randrange(20)))


CHANGES: tuple[Callable[[World], None], ...] = (
    *(again, more, less, collected, copied, half),
    *(replaced, redated, configs, moment, outside),
)


def days(world: World) -> None:
    """Let a few things happen, and ask something at times."""
    finished(world)
    for _ in range(world.rng.choice([0, 2, 3, 4, 5])):
        if not world.deck:
            world.deck = world.rng.sample(CHANGES, len(CHANGES))
        world.deck.pop()(world)
        if world.rng.random() < 0.4:
            du(world.store)
    # Last, what something else that follows would hide: that would give the folder a new date.
    world.rng.choice([redated, half])(world)
