"""A run: one sandboxed process that imports a tenant's file, makes one call, and is gone.

Its scratch is a folder of its own in memory that holds as much as the tenant may still have: the
kernel refuses what is more. When the process has ended, what it changed there is taken over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from pylightnix.core.refs import RRef
from pylightnix.core.value import changed, value
from pylightnix.pods.failures import PodTimeout, RemoteError, RemoteTraceback, WorkerDied
from pylightnix.pods.opening import interpreter_paths
from pylightnix.pods.process import Program
from pylightnix.pods.worker import Job as Call
from pylightnix.pods.worker import Worker
from pylightnix.sandbox.policy import Policy
from pylightnix.store.layout import rref_path

from . import records, scratch
from .output import Listener, Output
from .place import Place, locked, quota, require_room
from .refusals import QuotaExceeded, RunFailed, RunStopped, RunTimeout

CODE, ENV, AGENT, SCRATCH = "/code", "/env", "/agent", "/scratch"
_BOOT_LIMIT_S = 60.0
_FULL = "[Errno 28]"


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
        about: what its file offers, as the agent describes it.
        run: identifies it.

    Raises:
        SandboxUnavailable: the policy cannot be enforced here.
        RunFailed, RunStopped: its file cannot be imported.
        QuotaExceeded: likewise, as it has no room.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan, self._function = plan, ""
        self._folder, self._closed, self._full = -1, False, False
        self._worker: Worker | None = None
        self.run = records.new_run()
        self._begun_s = time.time()
        self._before = self._inside = scratch.Listing({}, 0)
        records.prune(plan.place.runs)
        self._note("running")
        self._output = Output(self.run, f"{plan.place.runs}/{self.run}.log", plan.listener)
        with self._told():
            self._worker = self._started()
            limit_s = plan.policy.wall_s or _BOOT_LIMIT_S
            self.about: dict[str, Any] = self._worker.describe(limit_s)

    def _started(self) -> Worker:
        place = self._plan.place
        with locked(place, shared=True), scratch.folder(place.scratch) as fd:
            self._before = scratch.listing(fd)
            left = quota(place, self._plan.quota_bytes).left_bytes
            # What is in memory must leave some to others, whatever a quota says.
            most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
            left = min(most, most if left is None else left)
            room = self._before.room_bytes + left // scratch.PAGE * scratch.PAGE
            program = self._program(max(room, scratch.PAGE))
            return Worker(program, lambda folder: self._fill(fd, folder))

    def _program(self, room_bytes: int) -> Program:
        plan, store = self._plan, self._plan.place.store
        env = rref_path(store, plan.env)
        placed = {
            ENV: env,
            CODE: rref_path(store, plan.source),
            AGENT: rref_path(store, plan.agent),
        }
        return Program(
            python=f"{ENV}/bin/python",
            agent=f"{AGENT}/agent.py",
            source=CODE,
            name="tenant",
            log="",
            policy=plan.policy,
            limit_s=plan.policy.wall_s,
            ro=interpreter_paths(env),
            env={"HOME": SCRATCH},
            placed=placed,
            volumes={SCRATCH: room_bytes},
            cwd=SCRATCH,
            file=plan.file,
            output=self._output.theirs,
        )

    def _fill(self, kept: int, folder: int) -> None:
        """Give the run what the tenant's scratch holds, before any of its code is there."""
        self._folder = folder
        self._output.started()
        scratch.copied(kept, self._before.entries, folder)
        self._inside = scratch.listing(folder)

    def is_fresh(self) -> bool:
        """Tell whether it could still make a call, with the scratch as it is now."""
        place = self._plan.place
        if self._closed or self._worker is None or self._worker.dead:
            return False
        with locked(place, shared=True), scratch.folder(place.scratch) as fd:
            return scratch.listing(fd) == self._before

    def call(self, call: Call) -> Any:
        """Make its one call, and end it.

        Raises:
            RunFailed, RunStopped, QuotaExceeded: see there.
        """
        with self._told(call.function) as worker:
            result = worker.call(call)
        self.close()
        return result

    def stream(self, call: Call) -> Iterator[Any]:
        """Make its one call, of a generator, and end it."""
        with self._told(call.function) as worker:
            yield from worker.stream(call)
        self.close()

    @contextmanager
    def _told(self, function: str = "") -> Iterator[Any]:
        """Name the errors of a step, end the run after one, and record how it ended."""
        self._function = function
        if function:
            self._begun_s = time.time()
            self._note("running")
        try:
            yield self._worker
        except RemoteError as error:
            self._full = _FULL in error.message and self._is_full()
            trace = self._own(error.traceback)
            text = f"{error.type_name}: {error.message}"
            failed = RunFailed(self.run, function, error.type_name, error.message, trace)
            self.close("raised", text)
            raise failed from RemoteTraceback(trace)
        except PodTimeout:
            self.close("stopped", "wall_s")
            raise RunTimeout(self.run, function, "wall_s") from None
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

    def _own(self, text: str) -> str:
        """Take the platform's paths out of a traceback: there is one, that of the interpreter."""
        for path in interpreter_paths(rref_path(self._plan.place.store, self._plan.env)):
            text = text.replace(f"{path}/", "/python/")
        return text

    def _is_full(self) -> bool:
        return self._folder >= 0 and os.fstatvfs(self._folder).f_bavail == 0

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
            self._take_over()
        except QuotaExceeded as error:
            state, detail = "refused", error.wanted
            raise
        finally:
            if self._folder >= 0:
                os.close(self._folder)
                self._folder = -1
            used = {"wall_s": wall_s, "cpu_s": cpu_s, "memory_bytes": memory_bytes}
            self._note(state, detail[:1000], **used)

    def _take_over(self) -> None:
        """Bring what the run changed in its scratch to the tenant's, if there is room for it."""
        if self._folder < 0:
            return
        if self._full:
            raise self._refused("a write to scratch")
        place = self._plan.place
        try:
            after = scratch.listing(self._folder)
        except scratch.TooMuch as error:
            raise self._refused(str(error)) from None
        come, gone = scratch.difference(self._inside, after)
        if come or gone:
            with suppress(FileNotFoundError), locked(place), scratch.folder(place.scratch) as fd:
                self._require_room(scratch.listing(fd), come, gone)
                scratch.dropped(fd, gone)
                scratch.copied(self._folder, come, fd)

    def _require_room(
        self, now: scratch.Listing, come: dict[str, scratch.Entry], gone: list[str]
    ) -> None:
        place, plan = self._plan.place, self._plan
        then = {path: one for path, one in now.entries.items() if path not in gone} | come
        if len(then) > scratch.MOST_ENTRIES:
            raise self._refused(f"more than {scratch.MOST_ENTRIES:,} files in scratch")
        used = quota(place, plan.quota_bytes)
        more = scratch.Listing(then, 0).bytes - now.bytes
        if more > 0:
            kept = (*used.parts, ("what the run wrote", more))
            require_room(changed(used, parts=kept), place, "what a run wrote to scratch")

    def _refused(self, wanted: str) -> QuotaExceeded:
        used = quota(self._plan.place, self._plan.quota_bytes)
        return QuotaExceeded(self._plan.place.name, used.quota_bytes, used.parts, wanted)

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
        records.write(plan.place.runs, replace(record, state=state, detail=detail, **used))
