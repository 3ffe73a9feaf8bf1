"""T1 to T5: chains of small stages, cold and with nothing to do."""

from __future__ import annotations

import sys

from .bench import Bench, Beside, mine
from .harness import Claim, Contender, Series, answer, clean_environment, process_s, race, told
from .peers import (
    erase,
    need_joblib,
    need_ninja,
    need_nix,
    ninja_chain,
    nix_chain,
    our_program,
    ours,
    prior_python,
)

NIX, NINJA, JOBLIB, PRIOR = "nix-build", "ninja", "joblib.Memory", "pylightnix 0.3.0"
NAMES = "instantiate, realize, mkdrv, mkconfig, match_only, build_wrapper, build_outpath"


def t1(bench: Bench) -> list[Claim]:
    """No-op, whole process."""
    length, short = bench.size(1000), bench.size(200)
    env = bench.settled_chain("t1", length)

    def joblib() -> Contender:
        need_joblib()
        call = ours("chain_joblib.py", bench.memory / "t1-joblib", length)
        return Contender(JOBLIB, lambda: process_s(call, clean_environment()))

    def nix() -> Contender:
        need_nix()
        store, source = bench.nix("t1-nix"), bench.memory / "t1.nix"
        source.write_text(nix_chain(length))
        call = ["nix-build", str(source), "--no-out-link"]
        answer(call, store.env)
        return Contender(NIX, lambda: process_s(call, store.env))

    def ninja() -> Contender:
        need_ninja()
        folder = bench.fresh("t1-ninja")
        (folder / "build.ninja").write_text(ninja_chain(length))
        return Contender(
            NINJA, lambda: process_s(["ninja", "-C", str(folder)], clean_environment())
        )

    chain = ours("chain.py", length)
    claims = bench.compare(
        f"no-op, chain of {length:,}, whole process",
        mine(lambda: process_s(chain, env)),
        [Beside(JOBLIB, joblib, 0.5), Beside(NIX, nix, 1.5), Beside(NINJA, ninja)],
    )
    return claims + _t1_prior(bench, short)


def _t1_prior(bench: Bench, length: int) -> list[Claim]:
    """The prior library takes time that grows with the square: a shorter chain will do."""
    env = bench.settled_chain("t1-short", length)

    def prior() -> Contender:
        call = [prior_python(), *ours("chain_prior.py", bench.memory / "t1-prior", length)[1:]]
        return Contender(PRIOR, lambda: process_s(call, clean_environment()))

    chain = ours("chain.py", length)
    return bench.compare(
        f"no-op, chain of {length:,}, whole process",
        mine(lambda: process_s(chain, env)),
        [Beside(PRIOR, prior)],
    )


def t2(bench: Bench) -> list[Claim]:
    """No-op in a process that has done it before."""
    length = bench.size(1000)

    def noop(count: int) -> Contender:
        env = bench.settled_chain(f"t2-{count}", count)
        call = ours("inside.py", "noop", count)
        return mine(lambda: told(call, env)["seconds"] / count)

    def joblib() -> Contender:
        need_joblib()
        call = ours("chain_joblib.py", bench.memory / "t2-joblib", length, "noop")
        return Contender(JOBLIB, lambda: told(call, clean_environment())["seconds"] / length)

    one = noop(length)
    claims = bench.compare(
        f"no-op, chain of {length:,}, in process, a stage",
        one,
        [Beside(JOBLIB, joblib, 0.2)],
        15e-6,
    )
    return [*claims, _linear(bench, "no-op", one, noop(5 * length), length)]


def _linear(bench: Bench, work: str, one: Contender, five: Contender, length: int) -> Claim:
    """Five times as many may take six times as long."""
    small, large = f"chain of {length:,}", f"chain of {5 * length:,}"
    found = race(
        [
            Contender(large, lambda: five.run() * 5 * length, five.before),
            Contender(small, lambda: one.run() * length, one.before),
        ],
        bench.runs,
    )
    return Claim(f"{work}, {large} to {small}", found[large], found[small], 6.0)


def t3(bench: Bench) -> list[Claim]:
    """Cold, trivial stages, nothing flushed."""
    length = bench.size(1000)

    def cold(count: int) -> Contender:
        store = bench.memory / f"t3-{count}"
        env, call = bench.env(store), ours("inside.py", "cold", count)
        return mine(lambda: told(call, env)["seconds"] / count, lambda: erase(store))

    def joblib() -> Contender:
        need_joblib()
        folder = bench.memory / "t3-joblib"
        call = ours("chain_joblib.py", folder, length, "cold")
        return Contender(
            JOBLIB,
            lambda: told(call, clean_environment())["seconds"] / length,
            lambda: erase(folder),
        )

    def ninja() -> Contender:
        need_ninja()
        folder = bench.memory / "t3-ninja"

        def before() -> None:
            (bench.fresh(folder.name) / "build.ninja").write_text(ninja_chain(length))

        call = ["ninja", "-C", str(folder)]
        return Contender(NINJA, lambda: process_s(call, clean_environment()) / length, before)

    one = cold(length)
    claims = bench.compare(
        f"cold, chain of {length:,}, in process, a stage",
        one,
        [Beside(JOBLIB, joblib, 0.5), Beside(NINJA, ninja, 0.3)],
        150e-6,
    )
    return [*claims, _linear(bench, "cold", one, cold(5 * length), length)]


def t4(bench: Bench) -> list[Claim]:
    """Imports, and the shortest command."""
    env = clean_environment()
    texts = {
        "bare": "pass",
        "import pylightnix": "import pylightnix",
        "import of what a chain needs": f"from pylightnix import {NAMES}",
    }

    def start(who: str, argv: list[str]) -> Contender:
        return Contender(who, lambda: process_s(argv, env))

    found = race(
        [start(who, [sys.executable, "-c", text]) for who, text in texts.items()]
        + [start("version", [*our_program(), "--version"])],
        4 * bench.runs,  # short, and so noisy
    )
    bare = found["bare"]
    over = {
        work: Series("pylightnix", tuple(map(float.__sub__, found[work].values, bare.values)))
        for work in list(texts)[1:]
    }
    claims = [
        Claim(f"`{work}`, over `python -c pass`", series, at_most=0.030, absolute=True)
        for work, series in over.items()
    ]
    version = Series("pylightnix", found["version"].values)
    return [*claims, Claim("`pylightnix --version`, whole", version, at_most=0.060, absolute=True)]


def t5(bench: Bench) -> list[Claim]:
    """One hit."""
    env = bench.settled_chain("t5", 1)
    rounds = 2000

    def hit(which: str) -> Contender:
        return mine(lambda: told(ours("inside.py", "hit", rounds), env)[which])

    def joblib() -> Contender:
        need_joblib()
        call = ours("chain_joblib.py", bench.memory / "t5-joblib", 1, "hit")
        return Contender(JOBLIB, lambda: told(call, clean_environment())["seconds"])

    def prior() -> Contender:
        folder = bench.memory / "t5-prior"
        call = [prior_python(), *ours("chain_prior.py", folder, 1, "hit")[1:]]
        return Contender(PRIOR, lambda: told(call, clean_environment())["seconds"])

    peers = [Beside(JOBLIB, joblib), Beside(PRIOR, prior)]
    return bench.compare("one hit in process, with the index", hit("index"), peers, 20e-6) + (
        bench.compare("one hit in process, without the index", hit("bare"), [], 40e-6)
    )
