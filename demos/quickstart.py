"""The quick start, `make demo`: build a C program, keep the best of ten noisy runs, look around.

Needs no network. The store is $PYLIGHTNIX_ROOT, or ./_pylightnix. Run it twice: the second time
there is nothing to build, but for one more noisy run.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pylightnix import (
    Build,
    DRef,
    Registry,
    RRef,
    Store,
    build_cattrs,
    build_outpath,
    build_path,
    build_run,
    build_wrapper,
    catref,
    dirrw,
    du,
    fetchlocal,
    instantiate,
    lsref,
    match_best,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    realize,
    realize_many,
    redefine,
    rref2dref,
    rref2path,
    selfref,
    store_config,
    use_store,
)
from pylightnix.engine.events import Built, Event

HERE = Path(__file__).resolve().parent


# 1. A C program. The first stage takes the sources into the store, the second one compiles them.


def greet_source(r: Registry) -> DRef:
    """The folder `greet` beside this file. Its contents decide its name; where it lies does not."""
    return fetchlocal(path=HERE / "greet", name="greet-source", r=r)


def greet(r: Registry) -> DRef:
    """The program, compiled and installed."""
    config = mkconfig(
        {
            "name": "greet",
            "source": [greet_source(r)],  # this mention makes it a dependency
            "cflags": "-O2",
            "program": [selfref, "bin", "greet"],  # and this is a promise
        }
    )
    return mkdrv(config, match_only(), build_wrapper(compile_greet), r)


def compile_greet(b: Build) -> None:
    """The builder: copy the sources, since the store is read-only, and run make in the copy."""
    c = build_cattrs(b)
    with tempfile.TemporaryDirectory() as tmp:
        work = shutil.copytree(build_path(b, c.source), Path(tmp, "greet"))
        dirrw(work)
        prefix = build_outpath(b)
        build_run(b, ["make", "install", f"CFLAGS={c.cflags}", f"PREFIX={prefix}"], cwd=work)


# 2. A noisy experiment. Whoever climbs in fog ends on the nearest hill, seldom on the highest.


def climb(r: Registry) -> DRef:
    """One climb from a random place; as a stage it wants ten of them."""
    config = mkconfig({"name": "climb", "steps": 40, "altitude": [selfref, "altitude.txt"]})
    return mkdrv(config, match_some(10), build_wrapper(walk_upwards), r)


def height_m(x: float) -> float:
    """The landscape."""
    return 1000 + 300 * math.sin(x) + 200 * math.sin(2.7 * x + 1) + 150 * math.sin(7 * x)


def walk_upwards(b: Build) -> None:
    """The builder: start anywhere, take every step that leads up. It ends elsewhere each time."""
    c = build_cattrs(b)
    x = random.uniform(0, 20)
    for _ in range(c.steps):
        x = max(x, x + random.gauss(0, 0.05), key=height_m)
    build_path(b, c.altitude).write_text(f"{height_m(x)}\n")
    (build_outpath(b) / "place.txt").write_text(f"{x}\n")


highest_climb = redefine(climb, new_matcher=match_best("altitude.txt"))
"""The same derivation with another matcher: of all climbs that there are, the highest."""


def postcard(r: Registry) -> DRef:
    """A stage after it, which sees only what that matcher chose."""
    config = mkconfig({"name": "postcard", "altitude": [highest_climb(r=r), "altitude.txt"]})
    return mkdrv(config, match_only(), build_wrapper(write_postcard), r)


def write_postcard(b: Build) -> None:
    """The builder."""
    altitude_m = float(build_path(b, build_cattrs(b).altitude).read_text())
    card = build_outpath(b) / "card.txt"
    card.write_text(f"Greetings from {altitude_m:.1f} m!\n")


# The story


class Listener:
    """Told what happens while things are realized; remembers what was built."""

    def __init__(self) -> None:
        self.built: list[RRef] = []

    def __call__(self, event: Event) -> None:
        """Hear one event."""
        if isinstance(event, Built):
            self.built += event.rrefs

    def report(self) -> list[RRef]:
        """Say what was built since the last report, and give it."""
        built, self.built = self.built, []
        names = [rref2dref(rref)[38:] for rref in built]
        counts = [f"{names.count(name)} x {name}" for name in dict.fromkeys(names)]
        say(f"  built now: {', '.join(counts) or 'nothing, all of it is in the store'}")
        return built


def say(text: str = "") -> None:
    """Print at once, so that what other programs print comes in between at the right place."""
    print(text, flush=True)


def tell_of_the_program(told: Listener) -> None:
    """Part 1."""
    say("1. A C program, from sources to an immutable folder")
    missing = [program for program in ("cc", "make") if shutil.which(program) is None]
    if missing:
        say(
            f"  left out: there is no {' and no '.join(missing)} here; Debian: apt install gcc make"
        )
        say()
        return
    rref = realize(instantiate(greet), on_event=told)
    told.report()
    say(f"  the result: {rref}")
    subprocess.run([rref2path(rref) / "bin" / "greet"], check=True)
    say()


def tell_of_the_climbs(told: Listener) -> None:
    """Part 2."""
    say("2. Ten noisy runs, of which the best is used")
    climbs = realize_many(instantiate(climb), on_event=told)
    told.report()
    heights_m = sorted((altitude_m(rref) for rref in climbs), reverse=True)
    say(f"  altitudes: {', '.join(f'{height:.1f}' for height in heights_m)} m")
    tell_of_the_postcard(told)
    say("  now one more climb, by force")
    realize(instantiate(highest_climb), force_rebuild=True, on_event=told)
    (fresh,) = told.report()
    is_best = altitude_m(fresh) > heights_m[0]
    so = "a record, so the postcard is out of date" if is_best else "no record, the postcard stays"
    say(f"  it ended at {altitude_m(fresh):.1f} m: {so}")
    tell_of_the_postcard(told)
    say()


def altitude_m(rref: RRef) -> float:
    """Read the result of a climb."""
    return float(catref(rref, "altitude.txt")[0])


def tell_of_the_postcard(told: Listener) -> None:
    """Realize what depends on the best climb."""
    card = realize(instantiate(postcard), on_event=told)
    told.report()
    say(f"  the postcard says: {catref(card, 'card.txt')[0].strip()}")


def tell_of_the_store(store: Store) -> None:
    """Part 3."""
    say(f"3. What is in the store, {store.objects}")
    room = du()
    say(f"  {len(room)} derivations, {sum(size for size, _ in room.values())} bytes")
    card = realize(instantiate(postcard))
    say(f"  the postcard holds {', '.join(lsref(card))}")
    say(f"  and was made from {store_config(card).canonical.decode()}")
    say("  From the shell:")
    for command in (["ls"], ["deps", "--deep", "postcard"]):
        say(f"  $ pylightnix {' '.join(command)}")
        subprocess.run([sys.executable, "-m", "pylightnix", *command], check=True, env=shell())


def shell() -> dict[str, str]:
    """The environment in which a command finds the store of this demo."""
    mine = {name: text for name, text in os.environ.items() if not name.startswith("PYLIGHTNIX_")}
    return {**mine, "PYLIGHTNIX_ROOT": str(root())}


def root() -> Path:
    """Where the store of this demo is."""
    return Path(os.environ.get("PYLIGHTNIX_ROOT") or "_pylightnix").resolve()


def main() -> None:
    """Tell it all."""
    store = Store.open(root(), create=True)
    told = Listener()
    with use_store(store):
        tell_of_the_program(told)
        tell_of_the_climbs(told)
        tell_of_the_store(store)
    say("\nRun it again: what is there is not built again. To begin anew, delete that store.")


if __name__ == "__main__":
    main()
