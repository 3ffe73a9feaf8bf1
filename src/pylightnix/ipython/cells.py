"""A cell as the builder of a stage: its text becomes the body of a function."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Mapping
from typing import Any

from .words import UsageError, named, parse, value_of

HIDDEN = ("out", "build", "rindex")


def cell_source(line: str, cell: str, variables: Mapping[str, Any]) -> str:
    """Write the program that makes a stage of a cell.

    Args:
        line: `NAME [k=v ...]`.
        cell: the text of the cell, plain Python.
        variables: of the shell; a `v` that names one of them is that.

    Raises:
        UsageError: the line is something else.
        SyntaxError: the cell is no Python.
    """
    name, *words = line.split()[:1] + _words(line)
    if not name.isidentifier():
        raise UsageError(name, "cannot be the name of a stage")
    fields: dict[str, str] = {}
    for word in words:
        key, _, text = word.partition("=")
        if key in HIDDEN:
            raise UsageError(word, f"gives {key!r}, which the cell has anyway")
        fields[key] = text if named(text, variables) is not None else repr(value_of(text))
    given = "".join(f", {key}={text}" for key, text in fields.items())
    taken = ", ".join((*HIDDEN, *fields))
    return (
        "from pylightnix import autostage as _autostage, selfref as _selfref\n"
        f"@_autostage(out=[_selfref]{given})\n"
        f"def {name}({taken}):\n{indented(cell)}"
    )


def _words(line: str) -> list[str]:
    import shlex

    parse(line, {}, "")  # refuses what is not of the form
    return shlex.split(line)[1:]


def indented(cell: str) -> str:
    """Indent a program, but not the texts of several lines in it, which would become others."""
    compile(cell, "<cell>", "exec")
    inside: set[int] = set()
    begun: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(cell).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        elif kind.endswith("STRING_START"):  # of an f-string, from Python 3.12 on
            begun.append(token.start[0])
        elif kind.endswith("STRING_END"):
            inside.update(range(begun.pop() + 1, token.end[0] + 1))
    lines = cell.splitlines(keepends=True)
    body = "".join(
        text if number in inside or not text.strip() else f"    {text}"
        for number, text in enumerate(lines, 1)
    )
    return f"{body}\n    pass\n"
