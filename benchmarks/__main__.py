"""`python -m benchmarks`: measure, print the table, write it to benchmarks/results.md."""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from . import (
    rows_chain,
    rows_counts,
    rows_ingest,
    rows_pipelines,
    rows_plugins,
    rows_pods,
    rows_sandbox,
    rows_stages,
    rows_store,
    rows_tenants,
    rows_workers,
)
from .bench import Bench
from .harness import Claim
from .peers import erase
from .report import facts, page, summary, table

ROWS: dict[str, Callable[[Bench], list[Claim]]] = {
    "T1": rows_chain.t1,
    "T2": rows_chain.t2,
    "T3": rows_chain.t3,
    "T4": rows_chain.t4,
    "T5": rows_chain.t5,
    "T6": rows_ingest.t6,
    "T7": rows_ingest.t7,
    "T8": rows_counts.t8,
    "T9": rows_counts.t9,
    "T10": rows_store.t10,
    "T12": rows_store.t12,
    "T13": rows_store.t13,
    "S1": rows_stages.s1,
    "S2": rows_stages.s2,
    "W1": rows_workers.w1,
    "W2": rows_workers.w2,
    "W3": rows_workers.w3,
    "W4": rows_workers.w4,
    "P1": rows_plugins.p1,
    "P2": rows_plugins.p2,
    "P3": rows_plugins.p3,
    "D1": rows_pods.d1,
    "D2": rows_pods.d2,
    "D3": rows_pods.d3,
    "D4": rows_pods.d4,
    "Y1": rows_pipelines.y1,
    "Y2": rows_pipelines.y2,
    "Y3": rows_pipelines.y3,
    "Y4": rows_pipelines.y4,
    "Y5": rows_pipelines.y5,
    "B1": rows_sandbox.b1,
    "N1": rows_tenants.n1,
    "N2": rows_tenants.n2,
    "N3": rows_tenants.n3,
    "N4": rows_tenants.n4,
    "N5": rows_tenants.n5,
    "N6": rows_tenants.n6,
}
ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results.md"


def file_system(path: Path) -> str:
    """The type of the file system that holds a path."""
    best = ("", "unknown")
    with open("/proc/mounts", encoding="utf-8") as file:
        for line in file:
            _, mount, kind, *_ = line.split()
            if path.is_relative_to(mount) and len(mount) >= len(best[0]):
                best = (mount, kind)
    return best[1]


def memory_folder() -> str | None:
    """Where to work in memory; None for the usual temporary folder."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and file_system(shared) == "tmpfs" else None


def parsed() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="T5,T13", help="just these rows; writes no file")
    parser.add_argument("--runs", type=int, help="runs of each contender after its warm-up")
    parser.add_argument(
        "--quick", action="store_true", help="few runs and small sizes, to see that it works"
    )
    parser.add_argument("--out", type=Path, help="write the table to this file")
    found = parser.parse_args()
    found.rows = found.only.upper().split(",") if found.only else list(ROWS)
    strange = [row for row in found.rows if row not in ROWS]
    if strange:
        parser.error(f"unknown rows {strange}; there are {', '.join(ROWS)}")
    return found


def measured(bench: Bench, rows: list[str]) -> dict[str, list[Claim]]:
    results = {}
    for row in rows:
        start_s = time.monotonic()
        try:
            results[row] = ROWS[row](bench)
        except Exception:  # the rest of a quarter of an hour is not lost by it
            print(f"{row}: could not be measured", file=sys.stderr)
            traceback.print_exc()
            continue
        for path in bench.memory.iterdir():
            if path.name not in ("large", "small"):  # the next row wants them too
                erase(path) if path.is_dir() else path.unlink()
        met = summary({row: results[row]})
        seconds = time.monotonic() - start_s
        print(table({row: results[row]}), f"{met} ({seconds:.0f} s)", sep="\n", file=sys.stderr)
    return results


def main() -> None:
    """Measure, print, write."""
    asked = parsed()
    runs = asked.runs or (2 if asked.quick else 7)
    (ROOT / "build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=memory_folder()) as memory,
        tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as disk,
    ):
        bench = Bench(Path(memory), Path(disk), runs, asked.quick)
        try:
            results = measured(bench, asked.rows)
        finally:
            erase(bench.memory)
            erase(bench.disk)
            bench.memory.mkdir()
            bench.disk.mkdir()
        about = facts(file_system(bench.memory), file_system(bench.disk), runs)
    print(about, "", table(results), "", summary(results), sep="\n")
    out = asked.out or (None if asked.only or asked.quick else RESULTS)
    if out is not None:
        out.write_text(page(results, about), encoding="utf-8")
    if len(results) < len(asked.rows):
        sys.exit("not all rows could be measured; see above")


if __name__ == "__main__":
    main()
