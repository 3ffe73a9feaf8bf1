"""A copy between stores is stopped anywhere, and the receiver is used at once and never wrong."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from pylightnix import (
    DRef,
    PylightnixError,
    Store,
    find,
    instantiate,
    match_some,
    realize_context,
    rref2path,
    store_rrefs,
    verify,
)

from . import audit, crew
from .nodes import node
from .outcome import Outcome

STEP_S = 60.0
RSYNC = ("rsync", "-a", "--ignore-existing", "--outbuf=L", "--out-format=%n")


def stage() -> list[DRef]:
    """Small and large objects, chains, and some that nobody can make again."""
    large = node("large", size=400_000)
    noisy = node("noisy", large, noisy=True, size=100_000)
    chain = node("one")
    for i in range(8):
        chain = node("link", chain, i=i)
    users = [node(f"user{i}", large, noisy, size=3000 * i) for i in range(6)]
    return [chain, *users, node("many", noisy=True, matcher=match_some(3), size=50_000)]


@dataclass
class Sender:
    """The store that is copied.

    Attributes:
        good: its realizations.
        entries: how many files and folders a copy makes.
        whole_s: how long a copy takes.
    """

    store: Store
    good: set[str] = field(default_factory=set)
    entries: int = 1
    whole_s: float = 0.1


def make_sender(top: str) -> Sender:
    """Realize everything, and time a copy."""
    store = Store.open(f"{top}/sender", create=True, durability="none")
    realize_context(instantiate(stage, store=store))
    sender = Sender(store)
    objects = store.objects
    sender.good = {r for dref in audit.drefs(objects) for r in audit.good_rrefs(objects, dref)}
    begin_s = time.monotonic()
    copied(objects, f"{top}/trial")
    sender.whole_s = time.monotonic() - begin_s
    sender.entries = len(audit.listing(f"{top}/trial"))
    crew.scrap(f"{top}/trial")
    return sender


def copied(source: str, target: str) -> str:
    """Copy to the end; gives what rsync complains about."""
    os.makedirs(target, exist_ok=True)
    done = subprocess.run(
        [*RSYNC, f"{source}/", f"{target}/"],
        capture_output=True,
        text=True,
        check=False,
        timeout=STEP_S,
    )
    return done.stderr if done.returncode else ""


@contextmanager
def under_way(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A copy, in a group of processes of its own, that is killed in the end."""
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def cut_by_time(child: subprocess.Popen[bytes], sender: Sender, rng: Random) -> None:
    """Kill all of it after a while."""
    time.sleep(rng.random() * sender.whole_s * 1.1)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def cut_by_entry(child: subprocess.Popen[bytes], sender: Sender, rng: Random) -> None:
    """Kill all of it, or the process that was started, when so much was copied."""
    number = rng.randrange(sender.entries)
    if child.stdout is not None:
        for _ in range(number):
            if not child.stdout.readline():
                break
    time.sleep(rng.choice([0, 0, rng.random() * 0.003]))
    with suppress(ProcessLookupError):
        if rng.random() < 0.7:
            os.killpg(child.pid, signal.SIGKILL)
        else:
            os.kill(child.pid, signal.SIGKILL)  # the others notice, and tidy up
            time.sleep(0.02)


def receiver(top: str, number: int, rng: Random) -> Store:
    """An empty store, or one that has something already."""
    store = Store.open(f"{top}/receiver{number}", create=True, durability="none")
    if rng.random() < 0.3:
        use(store)
        for rref in find(store=store):
            if rng.random() < 0.6:
                crew.scrap(audit.place(store.objects, rref))
    return store


def use(store: Store) -> set[str]:
    """Realize everything; gives what was handed out."""
    closure = instantiate(stage, store=store)
    _, context = realize_context(closure)
    handed = {str(rref) for rrefs in context.values() for rref in rrefs}
    handed |= {str(rref) for dref in context for rref in store_rrefs(dref, store=store)}
    handed |= {str(rref) for rref in find(store=store)}
    for rref in context[closure.targets[0]]:
        rref2path(rref, store=store)
    return handed


def writer(store: Store) -> Callable[[], None]:
    """A process that uses the receiver all the time."""

    def work() -> None:
        while True:
            crew.new_process()
            for rref in use(store):
                if fault := audit.wrong(store.objects, rref):
                    raise ValueError(f"wrong: {rref}: {fault}")

    return work


@dataclass
class Tally:
    """What went wrong."""

    wrong: list[str] = field(default_factory=list)
    in_the_way: list[str] = field(default_factory=list)
    cut: int = 0
    with_writer: int = 0


def point(top: str, number: int, sender: Sender, rng: Random, tally: Tally) -> None:
    """Copy, cut, use, copy to the end, use again."""
    crew.new_process()
    store = receiver(top, number, rng)
    is_rsync = rng.random() < 0.8
    source = f"{sender.store.objects}/" if is_rsync else f"{sender.store.objects}/."
    # cp writes into files that are there already, unless it is told not to.
    command = [*(RSYNC if is_rsync else ("cp", "-rn")), source, f"{store.objects}/"]
    errors = f"{top}/errors{number}"
    pid = crew.start(writer(store), errors) if rng.random() < 0.35 else 0
    with under_way(command) as child:
        (cut_by_entry if is_rsync and rng.random() < 0.6 else cut_by_time)(child, sender, rng)
        tally.cut += child.wait(STEP_S) != 0
    if pid:
        tally.with_writer += 1
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        crew.ended(pid, STEP_S)
        tally.wrong += crew.lines(errors)
    check_use(store, f"{number} cut", tally)
    if is_rsync:
        check_rest(store, sender, number, tally)
    crew.new_process()
    crew.scrap(f"{top}/receiver{number}")


def check_use(store: Store, when: str, tally: Tally) -> None:
    """Use the receiver as another process would."""
    crew.new_process()
    try:
        handed = use(store)
    except (PylightnixError, OSError) as error:
        tally.in_the_way.append(f"{when}: {type(error).__name__}: {error}")
        return
    for rref in handed:
        if fault := audit.wrong(store.objects, rref):
            tally.wrong.append(f"{when}: {rref}: {fault}")


def check_rest(store: Store, sender: Sender, number: int, tally: Tally) -> None:
    """Copy the rest: all of the sender's is there, is whole, and is given to who asks."""
    if complaint := copied(sender.store.objects, store.objects):
        tally.in_the_way.append(f"{number}: the copy cannot be finished: {complaint}")
    crew.new_process()
    found = {str(rref) for rref in find(store=store)}
    for rref in sender.good - found:
        fault = audit.wrong(store.objects, rref)
        tally.in_the_way.append(f"{number} copied: not used: {rref}: {fault or 'though whole'}")
    if report := verify(store=store).damaged:
        tally.wrong.append(f"{number} copied: {report[:3]}")
    check_use(store, f"{number} copied", tally)


def prove(points: int, seed: int) -> Outcome:
    """Stop a copy at `points` places."""
    wanted = "0 wrong, 0 in the way"
    if shutil.which("rsync") is None:
        return Outcome("rsync", wanted, "not run", True, 0, skipped="there is no rsync here")
    begin_s, rng, tally = time.monotonic(), Random(seed), Tally()
    with crew.room() as top:
        crew.new_process()
        sender = make_sender(top)
        for number in range(points):
            point(top, number, sender, rng, tally)
    figure = (
        f"{len(tally.wrong)} wrong, {len(tally.in_the_way)} in the way ({points} points, "
        f"{tally.cut} cut short, {tally.with_writer} beside a writer, "
        f"{time.monotonic() - begin_s:.0f} s)"
    )
    for line in [*tally.wrong, *tally.in_the_way][:20]:
        figure += f"\n  {line:.900}"
    ok = not (tally.wrong or tally.in_the_way) and tally.cut > 0
    return Outcome("rsync", wanted, figure, ok, points)
