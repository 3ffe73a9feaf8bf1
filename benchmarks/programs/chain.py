"""A user's program: a chain of N stages, each of which depends on the one before.

Usage: chain.py N
"""

from __future__ import annotations

import sys

from pylightnix import (
    Build,
    DRef,
    build_outpath,
    build_wrapper,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    store_initialize,
)


def build(b: Build) -> None:
    (build_outpath(b) / "out").write_text("done")


def stage(number: int, before: DRef | None) -> DRef:
    config = mkconfig({"name": f"stage-{number}", "number": number, "before": before})
    return mkdrv(config, match_only(), build_wrapper(build))


def chain(length: int) -> DRef | None:
    last = None
    for number in range(length):
        last = stage(number, last)
    return last


if __name__ == "__main__":
    store_initialize()
    print(realize(instantiate(chain, int(sys.argv[1]))))
