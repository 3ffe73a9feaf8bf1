"""Processes in which proofs are run: with the shim loaded, and with nothing of the user's around.

python -m tests.prove.worker MODULE ARGUMENTS      (JSON; the result is printed as JSON)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from .shim import Shim, compiled

_ROOM_BYTES = 256 << 20
_FRESH = ("PYLIGHTNIX_", "COVERAGE", "COV_", "LD_PRELOAD", "PYTEST_")


@contextmanager
def room(*, in_memory: bool = True) -> Iterator[Path]:
    """Give a folder of our own, in memory if there is room: what is killed need not be flushed."""
    memory = Path("/dev/shm")
    fits = in_memory and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="prove-", dir=memory if fits else None)).resolve()
    try:
        yield folder
    finally:
        from .judge import scrub

        scrub(str(folder))


def environment(**more: str) -> dict[str, str]:
    """Give an environment in which this package is found, and the library that was found here."""
    names = (__package__ or "").split(".")
    paths = [str(Path(__file__).resolve().parents[len(names)]), os.environ.get("PYTHONPATH", "")]
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_FRESH)}
    return {
        **kept,
        # The order of sets decides the order of calls, and a point is known by its call's number.
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": ":".join(filter(None, paths)),
        # Proofs collect and delete: what forgets to say in which store must find none.
        "PYLIGHTNIX_ROOT": "/proc/no-store-of-the-user",
        **more,
    }


def run_all(
    module: str, jobs: Sequence[dict[str, Any]], *, before: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Run the campaign of a module in as many processes as there are jobs, all at once.

    Args:
        module: of this package.
        jobs: arguments of each.
        before: words of a command line that starts a command, as `unshare --mount`.
    """
    with tempfile.TemporaryDirectory() as folder:
        env = environment(LD_PRELOAD=str(compiled(Path(folder))))
        started = [
            subprocess.Popen(
                [*before, sys.executable, "-m", f"{__package__}.worker", module, json.dumps(job)],
                env=env,
                stdout=subprocess.PIPE,
                text=True,
            )
            for job in jobs
        ]
        outputs = [process.communicate()[0] for process in started]
    for process, output in zip(started, outputs, strict=True):
        if process.returncode != 0 or not output.strip():
            raise RuntimeError(f"a worker of {module} ended with status {process.returncode}")
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def warm() -> None:
    """Load all that forked processes will need, so that they need not."""
    import fcntl
    import pwd
    import sqlite3
    import unicodedata

    import filelock

    import pylightnix

    for name in pylightnix.__all__:
        getattr(pylightnix, name)
    del fcntl, pwd, sqlite3, unicodedata, filelock


def _main() -> None:
    module, arguments = sys.argv[1:]
    warm()
    campaign = import_module(f".{module}", __package__).campaign
    sys.stdout.write(json.dumps(campaign(Shim(), **json.loads(arguments))) + "\n")


if __name__ == "__main__":
    _main()
