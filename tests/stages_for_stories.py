"""Stages that whole stories are told with; workers anywhere can import them."""

from __future__ import annotations

import os
from pathlib import Path

from pylightnix import (
    Build,
    DRef,
    build_cattrs,
    build_outpath,
    build_path,
    build_run,
    build_wrapper,
    fetchlocal,
    match_best,
    match_only,
    mkconfig,
    mkdrv,
    selfref,
)
from stages_for_workers import node

SHA256 = "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b"
ANSWERS = "config.cache"
WIDTH = 300


def compile_hello(b: Build) -> None:
    """Build in a folder of one name, so that whoever builds comes to the same bytes."""
    import shutil
    import tempfile

    out = os.fspath(build_outpath(b))
    c = build_cattrs(b)
    with tempfile.TemporaryDirectory() as folder:
        home = f"{folder}/hello"
        shutil.copytree(build_path(b, c.source), home, symlinks=True)
        build_run(b, ["chmod", "-R", "u+w", "."], cwd=home)
        if c.answers is not None:
            shutil.copyfile(build_path(b, c.answers), f"{home}/{ANSWERS}")
        configure = ["./configure", "--quiet", "--disable-nls", "--disable-dependency-tracking"]
        build_run(b, [*configure, f"--cache-file={ANSWERS}"], cwd=home)
        if c.answers is not None:
            build_run(b, ["make", "-s", "LDFLAGS=-s"], cwd=home)
        shutil.copy(f"{home}/hello" if c.answers else f"{home}/{ANSWERS}", out)


def _hello(name: str, tarball: str, answers: list[object] | None) -> DRef:
    source = [fetchlocal(path=tarball, sha256=SHA256), "hello-2.10"]
    config = mkconfig({"name": name, "source": source, "answers": answers})
    return mkdrv(config, match_only(), build_wrapper(compile_hello))


def hello(tarball: str, answers: str) -> DRef:
    """GNU Hello.

    Args:
        tarball: its path.
        answers: path of what `configure` learned of this machine before; to learn it takes five
            times as long as to build the program.
    """
    return _hello("hello", tarball, [fetchlocal(path=answers, mode="as-is"), ANSWERS])


def configured(tarball: str) -> DRef:
    """What `configure` learns of this machine."""
    return _hello("configured", tarball, None)


def trial(number: int, data: DRef) -> DRef:
    def build(b: Build) -> None:
        seen = (build_path(b, build_cattrs(b).data)).read_text()
        score = (int(seen) * (build_cattrs(b).number + 7)) % 1009
        (build_outpath(b) / "score.txt").write_text(str(score))

    fields = {"name": "trial", "number": number, "data": [data, "seed"]}
    config = mkconfig({**fields, "score": [selfref, "score.txt"]})
    return mkdrv(config, match_best("score.txt"), build_wrapper(build))


def experiment(width: int = WIDTH) -> DRef:
    """Data, many trials with it, and the best of them."""

    def plant(b: Build) -> None:
        (build_outpath(b) / "seed").write_text("4711")

    def choose(b: Build) -> None:
        trials = build_cattrs(b).trials
        scores = {int(build_path(b, [one, "score.txt"]).read_text()): one for one in trials}
        (build_outpath(b) / "best").write_text(f"{max(scores)} {scores[max(scores)]}")

    data = mkdrv(mkconfig({"name": "data"}), match_only(), build_wrapper(plant))
    trials = [trial(number, data) for number in range(width)]
    return mkdrv(mkconfig({"name": "best", "trials": trials}), match_only(), build_wrapper(choose))


def fifty(journal: Path) -> DRef:
    """A closure of 50: seven rows of seven, each made of two of the row before, and a top."""
    row = [node(f"at-0-{i}", journal=journal) for i in range(7)]
    for level in range(1, 7):
        row = [node(f"at-{level}-{i}", row[i], row[(i + 1) % 7], journal=journal) for i in range(7)]
    return node("top", *row, journal=journal)
