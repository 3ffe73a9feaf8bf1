"""What is measured of pipelines inside of one process. Prints JSON: seconds.

Usage: pipes.py LIBRARY WHAT PIPELINE COUNT, in the folder of the pipelines; LIBRARY is `pylightnix`
or `pypyr`, WHAT is `parse`, or `run`, which is divided by COUNT.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROUNDS = 5


def parser(library: str) -> Callable[[Path], object]:
    if library == "pylightnix":
        from pylightnix.pipelines.language import compile_pipeline
        from pylightnix.pipelines.reading import parse_yaml

        return lambda path: compile_pipeline(parse_yaml(path.read_text(), str(path)), str(path))
    from pypyr.yaml import get_pipeline_yaml

    def parse(path: Path) -> object:
        with path.open() as file:
            return get_pipeline_yaml(file)

    return parse


def runner(library: str) -> Callable[[Path], object]:
    if library == "pylightnix":
        from pylightnix import pipelines

        return lambda path: pipelines.run(path.stem)
    from pypyr import pipelinerunner

    return lambda path: pipelinerunner.run(path.stem)


def main(library: str, what: str, pipeline: str, count: int) -> None:
    work = parser(library) if what == "parse" else runner(library)
    path = Path(f"{pipeline}.yaml")
    taken = []
    for _ in range(ROUNDS + 1):
        start_s = time.perf_counter()
        work(path)
        taken.append(time.perf_counter() - start_s)
    print(json.dumps(median(taken[1:]) / count))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
