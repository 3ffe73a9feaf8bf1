"""What a call takes appose, in an environment of its own: prints seconds, as JSON."""

from __future__ import annotations

import json
import time
from statistics import median

import appose

with appose.system().python() as service:

    def call() -> object:
        task = service.task("task.outputs['result'] = x + y", {"x": 1, "y": 2})
        task.wait_for()
        return task.outputs["result"]

    call()
    taken = []
    for _ in range(200):
        start_s = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start_s)
print(json.dumps(median(taken)))
