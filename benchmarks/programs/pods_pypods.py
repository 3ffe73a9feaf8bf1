"""What a call takes PyPods, in an environment of its own: prints seconds, as JSON.

The first start makes the pod, in the working folder; it installs PyPods once more, from the index.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from pypods.pods import PodLoader

POD = Path("pods/bench_pod/pod.py")
if not POD.exists():
    PodLoader("bench_pod", {}).load_pod()
    POD.write_text("def add(x, y):\n    return x + y\n\n" + POD.read_text())
    # What it learned of the pod it learned by importing it: again, with the function in it.
    sys.exit(subprocess.run([sys.executable, *sys.argv], check=False).returncode)
space: dict[str, Any] = {}
PodLoader("bench_pod", space).load_pod()
taken = []
for _ in range(10):
    start_s = time.perf_counter()
    space["bench_pod"].add(1, 2)
    taken.append(time.perf_counter() - start_s)
print(json.dumps(median(taken)))
