"""Run a realizer elsewhere, in an environment or a sandbox: it sees what it depends on.

This side is trusted. It says what is seen, waits, kills what is left, and takes the output folders;
what is in them is made canonical and checked as any other build's output is.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from pylightnix.core.config import Config, config_dict
from pylightnix.core.context import mkcontext
from pylightnix.core.errors import RealizeError
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.sandbox.handle import Ended
from pylightnix.sandbox.policy import InvalidPolicy, Policy
from pylightnix.sandbox.start import shows_elsewhere, start, usable
from pylightnix.sandbox.system import system_paths
from pylightnix.store.layout import Store, config_path, rref_path
from pylightnix.store.query import context_of

from .arguments import RealizeArg
from .inside import Task
from .interpreters import Python, python_of, this_python
from .luggage import packed_with_texts, where
from .provenance import qualified
from .registry import Realizer
from .travel import CannotTravel, by_value

if TYPE_CHECKING:
    from pathlib import Path

# One place for all builds: compilers write the names of folders into what they make.
_PLACE, _LOG = "/build", "/build.log"
FIXED = ("sha256", "sha1")
_ANSWER_BYTES = 1 << 20
_FREE = Policy(network=True, pids=None, backend="rlimits", require=())  # holds nothing back
_LIMITS = ("wall_s", "memory_bytes", "cpu_s", "file_bytes", "pids")


class RealizerRaised(RealizeError):
    """A realizer raised in the process that it was given; its traceback is in the build's log."""

    def __init__(self, type_name: str, message: str, hint: str = "") -> None:
        super().__init__(type_name, message, hint)
        self.type_name, self.message, self.hint = type_name, message, hint

    def __str__(self) -> str:
        return f"{self.type_name.removeprefix('builtins.')}: {self.message}{self.hint}"


class RealizerEnded(RealizeError):
    """A realizer's process ended without an answer: it crashed, or had too much of something."""

    def __init__(self, status: int, reason: str, limit: float | None, trouble: str) -> None:
        super().__init__(status, reason, limit, trouble)
        self.status, self.reason, self.limit, self.trouble = status, reason, limit, trouble

    def __str__(self) -> str:
        if self.reason in _LIMITS:
            return (
                f"it used more than its policy allows: {self.reason}={self.limit}. "
                "Give it more, or find out what it does"
            )
        ended = f"signal {-self.status}" if self.status < 0 else f"status {self.status}"
        text = f"its process ended with {ended} in the middle of the work"
        return f"{text}: {self.trouble}" if self.trouble else text


def confined(
    realizer: Realizer,
    policy: Policy | None,
    env: RRef | None,
    store: Store,
    dref: DRef,
    context: Mapping[DRef, tuple[RRef, ...]],
    rarg: RealizeArg,
) -> list[Path]:
    """Call a realizer in a process of its own: in its environment, in a sandbox.

    Args:
        realizer: is sent to a fresh interpreter: by name if it is installed over there, else by
            value.
        policy: what it may see and use, beside its closure, the machine's programs and its
            interpreter; None for what this process may.
        env: the environment whose interpreter does it, among the dependencies; None for this one.
        store: where it is built.
        dref: what is built.
        context: with which dependencies.
        rarg: the caller's arguments.

    Returns:
        Output folders, as they were left.

    Raises:
        SandboxUnavailable: the policy cannot be enforced here.
        InvalidPolicy: a network is granted, and nothing says what is to come out.
        OtherPython: the environment is for another version of Python.
        CannotTravel: the realizer cannot be sent.
        RealizerRaised, RealizerEnded: it did not do its work.
    """
    from pathlib import Path

    _check_network(policy, dref, rarg.config)
    held = _FREE if policy is None else policy
    work, log = rarg.folder(), rarg.log
    os.makedirs(f"{work}/out")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    moved = shows_elsewhere(usable(held))
    place = _PLACE if moved else work
    task = Task(
        realizer,
        store,
        dref,
        mkcontext(context),
        rarg.config,
        dict(rarg),
        rarg.rindex,
        f"{place}/out",
        _LOG if moved else log,
    )
    seen = (*_closure(store, dref, context), *system_paths())
    if env is None:
        python = this_python((*seen, *map(str, held.ro)))
    else:
        python = python_of(rref_path(store, env), realizer)
    shown: dict[str, Any] = {"ro": (*seen, *python.shown)}
    shown |= {"mapped": {_PLACE: work, _LOG: log}} if moved else {"rw": (work, log)}
    shown |= {"env": _environment(place, store), "cwd": place}
    made = []
    with open(log, "ab") as file:
        for name in _carried_out(task, held, python, file, shown):
            made.append(Path(rarg.folder()))
            os.rename(f"{work}/out/{name}", made[-1])
    return made


def _check_network(policy: Policy | None, dref: DRef, config: Config) -> None:
    """See that a network is granted only where a hash says what is to come out."""
    if policy is not None and policy.network:
        fields = config_dict(config)
        if not any(fields.get(name) for name in FIXED):
            what = f"a network is granted to {dref}, whose config has no {' or '.join(FIXED)}"
            raise InvalidPolicy((what,))


def _carried_out(
    task: Task, policy: Policy, python: Python, log: BinaryIO, shown: Mapping[str, Any]
) -> list[str]:
    """Have a task done; gives the names of the folders that it made."""
    task_fd, answer_fd = os.memfd_create("task"), os.memfd_create("answer")
    with open(task_fd, "wb") as told, open(answer_fd, "rb"):
        told.write(_packed(task, python))
        told.flush()
        os.lseek(task_fd, 0, os.SEEK_SET)
        fds = (task_fd, answer_fd)
        argv = (*python.command, *map(str, fds))
        with start(policy, argv, stdout=log, stderr=log, pass_fds=fds, **shown) as child:
            ended = child.finish()
        return _made(os.pread(answer_fd, _ANSWER_BYTES, 0), ended, policy, child.trouble)


def _made(raw: bytes, ended: Ended, policy: Policy, trouble: str) -> list[str]:
    """Read the answer of somebody who is not trusted."""
    if ended.reason or ended.status:
        limit = getattr(policy, ended.reason) if ended.reason in _LIMITS else None
        raise RealizerEnded(ended.status, ended.reason, limit, trouble)
    try:
        answer = json.loads(raw)
        if "raised" in answer:
            hint = _hint(str(answer.get("missing")))
            raise RealizerRaised(str(answer["raised"]), str(answer["message"]), hint)
        made = [str(name) for name in answer["made"]]
    except (ValueError, KeyError, TypeError) as error:
        raise RealizerEnded(ended.status, "", None, f"its answer is damaged: {error}") from error
    if not all(name.isdecimal() and name.isascii() for name in made) or len(set(made)) < len(made):
        raise RealizerEnded(ended.status, "", None, f"its answer is damaged: {made!r:.200}")
    return made


def _hint(missing: str) -> str:
    """What to do about a module that is not found over there; empty if it is not here either."""
    file = where(missing)
    if file is None:
        return ""
    return (
        f". Here it is {file}. Of your modules those go along that an import statement of the "
        "builder's code names and that are Python source: write such a statement, or let the "
        f"policy show it, Policy(ro=[{os.path.dirname(file)!r}]), or install it where it is missing"
    )


def _closure(store: Store, dref: DRef, context: Mapping[DRef, tuple[RRef, ...]]) -> tuple[str, ...]:
    """What a build may read of the store: its config, and all realizations below it."""
    found: dict[RRef, None] = {}
    todo = [rref for rrefs in context.values() for rref in rrefs]
    while todo:
        rref = todo.pop()
        if rref not in found:
            found[rref] = None
            todo += [below for rrefs in context_of(store, rref).values() for below in rrefs]
    configs = {config_path(store, rref2dref(rref)) for rref in found} | {config_path(store, dref)}
    return (*(rref_path(store, rref) for rref in found), *sorted(configs))


def _packed(task: Task, python: Python) -> bytes:
    """Pack a task; the code of what cannot be imported over there goes along."""
    try:
        with by_value(python.strangers()):
            told, modules = packed_with_texts(task, python.knows)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise CannotTravel(task.dref, qualified(task.realizer), what) from error
    return pickle.dumps(modules) + told


def _environment(place: str, store: Store) -> dict[str, str]:
    """The whole environment of a build: the same wherever and whenever it is done."""
    return {
        "HOME": place,
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYLIGHTNIX_STORE": store.objects,
        "PYLIGHTNIX_TMP": f"{place}/var",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "946684800",  # when everything in a store is from
        "TMPDIR": "/tmp" if place == _PLACE else place,  # noqa: S108 - its own
        "TZ": "UTC",
    }
