"""T10, T12, T13: large stores, flushing, and choosing among many."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .bench import Bench, Beside, mine
from .harness import Claim, Contender, answer, clean_environment, process_s, race, told
from .peers import Nix, erase, need_nix, our_program, ours

WORDS = {"gc": "dry collection", "du": "disk usage", "list": "list of all"}
NIX_WORDS = {
    "gc": ["nix-store", "--gc", "--print-dead"],
    "du": ["nix", "path-info", "-s", "--all"],
    "list": ["nix", "path-info", "--all"],
}


def t10(bench: Bench) -> list[Claim]:
    """A store of 10,000 objects: 5,000 derivations, each with one realization.

    The whole process is compared with Nix's; the first call in a process has the absolute target.
    """
    count = bench.size(10_000)
    store = bench.memory / "t10"
    env = bench.env(store)
    answer(ours("inside.py", "objects", count // 2), env)
    time.sleep(0.1)
    answer(ours("inside.py", "survey", "gc"), env)  # has the index know all of it
    claims = []
    for what in WORDS:
        claims += _survey(bench, what, count, env)
    for what in WORDS:
        claims += _scan(bench, what, count, store)
    return claims


def _survey(bench: Bench, what: str, count: int, env: dict[str, str]) -> list[Claim]:
    """From the index: the first call of a process, and the whole process beside Nix's."""
    work = f"{WORDS[what]} of {count:,} objects"
    inside, whole = ours("inside.py", "survey", what), _command(what)
    return bench.compare(
        f"{work}, in process, from the index", mine(lambda: told(inside, env)["seconds"]), [], 0.050
    ) + bench.compare(
        f"{work}, whole process, from the index",
        mine(lambda: process_s(whole, env)),
        [Beside(_nix_name(what), lambda: _nix(bench, what, count), 0.2)],
    )


def _command(what: str) -> list[str]:
    words = {"gc": ["gc", "--dry-run", "--grace", "0s"], "du": ["du"], "list": ["find"]}[what]
    return [*our_program(), *words]


def _nix_name(what: str) -> str:
    return " ".join(NIX_WORDS[what])


def _nix(bench: Bench, what: str, count: int) -> Contender:
    need_nix()
    folder = bench.memory / "t10-nix"
    store = bench.nix(folder.name) if not folder.exists() else Nix(folder)
    if not (folder / "filled").exists():
        files = folder / "files"
        files.mkdir()
        paths = [files / f"object-{number}" for number in range(count)]
        for path in paths:
            path.write_text(path.name)
        for start in range(0, count, 1000):
            answer(["nix-store", "--add", *map(str, paths[start : start + 1000])], store.env)
        (folder / "filled").touch()
    return Contender(_nix_name(what), lambda: process_s(NIX_WORDS[what], store.env))


def _scan(bench: Bench, what: str, count: int, store: Path) -> list[Claim]:
    """Without the index: all is read again, beside `du -s`."""
    env, whole = bench.env(store), _command(what)

    def forget() -> None:
        (store / "var" / "index.sqlite").unlink(missing_ok=True)

    def du() -> Contender:
        call = ["du", "-s", str(store / "store-v1")]
        return Contender("du -s", lambda: process_s(call, clean_environment()))

    return bench.compare(
        f"{WORDS[what]} of {count:,} objects, whole process, index deleted",
        mine(lambda: process_s(whole, env), forget),
        [Beside("du -s", du, 1.3)],
    )


def t12(bench: Bench) -> list[Claim]:
    """What flushing costs, on a disk."""
    count = bench.size(1000)
    return _flushing(bench, f"one realization of {count:,} small files", "small_files", count) + (
        _flushing(bench, f"{count:,} stages of one file", "cold", count, targets=(None, None))
    )


def _flushing(
    bench: Bench,
    work: str,
    what: str,
    count: int,
    targets: Sequence[float | None] = (1.5, 2.5),
) -> list[Claim]:
    store = bench.disk / "t12"

    def with_(durability: str) -> Contender:
        env = bench.env(store, durability)
        call = ours("inside.py", what, count)
        return Contender(durability, lambda: told(call, env)["seconds"], lambda: erase(store))

    found = race([with_(durability) for durability in ("none", "batch", "full")], bench.runs)
    return [
        Claim(f"{work}, on a disk: durability {name} to none", found[name], found["none"], at_most)
        for name, at_most in zip(("batch", "full"), targets, strict=True)
    ]


def t13(bench: Bench) -> list[Claim]:
    """The best of 2,000."""
    count = bench.size(2000)
    env = bench.env(bench.memory / "t13")
    call = ours("inside.py", "best", count)
    for _ in range(2):
        answer(call, env)
        time.sleep(0.1)

    def choice(which: str) -> Callable[[], float]:
        return lambda: told(call, env)[which]

    work = f"the best of {count:,} realizations, in process"
    return bench.compare(f"{work}, the first time", mine(choice("first")), [], 0.050) + (
        bench.compare(f"{work}, again", mine(choice("again")), [], 0.050)
    )
