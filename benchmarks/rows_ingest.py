"""T6, T7: files from outside taken into the store."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from .bench import Bench, Beside, mine
from .harness import OURS, Claim, Contender, Series, answer, process_s, told
from .peers import erase, need_nix, ours

NIX = "nix-store --add"
MIB = 1 << 20
MEMORY_BYTES = 40 * MIB


def one_file(bench: Bench) -> Path:
    """A file of 1 GiB whose blocks all differ."""
    path = bench.memory / "large"
    if not path.exists():
        block = os.urandom(MIB)
        with open(path, "wb") as file:
            for number in range(bench.size(1024)):
                file.write(number.to_bytes(8, "little") + block[8:])
    return path


def many_files(bench: Bench) -> Path:
    """20,000 files of 1 to 8 KiB, 100 in a folder."""
    top = bench.memory / "small"
    if not top.exists():
        dice = random.Random(0)
        for number in range(bench.size(20_000)):
            folder = top / f"folder-{number // 100}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"file-{number}").write_bytes(dice.randbytes(dice.randint(1024, 8192)))
    return top


def t6(bench: Bench) -> list[Claim]:
    """Ingest, cold."""
    claims = []
    for what, path, at_most in (
        (f"one file of {bench.size(1024):,} MiB", one_file(bench), 1.0),
        (f"{bench.size(20_000):,} files of 1 to 8 KiB", many_files(bench), 0.9),
    ):
        claims += _ingest(bench, what, path, at_most)
    return claims


def _ingest(bench: Bench, what: str, path: Path, at_most: float) -> list[Claim]:
    store = bench.memory / "t6"
    call, env = ours("inside.py", "ingest", path), bench.env(store, "batch")

    def nix() -> Contender:
        need_nix()
        other = bench.nix("t6-nix")
        add = ["nix-store", "--add", str(path)]
        return Contender(NIX, lambda: process_s(add, other.env), lambda: other.make())

    claims = bench.compare(
        f"ingest of {what}",
        mine(lambda: process_s(call, env), lambda: erase(store)),
        [Beside(NIX, nix, at_most)],
    )
    peaks = []
    for _ in range(2):
        erase(store)
        peaks.append(told(call, env)["bytes"])
    erase(store)
    erase(bench.memory / "t6-nix")
    memory = Series(OURS, tuple(peaks), "bytes")
    return [
        *claims,
        Claim(f"peak memory over import, {what}", memory, at_most=MEMORY_BYTES, absolute=True),
    ]


def t7(bench: Bench) -> list[Claim]:
    """Ingest of what was taken in before and has not changed."""
    path = many_files(bench)
    env, call = bench.env(bench.memory / "t7", "batch"), ours("inside.py", "ingest", path)
    for _ in range(2):
        answer(call, env)
        time.sleep(0.1)

    def nix() -> Contender:
        need_nix()
        other = bench.nix("t7-nix")
        return Contender(NIX, lambda: process_s(["nix-store", "--add", str(path)], other.env))

    return bench.compare(
        f"the same {bench.size(20_000):,} files again, unchanged",
        mine(lambda: process_s(call, env)),
        [Beside(NIX, nix, 0.2)],
    )
