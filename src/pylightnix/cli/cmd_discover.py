"""The plugins of a project that is going to be built: discover, entrypoints, check."""

from __future__ import annotations

import json
import os
from argparse import Namespace

from pylightnix.plugins.discovery import Discovery
from pylightnix.plugins.discovery import discover as find
from pylightnix.plugins.entries import grouped, ini_text
from pylightnix.plugins.settings import Settings, committed, project_table, settings_in

from .exits import DONE, NOT_SO
from .out import complain, say, say_json, say_lines
from .text import count


def discover(args: Namespace) -> int:
    """Print or write the entry points of a project."""
    found = _found(args, _settings(args))
    if args.json or args.format == "json":
        text = json.dumps(grouped(found.entries), sort_keys=True) + "\n"
    else:
        text = ini_text(found.entries)
    if args.output is None:
        say_lines(text.splitlines())
    else:
        _write(args.output, text)
    return DONE


def entrypoints(args: Namespace) -> int:
    """Write plugins.ini."""
    settings = _settings(args)
    found = _found(args, settings)
    path = os.path.join(args.folder, settings.file)
    _write(path, ini_text(found.entries))
    if args.json:
        say_json({"file": path, "plugins": len(found.entries)})
    else:
        say(f"{path}: {count(len(found.entries), 'plugin')}")
    return DONE


def check(args: Namespace) -> int:
    """Compare plugins.ini with the code."""
    settings = _settings(args)
    now = set(ini_lines(ini_text(_found(args, settings).entries)))
    before = set(ini_lines(ini_text(committed(args.folder, settings))))
    missing, surplus = sorted(now - before), sorted(before - now)
    path = os.path.join(args.folder, settings.file)
    if args.json:
        same = not missing and not surplus
        say_json({"file": path, "missing": missing, "ok": same, "surplus": surplus})
    else:
        say_lines([*(f"+{line}" for line in missing), *(f"-{line}" for line in surplus)])
    if missing or surplus:
        complain(f"{path} is out of date: write it anew with `pylightnix plugins entrypoints`")
        return NOT_SO
    return DONE


def ini_lines(text: str) -> list[str]:
    """Give each entry point in a line of its own: `namespace: name = value`."""
    lines: list[str] = []
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line[1:-1]
        elif line:
            lines.append(f"{group}: {line}")
    return lines


def _settings(args: Namespace) -> Settings:
    return settings_in(project_table(args.folder)) or Settings()


def _found(args: Namespace, settings: Settings) -> Discovery:
    where = settings.where_in(args.folder)
    if args.where is not None:
        where = os.path.join(args.folder, args.where)
    look = find
    if args.importing:
        from pylightnix.plugins.imported import discover_imported

        look = discover_imported
    found = look(
        where,
        args.exclude or settings.exclude,
        args.include or settings.include,
        keep_going=args.keep_going,
    )
    for line in found.broken:
        complain(f"left out: {line}")
    for line in found.unsure:
        complain(f"{line}; --import finds out")
    return found


def _write(path: str, text: str) -> None:
    """Write it aside and rename it: a build that reads it meanwhile gets the old one."""
    aside = f"{path}.{os.getpid()}"
    with open(aside, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)
