"""Records of runs: who, what source, which environment, how long, how it ended, its log.

runs/<id>.json   the record; written when the run begins, and again when it has ended
runs/<id>.log    what the run printed; it grows while it runs
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

KEPT = 200  # records of a tenant; older ones go
LOG_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Record:
    """One run.

    Attributes:
        run: identifies it; later runs have greater ones.
        tenant: whose.
        file: of `usermodules`, whose function was called.
        function: its name; empty for an import of the file alone.
        source: the RRef of the modules.
        env: the RRef of the environment.
        begun_s: seconds since 1970.
        pid: the platform's process that made it run.
        state: `running`, `done`, `raised`, `stopped`, `refused` (by the quota) or `lost` (the
            platform's process has ended meanwhile).
        detail: how it ended: the exception's type and text, or what it had too much of.
        wall_s: how long it took.
        cpu_s: processor time; 0 where nobody knows.
        memory_bytes: at most; 0 where nobody knows.
        log: path of what it printed, which can be followed while it runs.
    """

    run: str
    tenant: str
    file: str
    function: str
    source: str
    env: str
    begun_s: float
    pid: int
    state: str = "running"
    detail: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    memory_bytes: int = 0
    log: str = ""

    def text(self) -> str:
        """What it has printed up to now."""
        with suppress(FileNotFoundError), open(self.log, "rb") as file:
            return file.read().decode(errors="replace")
        return ""


def new_run() -> str:
    """Make what identifies a run."""
    return f"{time.time_ns():016x}-{os.urandom(4).hex()}"


def write(folder: str, record: Record) -> None:
    """Write a record, in place of the one before."""
    told = {key: item for key, item in asdict(record).items() if key != "log"}
    aside = f"{folder}/.{record.run}"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.rename(aside, f"{folder}/{record.run}.json")


def read_all(folder: str, last: int | None = None) -> tuple[Record, ...]:
    """Read records, the oldest first.

    Args:
        folder: of the runs.
        last: only as many, the youngest.
    """
    names = _names(folder)
    chosen = names if last is None else names[max(0, len(names) - last) :]
    found = (_read(folder, name.removesuffix(".json")) for name in chosen)
    return tuple(record for record in found if record is not None)


def prune(folder: str) -> None:
    """Delete the oldest records and logs, where there are too many."""
    names = _names(folder)
    for name in names[: max(0, len(names) - KEPT)]:
        for path in (f"{folder}/{name}", f"{folder}/{name.removesuffix('.json')}.log"):
            with suppress(FileNotFoundError):
                os.unlink(path)


def _names(folder: str) -> list[str]:
    try:
        every = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(name for name in every if name.endswith(".json"))


def _read(folder: str, run: str) -> Record | None:
    try:
        with open(f"{folder}/{run}.json", encoding="utf-8") as file:
            told = json.load(file)
        record = Record(**{**told, "log": f"{folder}/{run}.log"})
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if record.state == "running" and not os.path.exists(f"/proc/{record.pid}"):
        return Record(**{**asdict(record), "state": "lost"})
    return record
