"""Start programs in a sandbox: seconds for each, without the first, which finds out what works.

Called as `sandboxed.py BACKEND COUNT`, or `sandboxed.py bare COUNT` for a plain process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from pylightnix.sandbox import Policy, SandboxUnavailable, system_paths
from pylightnix.sandbox.start import start

ENV = {"PATH": "/usr/bin:/bin"}


def bare() -> None:
    """The program without anything round it."""
    assert subprocess.run(["true"], env=ENV, check=False).returncode == 0


def confined(policy: Policy) -> None:
    """The same in a sandbox that shows it the machine's programs."""
    with start(policy, ["true"], env=ENV, ro=system_paths()) as child:
        assert child.wait(60) == 0


def main(backend: str, count: int) -> dict[str, object]:
    """Run it some times, one after the other."""
    requires = {"landlock": {"fs", "net"}, "rlimits": ()}.get(backend, {"fs", "net", "pid"})
    policy = None if backend == "bare" else Policy(backend=backend, pids=None, require=requires)
    run = bare if policy is None else lambda: confined(policy)
    try:
        run()
    except SandboxUnavailable as error:
        return {"lacking": str(error)}
    begun_s = time.perf_counter()
    for _ in range(count):
        run()
    return {"seconds": (time.perf_counter() - begun_s) / count}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
