"""Users of the service: each is a tenant with threads of its own, so that none waits for another.

All of it belongs to one event loop; what a thread has to say it hands to the loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias, TypeVar

from starlette.exceptions import HTTPException

from pylightnix.sandbox import SandboxUnavailable
from pylightnix.tenants import (
    InstallFailed,
    InvalidTenant,
    NotInstalled,
    QuotaExceeded,
    RunFailed,
    RunStopped,
    RunTimeout,
    Tenant,
)

T = TypeVar("T")
Answer: TypeAlias = tuple[int, dict[str, Any]]
AT_ONCE, PENDING, REQUESTS, KEPT = 2, 8, 16, 20  # runs, deeds, requests; runs that have ended
LOG_BYTES = VALUE_BYTES = 1 << 18  # what is shown of a log, and what a value may take
# What is told with its text, and what only with a status: its text speaks of the platform.
TOLD = {
    InvalidTenant: 400,
    InstallFailed: 422,
    NotInstalled: 409,
    QuotaExceeded: 507,
    RunFailed: 422,
    RunTimeout: 504,
    RunStopped: 422,
}
NOT_TOLD = {
    SandboxUnavailable: (503, "no code can be run here at present"),
}


class User:
    """A tenant, and its runs since the service was started."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.runs: dict[str, Run] = {}
        self._threads, self._callers = ThreadPoolExecutor(1), ThreadPoolExecutor(AT_ONCE)
        self._pending = self._requests = 0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request: who could have all connections would lock out others."""
        if self._requests >= REQUESTS:
            raise HTTPException(429, "you have too many requests under way: wait for some of them")
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    def does(self, deed: Callable[[], T], threads: Executor | None = None) -> asyncio.Future[T]:
        """Do something with the tenant, in a thread of its own."""
        if self._pending >= PENDING:
            raise HTTPException(429, "you have too much under way: wait for some of it")
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(threads or self._threads, deed)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: object) -> None:
        self._pending -= 1

    def packages(self, wanted: list[str] | None) -> dict[str, Any]:
        """Tell what is there and what is missing; first install what is wanted, if it is said."""
        if wanted is not None:
            self.tenant.change(packages=wanted)
            self.tenant.install()
        return {"installed": self.tenant.installed(), "missing": self.tenant.missing()}

    def start(self, file: str, function: str, arguments: dict[str, Any]) -> Run:
        """Have a function called."""
        run = Run()
        run.answer = self.does(partial(self._call, run, file, function, arguments), self._callers)
        run.answer.add_done_callback(lambda _: run.tell())
        self.runs[run.name] = run
        for name in [name for name, one in self.runs.items() if one.answer.done()][:-KEPT]:
            del self.runs[name]
        return run

    def _call(self, run: Run, file: str, function: str, arguments: dict[str, Any]) -> Answer:
        try:
            with self.tenant.load(file, at_once=1, on_output=run.heard) as job:
                if function not in dir(job):
                    return 404, {"error": f"{file} has no {function}", "functions": dir(job)}
                value = vars(job)[function](**arguments)
        except Exception as error:
            return failed(error)
        try:  # of a generator function that is an iterator, which never began
            size = len(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            return 422, {"error": f"this value has no form in JSON: {error}"}
        if size > VALUE_BYTES:
            return 422, {"error": f"the value takes {size} bytes; {VALUE_BYTES} are the most"}
        return 200, {"value": value}


class Run:
    """One call: what it has printed up to now, and its answer once it has ended."""

    answer: asyncio.Future[Answer]

    def __init__(self) -> None:
        self.name = secrets.token_hex(8)
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        self._texts: list[str] = []
        self._left, self._decoder = LOG_BYTES, getincrementaldecoder("utf-8")("replace")

    def heard(self, _: str, piece: bytes) -> None:
        """Take what was printed, in a thread."""
        piece = piece[: self._left]
        self._left -= len(piece)
        if text := self._decoder.decode(piece):
            self._loop.call_soon_threadsafe(self.tell, text)

    def tell(self, *texts: str) -> None:
        """Wake up all who read."""
        self._texts += texts
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def events(self) -> AsyncIterator[str]:
        """Give what it prints as server-sent events, from the beginning, and its answer."""
        seen = 0
        while seen < len(self._texts) or not self.answer.done():
            if texts := self._texts[seen:]:
                seen += len(texts)
                yield _event("log", "".join(texts))
            else:
                await self._news.wait()
        status, told = self.answer.result()
        yield _event("end", {"status": status, **told})


def _event(kind: str, data: object) -> str:
    # As JSON it has no line end: nothing that a run prints can pass for an event.
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def failed(error: Exception) -> Answer:
    """Answer with what went wrong, and with nothing that the platform keeps for itself."""
    for kind, status in TOLD.items():
        if isinstance(error, kind):
            fields = ("missing", "reason", "traceback", "used")
            more = {name: getattr(error, name) for name in fields if hasattr(error, name)}
            return status, {"error": str(error), **more}
    logging.error("of this a user is told no more than a status", exc_info=error)
    for kind, (status, text) in NOT_TOLD.items():
        if isinstance(error, kind):
            return status, {"error": text}
    return 500, {"error": "this is a mistake of the platform's own"}
