"""Tenants: create, list, install, missing, run, log, quota, delete."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pylightnix.api.ambient import environment, use_store
from pylightnix.core.legible import shown, size
from pylightnix.sandbox.policy import Policy
from pylightnix.tenants.refusals import InvalidTenant, RunFailed
from pylightnix.tenants.tenant import ROOT, Tenant

from .exits import DONE, NOT_SO
from .out import complain, say, say_json, say_lines
from .pick import store_of
from .sizes import bytes_of
from .target import InvalidTarget, arguments_of
from .text import columns, escaped
from .times import moment, span


def create(args: Namespace) -> int:
    """Make a tenant."""
    with use_store(store_of(args)):
        made = Tenant.create(
            args.name,
            _root(args),
            args.packages,
            _policy(args),
            _bytes(args.quota),
            args.find_links,
        )
    _told(args, _facts(made), f"{made.name} is in {made.folder}")
    return DONE


def _policy(args: Namespace) -> Policy:
    env = dict(_pair(word) for word in args.env)
    return Policy(
        network=args.network,
        ro=args.ro,
        rw=args.rw,
        memory_bytes=_bytes(args.memory),
        cpu_s=None if args.cpu is None else span(args.cpu),
        wall_s=None if args.wall is None else span(args.wall),
        pids=64 if args.pids is None else args.pids or None,
        file_bytes=_bytes(args.file_size),
        env=env,
        backend=args.backend,
    )


def _pair(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals:
        raise InvalidTarget(word, "expected a variable as NAME=VALUE")
    return name, text


def _bytes(text: str | None) -> int | None:
    return None if text is None else bytes_of(text)


def list_tenants(args: Namespace) -> int:
    """List them."""
    found = [_facts(one) for one in Tenant.list(_root(args), store=store_of(args))]
    if args.json:
        say_json(found)
    else:
        rows = [(one["name"], ", ".join(one["packages"]) or "-") for one in found]
        say_lines(columns([tuple(map(escaped, row)) for row in rows]))
    return DONE


def _facts(one: Tenant) -> dict[str, Any]:
    told = one.settings
    return {
        "folder": one.folder,
        "name": one.name,
        "packages": list(told.packages),
        "quota_bytes": told.quota_bytes,
    }


def install(args: Namespace) -> int:
    """Install what is missing."""
    from pylightnix.api.listeners import listener_for

    tenant = _tenant(args)
    with listener_for() as listener:
        env = tenant.install(listener)
    installed = tenant.installed()
    lines = [f"{name} {version}" for name, version in installed.items()]
    _told(args, {"env": env, "installed": installed}, *lines)
    return DONE


def missing(args: Namespace) -> int:
    """Tell what is missing."""
    tenant = _tenant(args)
    lacking = tenant.missing()
    _told(args, {"installed": tenant.installed(), "missing": list(lacking)}, *lacking)
    return NOT_SO if lacking else DONE


def run(args: Namespace) -> int:
    """Call a function."""
    file, _, function = args.target.partition(":")
    function = function or "main"
    given = arguments_of(args.arguments)
    stream = sys.stderr if args.json else sys.stdout

    runs: list[str] = []

    def heard(run: str, piece: bytes) -> None:
        runs[:] = [run]
        stream.write(shown(piece.decode(errors="replace")))
        stream.flush()

    tenant = _tenant(args)
    try:
        with tenant.load(file, on_output=heard) as job:
            if function not in dir(job):
                have = ", ".join(dir(job)) or "none"
                issue = f"{file} has no such function; it has {have}"
                raise InvalidTenant("the function of a job", function, issue)
            value = getattr(job, function)(**given)
            if isinstance(value, Iterator):
                value = list(value)
    except RunFailed as error:
        complain(f"{error}\n{error.traceback}".rstrip())
        return NOT_SO
    if args.json:
        import json

        say_json(json.loads(json.dumps({"run": runs[0], "value": value}, default=repr)))
    elif value is not None:
        say(shown(str(value)))
    return DONE


def log(args: Namespace) -> int:
    """List runs, or show one's log."""
    found = _tenant(args).log(args.last)
    if args.what is not None:
        chosen = [one for one in found if one.run.startswith(args.what)]
        if len(chosen) != 1:
            issue = f"{len(chosen)} runs begin with that; `tenant log {args.name}` lists them"
            raise InvalidTenant("a run", args.what, issue)
        text = chosen[0].text()
        _told(args, {**asdict(chosen[0]), "text": text}, *shown(text).splitlines())
        return DONE
    if args.json:
        say_json([asdict(one) for one in found])
        return DONE
    rows = [
        (
            one.run,
            moment(one.begun_s),
            f"{one.wall_s:.3f} s",
            f"{one.file}:{one.function}",
            one.state,
            one.detail[:100],
        )
        for one in found
    ]
    say_lines(columns([tuple(map(escaped, row)) for row in rows], right=(2,)))
    return DONE


def quota(args: Namespace) -> int:
    """Tell what is used."""
    used = _tenant(args).quota()
    rows = [(what, size(count)) for what, count in used.parts]
    rows.append(("in all", size(used.used_bytes)))
    rows.append(("of", "any" if used.quota_bytes is None else size(used.quota_bytes)))
    told = {
        "parts": dict(used.parts),
        "quota_bytes": used.quota_bytes,
        "used_bytes": used.used_bytes,
    }
    _told(args, told, *columns(rows, right=(1,)))
    return DONE


def delete(args: Namespace) -> int:
    """Delete a tenant."""
    tenant = _tenant(args)
    tenant.delete()
    _told(args, {"deleted": tenant.name}, f"{tenant.name} is gone")
    return DONE


def _root(args: Namespace) -> str:
    return args.root or environment().get("PYLIGHTNIX_TENANTS") or ROOT


def _tenant(args: Namespace) -> Tenant:
    return Tenant.open(args.name, _root(args), store=store_of(args))


def _told(args: Namespace, facts: dict[str, Any], *lines: str) -> None:
    if args.json:
        say_json(facts)
    else:
        say_lines(map(escaped, lines))
