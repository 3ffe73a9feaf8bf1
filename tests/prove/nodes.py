"""Stages of the proofs: they tell of every build, and some make something else each time."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from random import Random

from pylightnix import (
    Build,
    DRef,
    Matcher,
    build_context,
    build_outpath,
    build_wrapper,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
)

from . import crew


def node(
    name: str,
    *deps: DRef,
    noisy: bool = False,
    journal: str = "",
    matcher: Matcher | None = None,
    size: int = 40,
    **fields: object,
) -> DRef:
    """Leave a stage in the current registry.

    Args:
        noisy: its builder makes something else each time.
        journal: a file in which each build leaves a line: derivation, context, process.
        size: bytes of its largest artifact.
    """

    def build(b: Build) -> None:
        chosen = sorted(str(rref) for rrefs in build_context(b).values() for rref in rrefs)
        if journal:
            key = sha256("\n".join(chosen).encode()).hexdigest()[:16]
            crew.note(journal, f"{b.dref} {key} {os.getpid()}")
        fill(build_outpath(b), name, chosen, os.urandom(8).hex() if noisy else "", size)

    config = mkconfig({"name": name, "deps": list(deps), **fields})
    chooses = matcher or (match_latest() if noisy else match_only())
    return mkdrv(config, chooses, build_wrapper(build))


def fill(out: Path, name: str, chosen: list[str], noise: str, size: int) -> None:
    """Make artifacts of every kind."""
    (out / "text").write_text("\n".join([name, noise, *chosen]))
    (out / "nothing").write_bytes(b"")
    (out / "bin").mkdir()
    (out / "bin" / "run").write_text(f"#!/bin/sh\necho {name}\n")
    (out / "bin" / "run").chmod(0o755)
    (out / "empty").mkdir()
    (out / "deep" / "er" / "é").mkdir(parents=True)
    (out / "deep" / "er" / "é" / "file").write_text(noise or name)
    # Copy programs come to it after the manifest.
    (out / "deep" / "data").write_bytes(Random(name + noise).randbytes(size))
    (out / "link").symlink_to("text")
