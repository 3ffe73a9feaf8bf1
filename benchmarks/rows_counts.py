"""T8, T9: what has no noise: system calls, and bytes of metadata."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .bench import Bench
from .harness import OURS, Claim, Missing, Series, answer
from .peers import erase, ours, prior_python

SHORT, LONG = 100, 300


def system_calls(argv: list[str], env: dict[str, str], log: Path) -> int:
    """Count the system calls of a process and its children."""
    done = subprocess.run(
        ["strace", "-f", "-c", "-U", "calls,name", "-o", str(log), *argv],
        env=env,
        capture_output=True,
        check=False,
    )
    if done.returncode or not log.exists():
        raise Missing(f"strace may not trace here: {done.stderr.decode()[-200:].strip()}")
    total = log.read_text().strip().splitlines()[-1].split()
    return int(total[0])


def t8(bench: Bench) -> list[Claim]:
    """System calls a stage, from the difference between two chains."""
    limits = {"no-op": 3.0, "cold": 50.0}
    works = {work: f"system calls a stage, {work}" for work in limits}
    nothing = Series(OURS, (), "calls")
    try:
        if shutil.which("strace") is None:
            raise Missing("strace is not here (Debian: strace)")
        counts = {length: _counts(bench, length) for length in (SHORT, LONG)}
    except Missing as error:
        return [Claim(works[w], nothing, nothing, limits[w], str(error)) for w in limits]
    claims = []
    for work, at_most in limits.items():
        marginal = (counts[LONG][work] - counts[SHORT][work]) / (LONG - SHORT)
        series = Series(OURS, (marginal,), "calls")
        claims.append(Claim(works[work], series, at_most=at_most, absolute=True))
    return claims


def _counts(bench: Bench, length: int) -> dict[str, int]:
    store, log = bench.memory / f"t8-{length}", bench.memory / "t8.log"
    erase(store)
    cold = system_calls(ours("chain.py", length), bench.env(store), log)
    env = bench.settled_chain(store.name, length)
    return {"cold": cold, "no-op": system_calls(ours("chain.py", length), env, log)}


def t9(bench: Bench) -> list[Claim]:
    """Metadata a stage."""
    length, short = bench.size(1000), bench.size(200)
    claims = []
    work = "metadata a stage, chain of {:,}"
    own = Series(OURS, (_metadata(bench, length),), "bytes")
    claims.append(Claim(work.format(length), own, at_most=5000, absolute=True))
    try:
        folder = bench.memory / "t9-prior"
        call = [prior_python(), *ours("chain_prior.py", folder, short)[1:]]
        answer(call, bench.env(folder))
        prior = Series("pylightnix 0.3.0", (_bytes(folder) / short,), "bytes")
        lacking = ""
    except Missing as error:
        prior, lacking = Series("pylightnix 0.3.0", (), "bytes"), str(error)
    own = Series(OURS, (_metadata(bench, short),), "bytes")
    return [*claims, Claim(work.format(short), own, prior, lacking=lacking)]


def _metadata(bench: Bench, length: int) -> float:
    store = bench.memory / f"t9-{length}"
    answer(ours("chain.py", length), bench.env(store))
    return _bytes(store / "store-v1") / length


def _bytes(folder: Path) -> int:
    """Add up all files but the artifacts."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "out")
    return sum(path.stat().st_size for path in files)
