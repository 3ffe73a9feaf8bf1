"""A platform that runs the code of its users: `python service.py platform.toml`."""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from tenancy import Run, User, failed

from pylightnix import PylightnixError, Store
from pylightnix.sandbox import Policy
from pylightnix.tenants import NoTenant, Tenant

UPLOAD_BYTES = 1 << 20


async def put_file(request: Request) -> Response:
    """Keep a module."""
    user, name = _user(request), request.path_params["name"]
    if not name.endswith(".py") or not name[:-3].isidentifier():
        raise HTTPException(400, "give a module a name like job.py")
    await user.does(partial(user.upload, name, await request.body()))
    return Response(status_code=204)


async def packages(request: Request) -> Response:
    """Tell what is there and what is missing; install, with PUT."""
    user = _user(request)
    wanted = await _json(request, list) if request.method == "PUT" else None
    return _answer(200, await user.does(partial(user.packages, wanted)))


async def start_run(request: Request) -> Response:
    """Have a function called; this answers when that has begun."""
    user, file, function = _user(request), request.path_params["file"], request.path_params["call"]
    place = f"/runs/{user.start(file, function, await _json(request, dict)).name}"
    return _answer(202, {"result": place, "log": f"{place}/log"}, {"Location": place})


async def result(request: Request) -> Response:
    """Wait for the end of a call; the status says how it ended."""
    return _answer(*await _run(request).answer)


async def log(request: Request) -> Response:
    """Send what a call prints, while it runs, and at last how it ended."""
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(_run(request).events(), 200, headers, "text/event-stream")


def _user(request: Request) -> User:
    """Tell users apart by their tokens; by hashes, as equal beginnings of texts take longer."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    user: User | None = request.app.state.users.get(_digest(token))
    if scheme.lower() != "bearer" or user is None:
        headers = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "send your token: `Authorization: Bearer TOKEN`", headers)
    return user


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _run(request: Request) -> Run:
    """Find a run among those of the user: of others nothing is told, not even that there are."""
    run = _user(request).runs.get(request.path_params["run"])
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
    return Response(json.dumps(told), status, headers, "application/json")


async def _failed(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _answer(error.status_code, {"error": error.detail}, error.headers)
    return _answer(*failed(error))


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
        users[_digest(token)] = User(tenant)
    routes = [
        Route("/files/{name}", put_file, methods=["PUT"]),
        Route("/packages", packages, methods=["GET", "PUT"]),
        Route("/runs/{file}/{call}", start_run, methods=["POST"]),
        Route("/runs/{run}", result),
        Route("/runs/{run}/log", log),
    ]
    handlers = dict.fromkeys([HTTPException, PylightnixError, Exception], _failed)
    app = Starlette(False, routes, None, handlers, max_body_size=UPLOAD_BYTES)
    app.state.users = users
    return app


if __name__ == "__main__":
    file = Path(sys.argv[1]).resolve()
    config = tomllib.loads(file.read_text(encoding="utf-8"))
    uvicorn.run(service(config, file.parent), port=config["port"], limit_concurrency=200)
