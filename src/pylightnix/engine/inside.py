"""The sandbox's side of a build: call the realizer, and say what came of it.

`confine` runs this as a program, with the numbers of two descriptors: what to do, packed by our own
coordinator, and where to answer. The answer is JSON: the coordinator unpacks nothing from here.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any

from pylightnix.core.config import Config
from pylightnix.core.context import Context
from pylightnix.core.refs import DRef
from pylightnix.core.value import value
from pylightnix.store.layout import Store

from .arguments import RealizeArg
from .luggage import Unpacked
from .registry import Realizer

MESSAGE_LENGTH = 4000


@value
class Task:
    """One call of a realizer.

    Attributes:
        realizer: what to call, with the next three.
        store: its objects that this process may see are where they were.
        dref: what is built.
        context: with which dependencies.
        config: of the derivation.
        args: the caller's arguments.
        rindex: which build of a series this is.
        out: a folder for output folders.
        log: the build's log.
    """

    realizer: Realizer
    store: Store
    dref: DRef
    context: Context
    config: Config
    args: Mapping[str, Any]
    rindex: int
    out: str
    log: str


def main() -> None:
    """Do the task."""
    task_fd, answer_fd = int(sys.argv[1]), int(sys.argv[2])
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in the order of what programs say
    try:
        with open(task_fd, "rb") as file:
            sys.meta_path.insert(0, Unpacked(pickle.load(file)))  # noqa: S301 - both are of our
            task: Task = pickle.load(file)  # noqa: S301 - own coordinator
        answer: dict[str, object] = {"made": _done(task)}
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        answer = {
            "raised": f"{type(error).__module__}.{type(error).__qualname__}",
            "message": str(error)[:MESSAGE_LENGTH],
            "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
        }
    with open(answer_fd, "wb") as file:
        file.write(json.dumps(answer).encode(errors="replace"))


def _done(task: Task) -> list[str]:
    """Call the realizer; gives the names, below `out`, of the folders that it returned."""
    named: list[str] = []

    def folder() -> str:
        named.append(str(len(named)))
        return f"{task.out}/{named[-1]}"

    rarg = RealizeArg(task.args, task.config, folder, log=task.log, rindex=task.rindex)
    rarg.logged = True  # it is open, and what was printed is in it
    returned = task.realizer(task.store, task.dref, task.context, rarg)
    made = [os.path.relpath(path, task.out) for path in returned]
    strange = sorted(set(made) - set(named))
    if strange:
        raise ValueError(
            f"the realizer returned {', '.join(strange)}: "
            "in a sandbox it must return folders that it was given by `build_outpath`"
        )
    return made
