"""N1, N2: imports rewritten, and modules of one's own; N3 to N6: tenants in sandboxes."""

from __future__ import annotations

import argparse
import inspect
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

from pylightnix.tenants import ImportScope, rewrite_imports

from .bench import Bench, mine
from .harness import OURS, Claim, Series, told
from .peers import ours

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


def _asked(bench: Bench, what: str, count: int) -> dict[str, Any]:
    """Have something done in a process of its own."""
    folder = bench.fresh(f"n-{what}")
    return told(ours("tenants.py", what, folder, count), bench.env(folder))


def _absent(*works: str) -> list[Claim]:
    """Say why nothing was measured, where that is so."""
    if all(find_spec(name) for name in ("uv", "bson", "packaging")):
        return []
    lacking = "uv, pymongo or packaging is not installed (the extra `pods`)"
    return [Claim(work, Series(OURS, ()), Series(OURS, ()), 1.0, lacking) for work in works]


def n3(bench: Bench) -> list[Claim]:
    """Another tenant with packages that one has already."""
    ready = "a second tenant with the same packages: created and installed"
    more = "its part of the disk, of one tenant with 4 MB of packages"
    if absent := _absent(ready, more):
        return absent
    found = _asked(bench, "second", bench.size(20))
    parts = Series(OURS, tuple(found["parts"]), "calls")
    return [
        Claim(ready, Series(OURS, tuple(found["seconds"])), at_most=0.05, absolute=True),
        Claim(more, parts, at_most=0.01, absolute=True),
    ]


def n4(bench: Bench) -> list[Claim]:
    """A load with its first call, and another call: each is a process in a sandbox."""
    first, more = "load a tenant's file and call a function of it", "call it once more"
    if absent := _absent(first, more):
        return absent
    found = _asked(bench, "calls", bench.size(20))
    return [
        Claim(first, Series(OURS, tuple(found["loads"])), at_most=0.1, absolute=True),
        Claim(more, Series(OURS, tuple(found["calls"])), at_most=0.1, absolute=True),
    ]


def n5(bench: Bench) -> list[Claim]:
    """Fifty tenants at once."""
    work = "of 50 tenants that run at once, those that fail, see another, or take more memory"
    seconds = "the same: from the first to the last, half a second of it asleep"
    if absent := _absent(work, seconds):
        return absent
    found = _asked(bench, "many", bench.size(50))
    wrong = Series(OURS, (float(found["wrong"]),), "calls")
    return [
        Claim(work, wrong, at_most=0, absolute=True),
        Claim(seconds, Series(OURS, (found["seconds"],)), at_most=10.0, absolute=True),
    ]


def n6(bench: Bench) -> list[Claim]:
    """What the code of a tenant tries, on each sandbox."""
    if absent := _absent("attempts of a tenant that are not denied"):
        return absent
    found = _asked(bench, "hostile", 1)
    claims = []
    for backend, (count, allowed) in found.items():
        work = f"attempts of a tenant that are not denied, of {count}: {backend}"
        claims.append(
            Claim(work, Series(OURS, (float(allowed),), "calls"), at_most=0, absolute=True)
        )
    return claims
