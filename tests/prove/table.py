"""The table of proofs: which there are, how long each is, and what they gave."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .outcome import Outcome

_INTRODUCTION = """# Proofs

What is promised of the store is tried out wherever something can go wrong. `make prove` does it at
length and writes this page; `make crash` and the everyday tests do it in short. Each proof is a
module of `tests/prove`: `python -m tests.prove --list` names them, `--only NAME` runs one.
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """One line of the table.

    Attributes:
        module: of this package; its `prove` is the proof.
        what: is tried, in words.
        long: how many points `make prove` tries.
        short: how many are tried where time is short.
    """

    module: str
    what: str
    long: int
    short: int


PROOFS = (
    Proof(
        "points",
        "kill -9, Ctrl-C and errors (ENOSPC EIO EDQUOT EROFS EMFILE ESTALE), once and for good, at "
        "every call that touches the store",
        10_000,
        500,
    ),
    Proof("powerloss", "power loss at every call that changes the store", 2_000, 40),
    Proof("stress", "8 processes and 50 stages on one store", 100, 1),
    Proof(
        "interleave",
        "every single preemption of realize, gc, verify and rmref by one another",
        100_000,
        150,
    ),
    Proof("collector", "a loop of collections beside 4 builders and kill -9", 1_000, 10),
    Proof("damage", "damages to objects, and changes that are none", 2_000, 60),
    Proof(
        "index_damage",
        "index deleted, cut, bit-flipped, stale, of a store that lives on meanwhile",
        500,
        30,
    ),
    Proof("rsync_cut", "a copy by rsync that is stopped, its receiver used at once", 500, 20),
    Proof("bad_input", "bad inputs, under -O too", 1_000, 30),
    Proof("mutants", "bugs seeded into our own protocol, each tried by the proofs above", 100, 2),
    Proof("machine", "a state machine over the published functions, against a model", 500, 20),
)


def facts() -> list[str]:
    """Say on what kind of machine this is, without saying which."""
    return [
        f"{platform.system()} {platform.release().split('-')[0]} on {platform.machine()}, "
        f"{os.cpu_count()} processors, temporary files on {file_system(tempfile.gettempdir())}",
        f"Python {platform.python_version()}, {'root' if os.geteuid() == 0 else 'not root'}"
        f"{'' if __debug__ else ', python -O'}",
    ]


def file_system(path: str) -> str:
    """Name the kind of file system that a path is on."""
    best, kind = "", "an unknown file system"
    real = os.path.realpath(path)
    try:
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            for line in mounts:
                _, where, found, *_ = line.split(" ")
                inside = where == "/" or f"{real}/".startswith(f"{where}/")
                if inside and len(where) >= len(best):
                    best, kind = where, found
    except OSError:
        pass
    return kind


def line_of(proof: Proof, outcome: Outcome) -> str:
    """Give one line of the table."""
    figure = outcome.figure.partition("\n")[0]
    if outcome.skipped is not None:
        figure = f"not run: {outcome.skipped}"
    holds = "-" if outcome.skipped is not None else "yes" if outcome.ok else "**no**"
    return f"| {proof.what} | {outcome.wanted} | {figure} | {holds} |"


def text_of(outcomes: Mapping[Proof, Outcome], seed: int) -> str:
    """Give the whole document."""
    lines = [line_of(proof, outcome) for proof, outcome in outcomes.items()]
    told = [f"- {fact}" for fact in [*facts(), f"seed {seed}"]]
    head = ["| proof | figure to reach | figure reached | holds |", "|---|---|---|---|"]
    return "\n".join([_INTRODUCTION, *told, "", *head, *lines, *_details(outcomes), ""])


def _details(outcomes: Mapping[Proof, Outcome]) -> Sequence[str]:
    """Give what proofs have to say beyond their line: of the mutants which proof met which."""
    lines: list[str] = []
    for proof, outcome in outcomes.items():
        _, _, rest = outcome.figure.partition("\n")
        if rest:
            told = [f"- {line.strip()}" for line in rest.splitlines()]
            lines += ["", f"## {proof.module}", "", *told]
    return lines


def report(outcomes: Mapping[Proof, Outcome]) -> str:
    """Give the table for a terminal."""
    width = max(len(proof.module) for proof in outcomes)
    lines = []
    for proof, outcome in outcomes.items():
        holds = "skip" if outcome.skipped is not None else "ok" if outcome.ok else "FAIL"
        lines.append(f"{proof.module:<{width}}  {holds:<4}  {_words(outcome)}")
    return "\n".join(lines) + "\n"


def _words(outcome: Outcome) -> str:
    return outcome.skipped if outcome.skipped is not None else outcome.figure.partition("\n")[0]


def tell(words: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
