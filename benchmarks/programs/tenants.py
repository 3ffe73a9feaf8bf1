"""Tenants: what the second one costs, calls of one, many at once, and what a bad one can do.

Prints JSON: `tenants.py second|calls|many|hostile FOLDER COUNT`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from hostile_tenants import BACKENDS, matrix
from pylightnix import Store, use_store
from pylightnix.sandbox.policy import Policy
from pylightnix.tenants import Tenant
from wheels_for_tests import wheel

JOB = """
import os, time

def main(name="", stay_s=0.0):
    held = bytearray(b"x") * (4 << 20)
    open("mine", "w").write(name)
    time.sleep(stay_s)
    return open("mine").read(), sorted(os.listdir(".")), len(held)
"""
MEMORY_BYTES = 64 << 20
POLICY = Policy(memory_bytes=MEMORY_BYTES, wall_s=300.0)


def made(name: str, top: Path, packages: list[str]) -> Tenant:
    links = [top / "wheels"] if packages else []
    tenant = Tenant.create(name, top / "tenants", packages, POLICY, 1 << 30, links)
    Path(tenant.folder, "usermodules/job.py").write_text(JOB)
    return tenant


def taken(top: Path) -> int:
    """Bytes on the disk: blocks, of folders too."""
    return sum(path.lstat().st_blocks * 512 for path in top.rglob("*"))


def second(top: Path, count: int) -> dict[str, list[float]]:
    """Seconds until another tenant with the same packages is ready, and its part of the disk."""
    files = {f"big/part{number}.py": f"x = {'y' * 40_000!r}\n" for number in range(100)}
    wheel(top / "wheels", "big", "1.0", files)
    made("first", top, ["big"]).install()
    seconds, parts = [], []
    for number in range(count):
        before = taken(top)
        start_s = time.perf_counter()
        tenant = made(f"next{number}", top, ["big"])
        tenant.install()
        seconds.append(time.perf_counter() - start_s)
        assert not tenant.missing()
        parts.append((taken(top) - before) / before)
    return {"seconds": seconds, "parts": parts}


def calls(top: Path, count: int) -> dict[str, list[float]]:
    """Seconds of a load with its first call, and of each call after that."""
    tenant, loads, more = made("one", top, []), [], []
    tenant.load("job.py").main()
    for _ in range(count):
        start_s = time.perf_counter()
        with tenant.load("job.py") as job:
            job.main()
            loads.append(time.perf_counter() - start_s)
            start_s = time.perf_counter()
            job.main()
            more.append(time.perf_counter() - start_s)
    return {"loads": loads, "calls": more}


def many(top: Path, count: int) -> dict[str, float]:
    """Seconds for tenants that run at once, and how many of them did not as they should."""
    tenants = [made(f"t{number:02}", top, []) for number in range(count)]
    tenants[0].install()

    def run(tenant: Tenant) -> object:
        with tenant.load("job.py") as job:
            return job.main(tenant.name, 0.5)

    start_s = time.perf_counter()
    with ThreadPoolExecutor(count) as threads:
        came = list(threads.map(run, tenants))
    seconds = time.perf_counter() - start_s
    wrong = 0
    for tenant, got in zip(tenants, came, strict=True):
        (record,) = tenant.log()
        fine = record.state == "done" and record.memory_bytes <= MEMORY_BYTES
        wrong += got != (tenant.name, ["mine"], 4 << 20) or not fine
    return {"seconds": seconds, "wrong": wrong}


def hostile(top: Path, _: int) -> dict[str, list[int]]:
    """Attempts on each back-end, and how many of them were not denied."""
    found = {}
    for backend in BACKENDS:
        (top / backend).mkdir()
        outcomes = matrix(top / backend, backend)
        allowed = sum(not outcome.denied for outcome in outcomes.values())
        found[backend] = [len(outcomes), allowed]
    return found


def main() -> None:
    what, folder, count = sys.argv[1:]
    top = Path(folder)
    os.makedirs(top, exist_ok=True)
    with use_store(Store.open(top / "root", create=True, durability="none")):
        figures = {"second": second, "calls": calls, "many": many, "hostile": hostile}[what]
        sys.stdout.write(json.dumps(figures(top, int(count))))


if __name__ == "__main__":
    main()
