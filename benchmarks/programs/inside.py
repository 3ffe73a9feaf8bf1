"""What is measured inside of one process. Prints JSON.

Usage: inside.py WHAT ARGUMENT..., with the store in PYLIGHTNIX_ROOT; WHAT is a function in here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import median

from chain import chain

from pylightnix import (
    Build,
    DRef,
    build_outpath,
    build_outpaths,
    build_wrapper,
    du,
    fetchlocal,
    find,
    gc,
    instantiate,
    match_best,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    store_initialize,
)
from pylightnix.core.value import changed

Matter = float | dict[str, float]


def clock(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def noop(length: str) -> Matter:
    """Seconds to instantiate and realize a chain that is there, when it has been done before."""

    def again() -> object:
        return realize(instantiate(chain, int(length)))

    again()
    return median(clock(again) for _ in range(5))


def cold(length: str) -> Matter:
    """Seconds to instantiate and realize a chain of which nothing is there."""
    return clock(lambda: realize(instantiate(chain, int(length))))


def hit(rounds: str) -> Matter:
    """Seconds to realize a closure of one stage that is there, with the index and without."""
    closure = instantiate(chain, 1)
    bare = changed(closure, store=changed(closure.store, index=None))
    found = {}
    for name, asked in (("index", closure), ("bare", bare)):
        realize(asked)
        found[name] = median(clock(lambda: realize(asked)) for _ in range(int(rounds)))  # noqa: B023
    return found


def peak_bytes() -> int:
    """The most memory this process ever had; not what its parent had, unlike `getrusage`."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def ingest(path: str) -> Matter:
    """Seconds to take a file or folder into the store by its contents, and memory over import."""
    before = peak_bytes()
    seconds = clock(
        lambda: realize(instantiate(fetchlocal, path=path, mode="as-is", name="source"))
    )
    return {"seconds": seconds, "bytes": peak_bytes() - before}


def _files(b: Build) -> None:
    for number in range(b.rarg["files"]):
        with open(build_outpath(b) / f"file-{number}", "w") as file:
            file.write(f"{number}\n" * 100)


def _many_files(count: int) -> DRef:
    return mkdrv(mkconfig({"name": "files", "count": count}), match_only(), build_wrapper(_files))


def small_files(count: str) -> Matter:
    """Seconds to realize one stage of many small files."""
    closure = instantiate(_many_files, int(count))
    target = closure.targets[0]
    return clock(lambda: realize(closure, realize_args={target: {"files": int(count)}}))


def _one_file(b: Build) -> None:
    (build_outpath(b) / "out").write_text("done")


def _apart(count: int) -> list[DRef]:
    realizer = build_wrapper(_one_file)
    return [
        mkdrv(mkconfig({"name": "object", "number": number}), match_only(), realizer)
        for number in range(count)
    ]


def objects(count: str) -> Matter:
    """Fill the store with derivations of one realization each."""
    from pylightnix import realize_many

    return clock(lambda: realize_many(instantiate(_apart, int(count))))


def survey(what: str) -> Matter:
    """Seconds of a dry collection, of `du`, or of a list of all: the first call of a process."""
    calls: dict[str, Callable[[], object]] = {
        "gc": lambda: gc(dry_run=True, grace_s=0),
        "du": du,
        "list": find,
    }
    return clock(calls[what])


def _scores(b: Build) -> None:
    for number, folder in enumerate(build_outpaths(b)):
        (folder / "score").write_text(f"{number * 7919 % 10007 / 10007}\n")


def _best(count: int) -> DRef:
    realizer = build_wrapper(_scores, nouts=count)
    return mkdrv(mkconfig({"name": "best"}), match_best("score"), realizer)


def best(count: str) -> Matter:
    """Seconds to choose the best of many realizations: the first time in a process, and again."""
    closure = instantiate(_best, int(count))
    first, again = clock(lambda: realize(closure)), clock(lambda: realize(closure))
    return {"first": first, "again": again}


if __name__ == "__main__":
    store_initialize()
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
