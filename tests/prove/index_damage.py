"""Whatever becomes of the index, the answers are those of a full scan, and no error is shown."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import cycle, islice
from random import Random

from pylightnix import find, gcroot, realize_context
from pylightnix.api.ambient import resolved
from pylightnix.store.index import sound

from . import crew
from .index_answers import Answers, answers, differences, hits, truth
from .index_days import World, days, mkworld
from .outcome import Outcome

LIMIT_S = 5.0
TOGETHER = 3  # damages to the index of one day
SETTLED_S = 0.055  # what changed a moment ago is not remembered


def place(world: World) -> str:
    """Where the index is."""
    return f"{world.store.var}/index.sqlite"


def whole(world: World) -> None:
    """Let everything be in the index."""
    if not os.path.isfile(place(world)) or not sound(place(world)):
        clear(place(world))
    crew.new_process()
    time.sleep(SETTLED_S)
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
    data = _read(place(world))
    _written(place(world), data[: world.rng.randrange(len(data))])


def flip(world: World) -> None:
    """Turn over one bit, or many."""
    data = bytearray(_read(place(world)))
    for _ in range(world.rng.choice([1, 1, 2, 10, 100, 1000])):
        data[world.rng.randrange(len(data))] ^= 1 << world.rng.randrange(8)
    _written(place(world), bytes(data))


def scribble(world: World) -> None:
    """Overwrite a piece with noise, or with nothing."""
    data = bytearray(_read(place(world)))
    at, size = world.rng.randrange(len(data)), world.rng.choice([16, 512, 4096])
    noise = world.rng.choice([bytes(size), world.rng.randbytes(size)])
    data[at : at + size] = noise[: len(data) - at]
    _written(place(world), bytes(data))


def foreign(world: World) -> None:
    """Put the index of another store there, which has the same derivations."""
    _written(place(world), _read(f"{world.top}/foreign"))


def other_schema(world: World) -> None:
    """Make it one of another version, or without a table."""
    connection = sqlite3.connect(place(world))
    connection.execute(world.rng.choice(["PRAGMA user_version=7", "DROP TABLE shelf"]))
    connection.commit()
    connection.close()


def journal(world: World) -> None:
    """Leave the journal of an interrupted transaction beside it."""
    data = _read(place(world))
    head = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    with open(f"{place(world)}-journal", "wb") as file:
        file.write(head + world.rng.randbytes(world.rng.randrange(len(data))))


def instead(make: Callable[[str], object]) -> Callable[[World], None]:
    """Put something else in its place."""

    def act(world: World) -> None:
        clear(place(world))
        make(place(world))

    return act


def unreadable(world: World) -> None:
    """Take all permissions from it."""
    os.chmod(place(world), 0)


DAMAGES: dict[str, Callable[[World], None]] = {
    "deleted": instead(lambda path: None),
    "cut": cut,
    "flipped": flip,
    "scribbled on": scribble,
    "stale": lambda world: None,
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


def one(world: World, names: Iterable[str]) -> None:
    """Let the store change, damage the index of before in some ways, ask everything, compare."""
    whole(world)
    shutil.copyfile(place(world), saved := f"{world.top}/saved")
    days(world)
    expected = truth(world)
    _compare(world, "the process that was there", expected)
    for name in names:
        _written(place(world), _read(saved))
        DAMAGES[name](world)
        crew.new_process()
        with locked(place(world)) if name == "locked" else nullcontext():
            _compare(world, name, expected)
    realized(world, hits(expected))


def _compare(world: World, when: str, expected: Answers) -> None:
    begin_s = time.monotonic()
    try:
        found = answers(world)
    except Exception as error:
        world.wrong.append(f"error: {when}: {type(error).__name__}: {error}")
        return
    world.wrong += [f"{when}: {what}" for what in differences(expected, found)]
    if (spent_s := time.monotonic() - begin_s) > LIMIT_S:
        world.wrong.append(f"slow: {when}: {spent_s:.1f} s")


def realized(world: World, there: Mapping[str, Sequence[str]]) -> None:
    """Realize: what is there is taken, and not built again."""
    before = len(crew.lines(world.journal))
    _, chosen = realize_context(world.closed())
    built = {line.split()[0] for line in crew.lines(world.journal)[before:]}
    world.wrong += [f"built again: {dref}" for dref in sorted(built & there.keys())]
    if not built and {str(dref): rrefs for dref, rrefs in chosen.items()} != there:
        world.wrong.append(f"realized {dict(chosen)}, and not {there}")


def prove(points: int, seed: int) -> Outcome:
    """Damage the index `points` times."""
    begin_s = time.monotonic()
    with crew.room() as top:
        crew.new_process()
        world = mkworld(top, Random(seed))
        whole(replace(world, store=world.twin))
        shutil.copyfile(f"{world.twin.var}/index.sqlite", f"{top}/foreign")
        gcroot("kept", find("noisy1", store=world.store)[0], store=world.store)
        names = list(islice(cycle(DAMAGES), points))
        for number in range(0, points, TOGETHER):
            # How much was drawn may depend on the length of a file: not for those to come.
            world.rng.seed(f"{seed} {number}")
            try:
                one(world, names[number : number + TOGETHER])
            except Exception as error:
                world.wrong.append(f"error: {type(error).__name__}: {error}")
        crew.new_process()
    errors = sum(line.startswith("error") for line in world.wrong)
    figure = (
        f"{len(world.wrong) - errors} other answers, {errors} errors shown "
        f"({points} damages, {time.monotonic() - begin_s:.0f} s)"
    )
    for line in world.wrong[:20]:
        figure += f"\n  {line:.900}"
    wanted = "same answers as a full scan, no error shown"
    return Outcome("index", wanted, figure, not world.wrong, points)
