"""Whatever becomes of the index, the answers are those of a full scan, and no error is shown."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from random import Random
from typing import Any, TypeAlias

from pylightnix import (
    Closure,
    DRef,
    RRef,
    Store,
    current_registry,
    du,
    find,
    gc,
    gcroot,
    instantiate,
    match_some,
    realize,
    realize_context,
    rmref,
    rref2dref,
    store_context,
    store_gc,
    store_rrefs,
)
from pylightnix.api.ambient import resolved
from pylightnix.core.reclaim import Policy
from pylightnix.core.value import changed
from pylightnix.store import gc as floor_gc
from pylightnix.store import query

from . import audit, crew
from .nodes import node
from .outcome import Outcome

LIMIT_S = 5.0
Answers: TypeAlias = dict[str, object]


def stage(journal: str) -> list[DRef]:
    """Some thirty derivations, some with several realizations."""
    bases = [node(f"base{i}", journal=journal) for i in range(5)]
    noisy = [node(f"noisy{i}", bases[i], noisy=True, journal=journal) for i in range(3)]
    many = node("many", noisy=True, matcher=match_some(4), journal=journal)
    users = [node(f"user{i}", bases[i % 5], noisy[i % 3], journal=journal) for i in range(20)]
    return [*users, many]


@dataclass
class World:
    """A store, what it is asked for, and the files of indexes that are put in its index's place."""

    store: Store
    closure: Closure
    journal: str
    saved: str
    foreign: str
    rng: Random
    wrong: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where the index is."""
        return f"{self.store.var}/index.sqlite"


def answers(world: World) -> Answers:
    """Everything that can be asked, through the published functions."""
    store, found = world.store, dict[str, object]()
    for dref in world.closure.needs:
        found[dref] = store_rrefs(dref, store=store)
        for rref in store_rrefs(dref, store=store)[:3]:
            context = store_context(rref, store=store)
            found[f"{rref} context"] = store_rrefs(dref, context, store=store)
    found["du"] = du(store)
    found["find"] = find(store=store)
    found["find by name"] = find("user1*", store=store)
    found["find by time"] = find(newer=-3600, store=store)
    plan = gc(grace_s=0, dry_run=True, store=store)
    found["gc"] = [(victim.ref, victim.bytes, victim.reason) for victim in plan.dead]
    found["store_gc"] = store_gc([], [], store=store)
    found["realize"] = {str(d): list(r) for d, r in realize_context(world.closure)[1].items()}
    return found


def truth(world: World) -> Answers:
    """The same by a full scan: of an independent reader, and of the library without an index."""
    store = changed(world.store, index=None)
    found: Answers = {}
    everything: list[str] = []
    for dref in audit.drefs(store.objects):
        everything += (good := audit.good_rrefs(store.objects, dref))
        if dref in world.closure.needs:
            found[dref] = good
            for rref in good[:3]:
                used = audit.context(store.objects, rref)
                same = [r for r in good if audit.context(store.objects, r) == used]
                found[f"{rref} context"] = same
    found["du"] = {dref: _sizes(store.objects, dref) for dref in audit.drefs(store.objects)}
    found["find"] = found["find by time"] = everything
    found["find by name"] = [rref for rref in everything if rref[71:].startswith("user1")]
    plan = floor_gc.collect(store, Policy(grace_s=0.0), dry_run=True)
    found["gc"] = [(victim.ref, victim.bytes, victim.reason) for victim in plan.dead]
    drefs = {DRef(dref) for dref in audit.drefs(store.objects)}
    found["store_gc"] = (drefs, {RRef(rref) for rref in everything})
    found["realize"] = _newest(store, world.closure)
    return found


def _sizes(objects: str, dref: str) -> tuple[int, dict[str, int]]:
    parts = {rref: _bytes(audit.place(objects, rref)) for rref in audit.good_rrefs(objects, dref)}
    config = os.path.getsize(f"{audit.place(objects, dref)}/config.json")
    return config + sum(parts.values()), parts


def _bytes(folder: str) -> int:
    total = 0
    for home, _, files in os.walk(folder):
        found = (os.lstat(f"{home}/{name}") for name in files)
        total += sum(status.st_size for status in found if stat.S_ISREG(status.st_mode))
    return total


def _newest(store: Store, closure: Closure) -> dict[str, list[str]]:
    """What the matchers choose, asked without an index."""
    chosen: dict[DRef, tuple[RRef, ...]] = {}
    for drv in closure.derivations:
        context = {dep: chosen[dep] for dep in closure.needs[drv.dref]}
        picked = drv.matcher(store, query.rrefs(store, drv.dref, context))
        chosen[drv.dref] = tuple(picked or ())
    return {str(dref): [str(rref) for rref in rrefs] for dref, rrefs in chosen.items()}


def change(world: World) -> None:
    """Change the store: something more, or something less."""
    rng, store = world.rng, world.store
    if rng.random() < 0.6:
        with current_registry() as registry:
            targets = [dref for dref in stage(world.journal) if "-many" not in dref]
            realize(instantiate(rng.choice(targets), r=registry, store=store), force_rebuild=True)
    else:
        rrefs = [rref for rref in find(store=store) if "-many" in rref or "-noisy" in rref]
        by_drv = Counter(rref2dref(rref) for rref in rrefs)
        spare = [rref for rref in rrefs if by_drv[rref2dref(rref)] > 5]
        if spare:
            rmref(rng.choice(spare), force=True, store=store)


def whole(world: World) -> None:
    """Make the index anew, with everything in it."""
    clear(world.path)
    crew.new_process()
    time.sleep(0.055)  # what changed a moment ago is not remembered
    answers(world)
    if (index := resolved(world.store).index) is not None:
        index.flush()


def clear(path: str) -> None:
    """Take away whatever is in the place of the index."""
    for name in (path, f"{path}-journal", f"{path}-wal", f"{path}-shm"):
        if os.path.isdir(name) and not os.path.islink(name):
            shutil.rmtree(name)
        elif os.path.lexists(name):
            os.unlink(name)


def _written(path: str, data: bytes) -> None:
    clear(path)
    with open(path, "wb") as file:
        file.write(data)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def cut(world: World) -> None:
    """Cut it at a random length."""
    data = _read(world.path)
    _written(world.path, data[: world.rng.randrange(len(data))])


def flip(world: World) -> None:
    """Turn over one bit, or many."""
    data = bytearray(_read(world.path))
    for _ in range(world.rng.choice([1, 1, 2, 10, 100, 1000])):
        data[world.rng.randrange(len(data))] ^= 1 << world.rng.randrange(8)
    _written(world.path, bytes(data))


def scribble(world: World) -> None:
    """Overwrite a piece with noise, or with nothing."""
    data = bytearray(_read(world.path))
    at, size = world.rng.randrange(len(data)), world.rng.choice([16, 512, 4096])
    noise = world.rng.choice([bytes(size), world.rng.randbytes(size)])
    data[at : at + size] = noise[: len(data) - at]
    _written(world.path, bytes(data))


def stale(world: World) -> None:
    """Put back what it was before the store changed."""
    shutil.copyfile(world.path, world.saved)
    for _ in range(world.rng.randint(1, 4)):
        change(world)
    crew.new_process()
    _written(world.path, _read(world.saved))


def foreign(world: World) -> None:
    """Put the index of another store there, which has the same derivations."""
    _written(world.path, _read(world.foreign))


def other_schema(world: World) -> None:
    """Make it one of another version, or without a table."""
    connection = sqlite3.connect(world.path)
    connection.execute(world.rng.choice(["PRAGMA user_version=7", "DROP TABLE shelf"]))
    connection.commit()
    connection.close()


def journal(world: World) -> None:
    """Leave the journal of an interrupted transaction beside it."""
    data = _read(world.path)
    head = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    with open(f"{world.path}-journal", "wb") as file:
        file.write(head + world.rng.randbytes(world.rng.randrange(len(data))))


def instead(make: Callable[[str], object]) -> Callable[[World], None]:
    """Put something else in its place."""

    def act(world: World) -> None:
        clear(world.path)
        make(world.path)

    return act


def unreadable(world: World) -> None:
    """Take all permissions from it."""
    os.chmod(world.path, 0)


DAMAGES: dict[str, Callable[[World], None]] = {
    "deleted": instead(lambda path: None),
    "cut": cut,
    "flipped": flip,
    "scribbled on": scribble,
    "stale": stale,
    "of another store": foreign,
    "of another version": other_schema,
    "with a stray journal": journal,
    "a folder": instead(os.mkdir),
    "a filled folder": instead(lambda path: os.makedirs(f"{path}/inner")),
    "empty": instead(lambda path: _written(path, b"")),
    "text": instead(lambda path: _written(path, b"not a data base\n" * 99)),
    "a link to nothing": instead(lambda path: os.symlink("/nothing/here", path)),
    "unreadable": unreadable,
    "locked": lambda world: None,
}


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Let another connection hold the data base for itself."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()


def one(world: World, name: str) -> None:
    """Damage the index in one way, ask everything, and compare."""
    whole(world)
    DAMAGES[name](world)
    before = len(crew.lines(world.journal))
    crew.new_process()
    expected = truth(world)
    crew.new_process()
    begin_s = time.monotonic()
    with locked(world.path) if name == "locked" else nullcontext():
        found = answers(world)
    spent_s = time.monotonic() - begin_s
    world.wrong += [f"{name}: {what}" for what in differences(expected, found)]
    if len(crew.lines(world.journal)) > before:
        world.wrong.append(f"{name}: something was built again")
    if spent_s > LIMIT_S:
        world.wrong.append(f"slow: {name}: {spent_s:.1f} s")


def differences(expected: Answers, found: Answers) -> list[str]:
    """What was answered otherwise."""
    keys = sorted({*expected, *found})
    return [
        f"{key}: {_first(expected.get(key), found.get(key))}"
        for key in keys
        if expected.get(key) != found.get(key)
    ]


def _first(expected: Any, found: Any) -> str:
    """The first difference of two answers."""
    if isinstance(expected, dict) and isinstance(found, dict):
        expected, found = sorted(expected.items()), sorted(found.items())
    if isinstance(expected, list) and isinstance(found, list):
        for one, two in zip_longest(expected, found):
            if one != two:
                expected, found = one, two
                break
    return f"expected {expected!r:.300}, got {found!r:.300}"


def prove(points: int, seed: int) -> Outcome:
    """Damage the index `points` times."""
    begin_s, rng = time.monotonic(), Random(seed)
    with crew.room() as top:
        twin = Store.open(f"{top}/twin", create=True, durability="none")
        store = Store.open(f"{top}/root", create=True, durability="none")
        log = f"{top}/journal"
        closures = [instantiate(stage, log, store=one) for one in (twin, store)]
        world = World(store, closures[1], log, f"{top}/saved", f"{twin.var}/index.sqlite", rng)
        for closure in closures:
            realize_context(closure)
        whole(replace(world, store=twin, closure=closures[0]))
        gcroot("kept", find("noisy1", store=store)[0], store=store)
        names = list(DAMAGES)
        for number in range(points):
            what = names[number % len(names)]
            try:
                if rng.random() < 0.2:
                    change(world)
                one(world, what)
            except Exception as error:
                world.wrong.append(f"error: {what}: {type(error).__name__}: {error}")
    errors = sum(line.startswith("error") for line in world.wrong)
    figure = (
        f"{len(world.wrong) - errors} other answers, {errors} errors shown "
        f"({points} damages, {time.monotonic() - begin_s:.0f} s)"
    )
    for line in world.wrong[:20]:
        figure += f"\n  {line:.900}"
    wanted = "same answers as a full scan, no error shown"
    return Outcome("index", wanted, figure, not world.wrong, points)
