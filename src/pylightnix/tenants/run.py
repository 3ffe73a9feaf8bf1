"""A run: one sandboxed process that imports a tenant's file, makes one call, and is gone."""

from __future__ import annotations

import math
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from pylightnix.core.refs import RRef
from pylightnix.core.value import value
from pylightnix.engine.interpreters import interpreter_paths
from pylightnix.pods.failures import PodTimeout, RemoteError, RemoteTraceback, WorkerDied
from pylightnix.pods.process import Program
from pylightnix.pods.worker import Job as Call
from pylightnix.pods.worker import Worker, written
from pylightnix.sandbox.policy import Policy
from pylightnix.store.layout import rref_path

from . import records
from .output import Listener, Output
from .packages import packages_nearby
from .place import Place, locked
from .refusals import NoTenant, QuotaExceeded, RunFailed, RunStopped, RunTimeout
from .scratch import PAGE, folder
from .workspace import Workspace

CODE, ENV, AGENT, SCRATCH = "/code", "/env", "/agent", "/scratch"
_BOOT_LIMIT_S = 60.0
_FULL = "[Errno 28]"
_MOST_TEXT, _MOST_NAME = 100_000, 1000


@value
class Plan:
    """What a run is made from.

    Attributes:
        place: of the tenant.
        policy: what its code may see and use.
        quota_bytes: what the tenant may have.
        file: of the modules.
        source, env, agent: in the store.
        listener: hears what it prints.
    """

    place: Place
    policy: Policy
    quota_bytes: int | None
    file: str
    source: RRef
    env: RRef
    agent: RRef
    listener: Listener | None


class Run:
    """One process for one call; a stateful handle.

    Attributes:
        functions: what its file offers, as the agent describes it.
        run: identifies it.

    Raises:
        SandboxUnavailable: the policy cannot be enforced here.
        RunFailed, RunStopped: its file cannot be imported.
        QuotaExceeded: likewise, as it has no room.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self._function = plan, ""
        self._closed = self._full = False
        self._worker: Worker | None = None
        self._workspace = Workspace(plan.place, plan.quota_bytes)
        self.run = records.new_run()
        self._begun_s = time.time()
        with locked(plan.place, shared=True), folder(plan.place.runs):
            records.prune(plan.place.runs)
        self._output = Output(self.run, f"{plan.place.runs}/{self.run}.log", plan.listener)
        self._note("running")
        with self._told():
            with self._workspace.opened() as (kept, room_bytes):
                self._worker = Worker(
                    _program(plan, room_bytes, self._output.theirs),
                    lambda folder: self._workspace.fill(kept, folder),
                )
            self._output.started()
            self.functions = _functions(self._worker.describe(plan.policy.wall_s or _BOOT_LIMIT_S))

    def is_fresh(self) -> bool:
        """Tell whether it could still make a call, with the scratch as it is now."""
        if self._closed or self._worker is None or self._worker.dead:
            return False
        with suppress(NoTenant, QuotaExceeded):
            return self._workspace.is_current()
        return False

    def stop(self) -> None:
        """End its process from another thread; the one that waits for it is told."""
        if self._worker is not None:
            self._worker.stop()

    def written(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Write its one call as its process reads it.

        Raises:
            CannotCross, TooLarge: an argument cannot be sent.
        """
        assert self._worker is not None  # noqa: S101 - or there would be no run
        return written(self._worker.channel.encode, 1, function, args, kwargs)

    def call(self, call: Call) -> Any:
        """Make its one call, and end it.

        Raises:
            RunFailed, RunStopped, QuotaExceeded: see there.
        """
        with self._told(call.function) as worker:
            result = worker.call(call)
        self.close()
        return result

    def stream(self, call: Call, *, most_bytes: int | None = None) -> Iterator[Any]:
        """Make its one call, of a generator, and end it.

        Args:
            call: which.
            most_bytes: how much it may give, if all of it is kept.
        """
        wall_s, given_bytes = self._plan.policy.wall_s, 0
        with self._told(call.function) as worker:
            until_s = time.monotonic() + (wall_s or math.inf)
            for item in worker.stream(call):
                if time.monotonic() > until_s:
                    raise PodTimeout(call.function, wall_s or 0.0)
                if most_bytes is not None:
                    given_bytes += len(pickle.dumps(item))
                    if given_bytes > most_bytes:
                        raise WorkerDied("", None, f"it gave more than {most_bytes} bytes", "")
                yield item
        self.close()

    @contextmanager
    def _told(self, function: str = "") -> Iterator[Any]:
        """Name the errors of a step, end the run after one, and record how it ended."""
        self._function = function
        try:
            if function:
                self._begun_s = time.time()
                self._note("running")
                self._output.tell(b"")
            yield self._worker
        except RemoteError as error:
            self._full = _FULL in error.message and self._workspace.is_full()
            failed = self._failure(error)
            self.close("raised", f"{failed.type_name}: {failed.message}")
            raise failed from RemoteTraceback(failed.traceback)
        except PodTimeout:
            self.close("stopped", "wall_s")
            raise RunTimeout(self.run, function) from None
        except WorkerDied as error:
            reason = error.cause or f"its process ended with status {error.status}"
            self.close("stopped", reason)
            raise RunStopped(self.run, function, reason) from None
        except GeneratorExit:
            self.close("done", "its caller wanted no more")
            raise
        except BaseException as error:
            self.close("stopped", type(error).__name__)
            raise

    def _failure(self, error: RemoteError) -> RunFailed:
        """Tell what was raised, without the one path of the platform there is: the interpreter."""
        trace = error.traceback[-_MOST_TEXT:]
        for path in interpreter_paths(rref_path(self._plan.place.store, self._plan.env)):
            trace = trace.replace(f"{path}/", "/python/")
        kind, text = error.type_name[:_MOST_NAME], error.message[:_MOST_TEXT]
        return RunFailed(self.run, self._function, kind, text, trace)

    def close(self, state: str = "done", detail: str = "") -> None:
        """End it with all that it started, take over its scratch, and record how it ended.

        Raises:
            QuotaExceeded: it wrote more than the tenant may have; nothing of that is kept.
        """
        if self._closed:
            return
        self._closed = True
        cpu_s, memory_bytes = 0.0, 0
        if self._worker is not None:
            # Asked to end, it writes what it has printed; that takes it 0.2 s at most.
            self._worker.kill() if state == "stopped" else self._worker.close()
            cpu_s, memory_bytes = self._worker.process.used()
        self._output.close()
        wall_s = time.time() - self._begun_s
        try:
            self._workspace.take_over(full=self._full)
        except QuotaExceeded as error:
            state, detail = "refused", error.wanted
            raise
        finally:
            self._workspace.close()
            used = {"wall_s": wall_s, "cpu_s": cpu_s, "memory_bytes": memory_bytes}
            self._note(state, detail[:_MOST_NAME], **used)

    def _note(self, state: str, detail: str = "", **used: Any) -> None:
        plan = self._plan
        record = records.Record(
            self.run,
            plan.place.name,
            plan.file,
            self._function,
            plan.source,
            plan.env,
            self._begun_s,
            os.getpid(),
        )
        # A tenant that was deleted meanwhile gets none, nor does a later one of its name.
        with suppress(NoTenant), locked(plan.place, shared=True):
            records.write(plan.place.runs, replace(record, state=state, detail=detail, **used))


def _program(plan: Plan, room_bytes: int, output: int) -> Program:
    """Say what the process of a run is.

    What it sees is at the same places for every tenant, so that no traceback tells where the
    platform keeps things.
    """
    store = plan.place.store
    places = {ENV: plan.env, CODE: plan.source, AGENT: plan.agent}
    return Program(
        python=f"{ENV}/bin/python",
        agent=f"{AGENT}/agent.py",
        source=CODE,
        name="tenant",
        log="",
        policy=plan.policy,
        limit_s=plan.policy.wall_s,
        ro=interpreter_paths(rref_path(store, plan.env)),
        placed={place: rref_path(store, rref) for place, rref in places.items()},
        volumes={SCRATCH: room_bytes, **dict.fromkeys(_hidden(plan.policy), PAGE)},
        cwd=SCRATCH,
        file=plan.file,
        output=output,
    )


def _hidden(policy: Policy) -> list[str]:
    """Give the folders with packages of the platform, to be covered by empty ones.

    They lie in what every Python needs. Those in which something is granted stay.
    """
    granted = [f"{os.path.realpath(path)}/" for path in (*policy.ro, *policy.rw)]
    return [
        path for path in packages_nearby() if not any(one.startswith(f"{path}/") for one in granted)
    ]


def _functions(about: object) -> dict[str, dict[str, Any]]:
    """Take what a process says it offers, which its file's code may have had a hand in."""
    told = about.get("functions") if isinstance(about, dict) else None
    if not isinstance(told, dict):
        raise WorkerDied("", None, "it does not say what it offers", "")
    return {
        name: shape
        for name, shape in told.items()
        if isinstance(name, str) and name.isidentifier() and isinstance(shape, dict)
    }
