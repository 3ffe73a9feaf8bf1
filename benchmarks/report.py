"""The table: on the terminal, and as benchmarks/results.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence

from .harness import Claim, Missing, Series, shown
from .peers import need_joblib, need_ninja, need_nix, need_program, prior_python

HEAD = ("row", "work", "ours: median (best)", "beside", "its median (best)", "figure", "target", "")


def _times(series: Series | None) -> str:
    if series is None or not series.values:
        return "-"
    text = shown(series.median, series.unit)
    return text if len(series.values) == 1 else f"{text} ({shown(series.best, series.unit)})"


def line(row: str, claim: Claim) -> tuple[str, ...]:
    """One line of the table."""
    unit = claim.ours.unit if claim.absolute else "x"
    return (
        row,
        claim.work,
        _times(claim.ours),
        "" if claim.peer is None else claim.peer.who,
        "" if claim.peer is None else _times(claim.peer),
        "-" if claim.figure is None else shown(claim.figure, unit),
        "" if claim.at_most is None else f"<= {shown(claim.at_most, unit)}",
        claim.verdict,
    )


def table(results: Mapping[str, Sequence[Claim]]) -> str:
    """All rows, as Markdown whose columns are aligned for people."""
    lines = [HEAD, *(line(row, claim) for row, claims in results.items() for claim in claims)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(HEAD))]
    rule = tuple("-" * width for width in widths)
    padded = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"
        for cells in (lines[0], rule, *lines[1:])
    ]
    return "\n".join(padded)


def summary(results: Mapping[str, Sequence[Claim]]) -> str:
    """How many targets are met."""
    verdicts = [c.verdict for claims in results.values() for c in claims if c.at_most is not None]
    met = sum(verdict.startswith("met") for verdict in verdicts)
    skipped = sum(verdict.startswith("skipped") for verdict in verdicts)
    missed = len(verdicts) - met - skipped
    return f"{met} of {len(verdicts)} targets met, {missed} not met, {skipped} skipped."


def peers() -> list[str]:
    """Who was there, with versions, and who was not and why."""
    found = []
    needs: dict[str, Callable[[], str]] = {
        "joblib": need_joblib,
        "nix": need_nix,
        "ninja": need_ninja,
        "strace": _need_strace,
        "pylightnix 0.3.0": _need_prior,
    }
    for name, need in needs.items():
        try:
            found.append(need())
        except Missing as error:
            found.append(f"{name} missing: {error}")
    return found


def _need_strace() -> str:
    return need_program("strace", "strace")


def _need_prior() -> str:
    prior_python()
    return "pylightnix 0.3.0"


def facts(memory: str, disk: str, runs: int) -> str:
    """The machine, in words that name neither it nor its owner."""
    load = os.getloadavg()[0]
    return "\n".join(
        [
            f"- Python {platform.python_version()}, Linux {platform.release().split('-')[0]}, "
            f"{os.cpu_count()} cores ({_processor()})",
            f"- in memory: {memory}; on a disk: {disk}",
            f"- {runs} runs each, interleaved, after a warm-up; load of the machine at the end: "
            f"{load:.1f}",
            f"- peers: {'; '.join(peers())}",
        ]
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def page(results: Mapping[str, Sequence[Claim]], about: str) -> str:
    """The whole of results.md."""
    return f"""\
# Results

Made by `make bench`; never edited. What the rows mean: [README](README.md).

{about}

{summary(results)}

{table(results)}
"""
