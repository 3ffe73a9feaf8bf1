"""D1 to D4: dependencies of their own: calls of a pod, its start, the making of environments."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .bench import Bench
from .harness import OURS, Claim, Missing, Series, answer, clean_environment
from .peers import PROGRAMS, erase, ours

EXECNET = "execnet"
PRIOR = ("pypods", "appose")
_NOTHING = Series(OURS, ())
_LACKING = "uv and pymongo are not installed (the extra `pods`)"


def _there() -> bool:
    return all(find_spec(name) for name in ("uv", "bson"))


def _asked(bench: Bench, *words: object) -> Any:
    return json.loads(answer(ours("pods.py", *words), bench.env(bench.memory)))


def _beside(work: str, mine: Series, values: list[float], at_most: float | None) -> Claim:
    lacking = "" if values else "execnet is not installed"
    return Claim(work, mine, Series(EXECNET, tuple(values)), at_most, lacking)


_NUMBER = re.compile(r"\d+(\.\d+)?(e-?\d+)?")


def _prior(bench: Bench, work: str, mine: Series, who: str) -> Claim:
    """Beside a library that has an environment of its own, if it has one."""
    home = Path(f".venv-bench-{who}").absolute() / "bin"
    if not (home / "python").exists():
        lacking = f"there is no environment {home.parent.name} (`make bench` makes it)"
        return Claim(work, mine, Series(who, ()), 1.0, lacking)
    place = bench.fresh(f"d1-{who}")
    # PyPods finds its pods beside the program.
    program = shutil.copy(PROGRAMS / f"pods_{who}.py", place)
    env = clean_environment(PATH=f"{home}:{os.environ.get('PATH', '')}")
    try:
        told = answer([str(home / "python"), str(program)], env, cwd=str(place))
    except RuntimeError as error:
        return Claim(work, mine, Series(who, ()), 1.0, str(error).strip().splitlines()[-1])
    # The library's own words stand among the program's.
    figures = [float(line) for line in told.splitlines() if _NUMBER.fullmatch(line)]
    if not figures:
        return Claim(work, mine, Series(who, ()), 1.0, f"it gave no figure but {told[-100:]!r}")
    return Claim(work, mine, Series(who, (figures[-1],)), 1.0)


def _absent(works: list[str]) -> list[Claim]:
    return [Claim(work, _NOTHING, _NOTHING, 1.0, _LACKING) for work in works]


def d1(bench: Bench) -> list[Claim]:
    """Calls of a pod that is open, in a sandbox where there is one."""
    if not _there():
        return _absent(["a call of a pod"])
    found = _asked(bench, "calls", bench.fresh("d1"), bench.runs)
    place = "in a sandbox" if found["sandboxed"] else "without a sandbox, which is not to be had"
    claims = []
    for key, work, limit_s, ratio in (
        ("call", f"a warm call of a pod, {place}", 50e-6, 1.0),
        ("ints", "20,000 ints to a pod and back", 3e-3, None),
        ("mib", "1 MiB to a pod and back", 1.5e-3, None),
    ):
        mine = Series(OURS, tuple(found[f"ours {key}"]))
        claims.append(Claim(work, mine, at_most=limit_s, absolute=True))
        claims.append(_beside(work, mine, found.get(f"execnet {key}", []), ratio))
        if key == "call":
            claims += [_prior(bench, work, mine, who) for who in PRIOR]
    pipelined = Series(OURS, tuple(found["ours pipelined"]))
    work = "each of 20,000 pipelined calls (20 us are 50,000 a second)"
    return [*claims, Claim(work, pipelined, at_most=20e-6, absolute=True)]


def d2(bench: Bench) -> list[Claim]:
    """From `pod_open` to the first answer."""
    if not _there():
        return _absent(["a pod's start and first call"])
    found = _asked(bench, "boot", bench.fresh("d2"), bench.runs)
    place = "in a sandbox" if found["sandboxed"] else "without a sandbox, which is not to be had"
    work = f"start and first call of a realized pod, {place}"
    mine = Series(OURS, tuple(found["ours"]))
    return [
        Claim(work, mine, at_most=60e-3, absolute=True),
        _beside(work, mine, found["execnet"], None),
    ]


def d3(bench: Bench) -> list[Claim]:
    """An environment of two packages, made anew: with empty caches of uv, with warm ones."""
    works = [f"an environment of two tiny packages, {word}" for word in ("cold", "warm cache")]
    if not _there():
        return _absent(works)
    wheels = _wheels(bench.fresh("d3-wheels"))
    claims, again = [], []
    for work, cold in zip(works, (True, False), strict=True):
        mine, alone = [], []
        for turn in range(bench.runs + 1):
            found = _asked(bench, "create", bench.fresh("d3"), wheels, cold, turn % 2 == 0)
            if turn:
                mine.append(found["ours"])
                alone.append(found["uv"])
                again.append(found["again"])
        series = Series(OURS, tuple(mine))
        claims.append(Claim(work, series, Series("uv, with byte code", tuple(alone)), 1.5))
    there = Series(OURS, tuple(again))
    return [*claims, Claim("the same, in the store already", there, at_most=5e-3, absolute=True)]


def d4(bench: Bench) -> list[Claim]:
    """Files that differ between environments of one lock that were built at two paths."""
    work = "files that differ in one environment built at two paths"
    if not _there():
        return _absent([work])
    wheels, tops = _wheels(bench.fresh("d4-wheels")), []
    for name in ("d4", "d4-at-a-longer-path"):
        _asked(bench, "create", bench.fresh(name), wheels, False, True)
        objects = bench.memory / name / "root" / "store-v1"
        tops.append(next(objects.glob("*-pod-env/*/pyvenv.cfg")).parent)
    one, other = (_entries(top) for top in tops)
    differing = [path for path in {*one, *other} if one.get(path) != other.get(path)]
    if not one:
        raise Missing("no environment was built")
    series = Series(OURS, (float(len(differing)),), "calls")
    return [Claim(f"{work}, of {len(one)}", series, at_most=0, absolute=True)]


def _entries(top: Path) -> dict[str, bytes]:
    found = {}
    for path in top.rglob("*"):
        inside = path.relative_to(top).as_posix()
        if not inside.startswith(".pylightnix"):
            told = os.readlink(path).encode() if path.is_symlink() else b""
            found[inside] = path.read_bytes() if path.is_file() and not told else told
    return found


def _wheels(folder: Path) -> Path:
    """Tiny wheels, packed as the tests pack theirs."""
    tests = Path(__file__).parents[1] / "tests"
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "from wheels_for_tests import greetings; greetings(Path(sys.argv[2]))"
    )
    erase(folder)
    answer([sys.executable, "-c", program, str(tests), str(folder)], dict(os.environ))
    return folder
