"""N1, N2: imports of a source rewritten, and modules of one's own for two pieces of code."""

from __future__ import annotations

import argparse
import inspect
import time
from collections.abc import Callable
from functools import partial

from pylightnix.tenants import ImportScope, rewrite_imports

from .bench import Bench, mine
from .harness import Claim

PACKAGES = ("os", "re", "sys", "pandas")
# A second file calls what may import, so that all of its expressions are looked at.
CALLING = "\nimport importlib\nm = importlib.import_module(name)\n"
TWICE = {"mystep.py": "import sharedcode\n", "sharedcode.py": "x = 1\n"}


def _clock(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def n1(bench: Bench) -> list[Claim]:
    """A source of 2,500 lines or more, without and with calls that may import."""
    plain = inspect.getsource(argparse)
    lines = plain.count("\n")
    claims = []
    for what, source in (("", plain), (" and dynamic imports looked for", plain + CALLING)):
        work = f"imports of {lines:,} lines rewritten{what}"
        rewrite = partial(rewrite_imports, source, PACKAGES)
        claims += bench.compare(work, mine(partial(_clock, rewrite)), [], 0.06)
    return claims


def n2(bench: Bench) -> list[Claim]:
    """Two folders with a step and what it shares, each imported in a scope of its own."""
    folders = [bench.fresh(f"n2-{who}") for who in ("one", "two")]
    for folder in folders:
        for name, text in TWICE.items():
            (folder / name).write_text(text)
    time.sleep(0.1)

    def scopes() -> None:
        for folder in folders:
            ImportScope([folder]).import_module("mystep")

    return bench.compare("two scopes of two modules", mine(lambda: _clock(scopes)), [], 0.0005)
