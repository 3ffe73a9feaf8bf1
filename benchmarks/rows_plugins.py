"""P1, P2, P3: 1,000 plugins in 200 distributions: list them, load one, find them in the sources."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .bench import Bench, Beside, mine
from .harness import OURS, Claim, Contender, Missing, Series, clean_environment, told
from .peers import ours

DISTRIBUTIONS, EACH = 200, 5
CLASS = '''\
class P{i}(Plugin):
    """The plugin number {i}."""

    namespace = "bench.plugins"
    name = "p{d}_{i}"


'''


def site_in(folder: Path) -> Path:
    """Lay out distributions as an installer leaves them; none changed in the last two seconds."""
    for d in range(DISTRIBUTIONS):
        info = folder / f"bench_{d}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bench-{d}\nVersion: 1.0\n")
        lines = [f"p{d}_{i} = bench_{d}.mod:P{i}\n" for i in range(EACH)]
        (info / "entry_points.txt").write_text("[bench.plugins]\n" + "".join(lines))
        package = folder / f"bench_{d}"
        package.mkdir()
        (package / "__init__.py").write_text("")
        classes = "".join(CLASS.format(d=d, i=i) for i in range(EACH))
        text = f"from pylightnix.plugins import Plugin\n\n\n{classes}"
        (package / "mod.py").write_text(text)
    time.sleep(2.1)
    return folder


def peer(who: str, run: Callable[[str], float]) -> Contender:
    if find_spec(who) is None:
        raise Missing(f"{who} is not installed in the environment of the benchmark")
    return Contender(who, lambda: run(who))


def _setup(bench: Bench, row: str) -> Callable[[str, str], float]:
    """Give what measures one figure of somebody in a fresh process."""
    site = site_in(bench.fresh(f"{row}-site"))
    home = bench.fresh(f"{row}-home")
    env = clean_environment(HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))

    def figure(key: str, who: str) -> float:
        return told(ours("plugins.py", who, site), env)[key]

    return figure


def p1(bench: Bench) -> list[Claim]:
    """The names of all plugins, warm."""
    figure = _setup(bench, "p1")
    names = partial(figure, "list")
    peers = [Beside(who, partial(peer, who, names), 0.1) for who in ("stevedore", "pluggy")]
    claims = bench.compare("names of 1,000 plugins", mine(lambda: names("ours")), peers, 0.003)
    imports = Series(OURS, (figure("imported", "ours"),), "calls")
    work = "plugin modules imported to list 1,000 names"
    return [*claims, Claim(work, imports, at_most=0.0, absolute=True)]


def p2(bench: Bench) -> list[Claim]:
    """One plugin of them, its own import left out."""
    one = partial(_setup(bench, "p2"), "one")
    peers = [Beside("stevedore", partial(peer, "stevedore", one))]
    return bench.compare("load one of 1,000 plugins", mine(lambda: one("ours")), peers, 0.001)


def p3(bench: Bench) -> list[Claim]:
    """1,000 plugins in the sources of 200 packages."""
    seconds = partial(_setup(bench, "p3"), "seconds")
    own = mine(lambda: seconds("discover"))
    return bench.compare("find 1,000 plugins in 200 modules", own, [], 0.1)
