"""Compare experiments: table."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping

from pylightnix.api.table import Table
from pylightnix.api.table import table as table_of
from pylightnix.core.codec import canonical_json
from pylightnix.core.errors import InvalidValue
from pylightnix.core.legible import duration, size
from pylightnix.core.refs import RRef

from .exits import DONE
from .out import pour, say_json, say_lines
from .pick import short, store_of
from .text import columns, escaped
from .times import moment, seconds_of

RIGHT = ("seconds", "size_bytes")


def table(args: Namespace) -> int:
    """Print the experiments that were asked for."""
    if args.csv and args.json:
        raise InvalidValue("a table has one form: leave out --json or --csv")
    found = table_of(args.name, dict(args.metric), sort=args.sort, store=store_of(args))
    if args.json:
        say_json(list(found))
    elif args.csv:
        pour([_csv(found)])
    else:
        say_lines(_lines(found))
    return DONE


def _csv(found: Table) -> bytes:
    import csv
    from io import StringIO

    text = StringIO()
    writer = csv.writer(text, lineterminator=os.linesep)
    names = found.columns
    writer.writerow(names)
    writer.writerows([[_plain(row.get(name)) for name in names] for row in found])
    return text.getvalue().encode(errors="replace")


def _plain(value: object) -> str:
    """Write a value so that it can be read again: texts as they are, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical_json(value).decode(errors="replace")


def _lines(found: Table) -> list[str]:
    names = found.columns
    if not found:
        return []
    right = [i for i, name in enumerate(names) if name in RIGHT or _all_numbers(found, name)]
    cells = [[_cell(name, row) for name in names] for row in found]
    return columns([[escaped(name) for name in names], *cells], right=right)


def _all_numbers(found: Table, name: str) -> bool:
    values = [row[name] for row in found if row.get(name) is not None]
    return all(isinstance(value, int | float) for value in values)


def _cell(name: str, row: Mapping[str, object]) -> str:
    value = row.get(name)
    if name == "built":
        return moment(seconds_of(value) if isinstance(value, str) else None)
    if name == "seconds":
        return duration(value if isinstance(value, float) else None)
    if name == "size_bytes" and isinstance(value, int):
        return size(value)
    if name == "rref" and isinstance(value, str):
        return short(RRef(value))
    return escaped(_plain(value)[:60])
