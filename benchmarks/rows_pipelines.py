"""Y1 to Y5: pipelines beside pypyr 5.9."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from .bench import Bench, Beside, mine
from .harness import Claim, Contender, Missing, clean_environment, process_s, told
from .peers import ours

PYPYR = "pypyr"


def need_pypyr() -> None:
    if find_spec("pypyr") is None:
        raise Missing("pypyr is not installed: `pip install 'pylightnix[bench]'`")


def written(bench: Bench, name: str, steps: list[str]) -> Path:
    """Write a pipeline into a folder of its own, beside an empty one; gives the folder."""
    folder = bench.fresh(f"pipes-{name}")
    (folder / "empty.yaml").write_text("steps: []\n")
    (folder / f"{name}.yaml").write_text("\n".join(["steps:", *steps]) + "\n")
    return folder


def _inside(
    bench: Bench, work: str, folder: Path, what: str, count: int, at_most: float
) -> list[Claim]:
    """The same program, with each of the libraries, in the folder."""
    env = {**clean_environment(), "PYLIGHTNIX_ROOT": str(bench.memory / "pipes-store")}
    name = folder.name.removeprefix("pipes-")

    def contender(library: str) -> list[str]:
        _, program, *_ = ours("pipes.py")
        return [
            sys.executable,
            "-c",
            _IN_FOLDER,
            str(folder),
            program,
            library,
            what,
            name,
            str(count),
        ]

    def pypyr() -> Contender:
        need_pypyr()
        return Contender(PYPYR, lambda: told(contender(PYPYR), env)["seconds"])

    run = mine(lambda: told(contender("pylightnix"), env)["seconds"])
    return bench.compare(work, run, [Beside(PYPYR, pypyr, at_most)])


# Both remember their working folder in their own way: it is changed before anything is imported.
_IN_FOLDER = (
    "import os, runpy, sys; os.chdir(sys.argv[1]); del sys.argv[:2]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


def y1(bench: Bench) -> list[Claim]:
    """Start: an empty pipeline, whole process."""
    folder = written(bench, "start", ["  []"])

    def pypyr() -> Contender:
        need_pypyr()
        call = [sys.executable, "-m", "pypyr", "empty"]
        return Contender(PYPYR, lambda: process_s(call, clean_environment(), cwd=str(folder)))

    call = [sys.executable, "-m", "pylightnix", "run", "empty"]
    run = mine(lambda: process_s(call, clean_environment(), cwd=str(folder)))
    return bench.compare("an empty pipeline, whole process", run, [Beside(PYPYR, pypyr, 0.7)])


def y2(bench: Bench) -> list[Claim]:
    """Read and validate a long pipeline."""
    count = bench.size(1000)
    steps = [
        f"  - name: pypyr.steps.echo\n    description: step {i}\n"
        f"    in:\n      echoMe: 'hello {{x}} {i}'\n      number: {i}"
        for i in range(count)
    ]
    folder = written(bench, "parse", steps)
    work = f"read and validate {count:,} steps, in process"
    return _inside(bench, work, folder, "parse", 1, 0.1)


def y3(bench: Bench) -> list[Claim]:
    """One effect."""
    count = bench.size(1000)
    steps = ["  - {name: pypyr.steps.set, in: {set: {x: 1}}}"]
    steps += [
        f"  - {{name: pypyr.steps.set, in: {{set: {{a: '{{x}}-{i}'}}}}}}" for i in range(count)
    ]
    folder = written(bench, "effects", steps)
    return _inside(bench, "one effect step, in process", folder, "run", count, 1.0)


def y4(bench: Bench) -> list[Claim]:
    """One call of a child."""
    count = bench.size(300)
    steps = ["  - {name: pypyr.steps.pype, in: {pype: {name: empty}}}"] * count
    folder = written(bench, "children", steps)
    return _inside(bench, "one call of a child pipeline, in process", folder, "run", count, 1.0)


def y5(bench: Bench) -> list[Claim]:
    """A hundred steps that are all cached, whole process."""
    count = bench.size(100)
    steps = ["  - {name: s0, uses: mkfile, with: {name: s0, contents: x}}"]
    steps += [
        f"  - {{name: s{i}, uses: './steps.py:link', with: {{name: s{i}, before: '{{s{i - 1}}}'}}}}"
        for i in range(1, count)
    ]
    folder = written(bench, "cached", steps)
    (folder / "steps.py").write_text(_LINK)
    env = bench.env(bench.memory / "pipes-cached")
    module = [sys.executable, "-m", "pylightnix"]
    process_s([*module, "init"], env)
    run = mine(lambda: process_s([*module, "run", "cached"], env, cwd=str(folder)))
    return bench.compare(f"{count} cached steps again, whole process", run, [], 0.150)


_LINK = """\
from pylightnix import build_outpath, build_wrapper, match_only, mkconfig, mkdrv


def write(b):
    (build_outpath(b) / "x").write_text("x")


def link(name, before, r=None):
    config = mkconfig({"name": name, "before": before})
    return mkdrv(config, match_only(), build_wrapper(write), r)
"""
