"""A platform that runs the code of its users: `python service.py platform.toml`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from tenancy import Run, User, failed

from pylightnix import PylightnixError, Store
from pylightnix.sandbox import Policy
from pylightnix.tenants import NoTenant, Tenant

UPLOAD_BYTES = 1 << 20


async def put_file(request: Request) -> Response:
    """Keep a module."""
    user, name = request.state.user, request.path_params["name"]
    if not name.endswith(".py") or not name[:-3].isidentifier():
        raise HTTPException(400, "give a module a name like job.py")
    await user.does(partial(user.tenant.write, name, await request.body()))
    return Response(status_code=204)


async def packages(request: Request) -> Response:
    """Tell what is there and what is missing; install, with PUT."""
    user = request.state.user
    wanted = await _json(request, list) if request.method == "PUT" else None
    if any("@" in str(text) for text in wanted or ()):  # which may be a place on our disk
        raise HTTPException(400, "give packages by name and version, not by place")
    return _answer(200, await user.does(partial(user.packages, wanted)))


async def start_run(request: Request) -> Response:
    """Have a function called; this answers when that has begun."""
    called = request.path_params["file"], request.path_params["function"]
    place = f"/runs/{request.state.user.start(*called, await _json(request, dict)).name}"
    return _answer(202, {"result": place, "log": f"{place}/log"}, {"Location": place})


async def result(request: Request) -> Response:
    """Wait for the end of a call; the status says how it ended."""
    return _answer(*await _run(request).answer)


async def log(request: Request) -> Response:
    """Send what a call prints, while it runs, and at last how it ended."""
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(_run(request).events(), 200, headers, "text/event-stream")


def _run(request: Request) -> Run:
    """Find a run among those of the user: of others nothing is told, not even that there are."""
    run: Run | None = request.state.user.runs.get(request.path_params["run"])
    if run is None:
        raise HTTPException(404, "you have no such run, or it was long ago")
    return run


async def _json(request: Request, kind: type[Any]) -> Any:
    try:
        found = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is no JSON: {error}") from None
    if type(found) is not kind:
        raise HTTPException(400, f"the body is to be a JSON {kind.__name__}")
    return found


def _answer(status: int, told: object, headers: Mapping[str, str] | None = None) -> Response:
    # In ASCII: texts of users may have what UTF-8 cannot say.
    return Response(json.dumps(told) + "\n", status, headers, "application/json")


async def _failed(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _answer(error.status_code, {"error": error.detail}, error.headers)
    return _answer(*failed(error))


class Known:
    """Lets no request through but those of a user who is told by a token."""

    def __init__(self, app: ASGIApp, users: Mapping[bytes, User]) -> None:
        self._app, self._users = app, users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http":
            scheme, _, token = Request(scope).headers.get("authorization", "").partition(" ")
            user = self._users.get(digest(token))
            if scheme.lower() != "bearer" or user is None:
                ask = {"WWW-Authenticate": "Bearer"}
                raise HTTPException(401, "send your token: `Authorization: Bearer TOKEN`", ask)
            scope.setdefault("state", {})["user"] = user
            with user.request():
                await self._app(scope, receive, send)


def digest(token: str) -> bytes:
    """Give what a user is known by: to compare tokens takes longer the more of them fits."""
    return hashlib.sha256(token.encode()).digest()


def service(config: Mapping[str, Any], base: Path) -> Starlette:
    """Make the service; `base` is what paths in `config` are relative to."""
    folder = base / config["folder"]
    folder.mkdir(mode=0o700, exist_ok=True)
    store = Store.open(folder / "store", create=True)
    users = {}
    for name, token in config["users"].items():
        try:
            tenant = Tenant.open(name, folder / "tenants", store=store)
        except NoTenant:
            tenant = Tenant.create(name, folder / "tenants", store=store)
        links = tuple(str(base / links) for links in config["find_links"])
        policy, quota_bytes = Policy(**config["policy"]), config["quota_bytes"]
        tenant.change(policy=policy, quota_bytes=quota_bytes, find_links=links)
        users[digest(token)] = User(tenant)
    routes = [
        Route("/files/{name}", put_file, methods=["PUT"]),
        Route("/packages", packages, methods=["GET", "PUT"]),
        Route("/runs/{file}/{function}", start_run, methods=["POST"]),
        Route("/runs/{run}", result),
        Route("/runs/{run}/log", log),
    ]
    handlers = dict.fromkeys([HTTPException, PylightnixError, Exception], _failed)
    known = Mount("", routes=routes, middleware=[Middleware(Known, users=users)])
    return Starlette(False, [known], None, handlers, max_body_size=UPLOAD_BYTES)


if __name__ == "__main__":
    file = Path(sys.argv[1]).resolve()
    config = tomllib.loads(file.read_text(encoding="utf-8"))
    os.environ["UV_CONFIG_FILE"] = str(Path(__file__).with_name("uv.toml"))
    os.environ["PIP_ONLY_BINARY"] = ":all:"  # the same for pip, which is taken where there is no uv
    uvicorn.run(service(config, file.parent), port=config["port"], limit_concurrency=200)
