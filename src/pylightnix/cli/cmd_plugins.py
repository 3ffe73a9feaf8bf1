"""Plugins that are installed: list, show, resolve, doctor; and commands that are plugins."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from contextlib import nullcontext
from inspect import getdoc
from typing import Any

from pylightnix.core.legible import shown
from pylightnix.plugins.entries import Entry
from pylightnix.plugins.failures import NoSuchPlugin, PluginFailed
from pylightnix.plugins.health import Complaint, examine
from pylightnix.plugins.index import Index
from pylightnix.plugins.manager import PluginManager
from pylightnix.plugins.own import KINDS, lookup

from .exits import DONE, NOT_SO
from .out import complain, say, say_json, say_lines
from .text import columns, count, escaped


def list_plugins(args: Namespace) -> int:
    """List what is installed."""
    found = list(_entries(Index(), _namespaces(args)))
    if args.json:
        say_json([_json(entry) for entry in found])
    else:
        say_lines(columns([(e.namespace, e.name, e.value, e.distribution) for e in found]))
    return DONE


def show(args: Namespace) -> int:
    """Tell all that is known of a plugin."""
    index, namespaces = Index(), _namespaces(args)
    found = [entry for entry in _entries(index, namespaces) if entry.name == args.name]
    if not found:
        had = ((namespace, index.had(namespace, args.name)) for namespace in namespaces)
        namespace, dist = next((pair for pair in had if pair[1]), (", ".join(namespaces), ""))
        raise NoSuchPlugin(namespace, args.name, dist)
    if args.json:
        say_json([_json(entry) | {"place": entry.place} for entry in found])
        return DONE
    for entry in found:
        rows = [
            ("namespace", entry.namespace),
            ("name", entry.name),
            ("value", entry.value),
            ("distribution", entry.distribution),
            ("place", entry.place),
        ]
        say_lines(columns([(key, escaped(text)) for key, text in rows]))
    return DONE


def resolve(args: Namespace) -> int:
    """Import plugins."""
    results: list[tuple[str, str, bool, str]] = []
    for namespace in _namespaces(args):
        manager: PluginManager[Any] = PluginManager(namespace)
        names = manager.list_names()
        for name in [n for n in names if n in args.names] if args.names else names:
            results.append((namespace, name, *_resolved(manager, name)))
    lacking = set(args.names) - {name for _, name, _, _ in results}
    if lacking:
        raise NoSuchPlugin(", ".join(_namespaces(args)), min(lacking))
    if args.json:
        keys = ("namespace", "name", "ok", "detail")
        say_json([dict(zip(keys, row, strict=True)) for row in results])
    else:
        say_lines(columns([(n, m, "ok" if ok else "BAD", escaped(d)) for n, m, ok, d in results]))
    return DONE if all(ok for _, _, ok, _ in results) else NOT_SO


def _resolved(manager: PluginManager[Any], name: str) -> tuple[bool, str]:
    from pylightnix.core.errors import PluginError

    try:
        spec = manager.get_container(name).resolved(manager.listener)
    except PluginFailed as error:
        return False, error.cause
    except PluginError as error:
        return False, str(error)
    return True, f"{spec.factory!r:.100}"


def doctor(args: Namespace) -> int:
    """Try every plugin."""
    index = Index()
    found = examine(args.namespace, load=not args.no_load, index=index)
    if args.json:
        say_json([_complaint_json(one) for one in found])
    else:
        say_lines(_complaint_lines(found))
        bad = sum(not one.ok for one in found)
        tried = [one for one in found if one.state != "gone"]
        say(f"{bad} of {count(len(tried), 'plugin')} broken" if bad else "all is well")
    if not index.writable():
        complain(f"{index.file} cannot be written, so plugins are looked for anew each time")
    return DONE if all(one.ok for one in found) else NOT_SO


def _complaint_lines(found: Iterable[Complaint]) -> list[str]:
    words = {"ok": "ok", "disabled": "off", "gone": "gone"}
    rows = [
        (words.get(c.state, "BAD"), c.entry.namespace, c.entry.name, c.entry.distribution, _said(c))
        for c in found
    ]
    return columns([tuple(map(escaped, row)) for row in rows])


def _said(one: Complaint) -> str:
    failed = {"resolved": "import: ", "init": "init: ", "loaded": "load: "}
    return f"{failed.get(one.state, '')}{one.detail}"


def _complaint_json(one: Complaint) -> dict[str, object]:
    return _json(one.entry) | {"detail": one.detail, "ok": one.ok, "state": one.state}


def _json(entry: Entry) -> dict[str, Any]:
    return {
        "distribution": entry.distribution,
        "name": entry.name,
        "namespace": entry.namespace,
        "value": entry.value,
    }


def _namespaces(args: Namespace) -> list[str]:
    return args.namespace or [f"pylightnix.{kind}" for kind in KINDS]


def _entries(index: Index, namespaces: Iterable[str]) -> Iterable[Entry]:
    every = index.entries()
    for namespace in namespaces:
        yield from sorted(
            (entry for entry in every if entry.namespace == namespace), key=lambda e: e.name
        )


def foreign(args: Namespace) -> int:
    """Run a command that is a plugin."""
    from pylightnix.api.ambient import use_store

    from .loading import TargetRaised, trace_of
    from .pick import store_of

    main = lookup("commands", args.command)
    if args.argv in (["--help"], ["-h"]):
        text = getdoc(getattr(main, "fn", main)) or "It has no help."
        say_lines([f"usage: pylightnix {args.command} ...", "", *shown(text).splitlines()])
        return DONE
    argv = ["--json", *args.argv] if args.json else args.argv
    try:
        with nullcontext() if args.store is None else use_store(store_of(args)):
            status = main(argv)
    except SystemExit as done:
        status = done.code
    except Exception as error:
        from pylightnix.core.errors import PylightnixError

        if isinstance(error, (PylightnixError, OSError)):
            raise
        raise TargetRaised(f"the command {args.command}", trace_of(error)) from error
    return status if isinstance(status, int) else DONE if status is None else NOT_SO
