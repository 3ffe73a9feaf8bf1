"""Run the pipelines of a folder under one library, and write down what came of each.

Called as a program, by the interpreter that has the library: `side_by_side.py LIBRARY FOLDER OUT`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[str, "list[str] | None"], "dict[str, Any]"]


def library(name: str) -> Run:
    if name == "pylightnix":
        from pylightnix import pipelines

        return lambda pipe, words: dict(pipelines.run(pipe, words))
    from pypyr import pipelinerunner

    # Its `echo` is a log record of this level.
    logging.basicConfig(level=25, stream=sys.stdout, format="%(message)s")
    logging.getLogger().handlers[0].addFilter(lambda record: record.levelno == 25)
    return lambda pipe, words: dict(pipelinerunner.run(pipe, words))


def words_of(text: str) -> list[str] | None:
    for line in text.splitlines():
        if line.startswith("# args: "):
            rest = line.removeprefix("# args: ")
            return [rest] if rest.startswith("{") else rest.split()
    return None


def plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value)
    return value if isinstance(value, (str, int, type(None))) else str(value)


def one(run: Run, path: Path) -> dict[str, Any]:
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            found: dict[str, Any] = {
                "context": plain(run(path.stem, words_of(path.read_text(encoding="utf-8"))))
            }
        except Exception as error:
            cause = error.__cause__ if type(error).__name__ == "StepFailed" else error
            found = {"raised": type(cause).__name__}
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        return {**found, "out": file.read().decode()}


def main(name: str, folder: str, out: str) -> None:
    os.chdir(folder)  # first: one of them remembers it when it is imported
    run = library(name)
    found = {path.stem: one(run, path) for path in sorted(Path(folder).glob("*.yaml"))}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
