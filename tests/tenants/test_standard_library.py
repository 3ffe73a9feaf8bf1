"""Every file of the standard library is rewritten: it parses, and only what should differ does."""

from __future__ import annotations

import ast
import os
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pylightnix.tenants import CannotRewrite, rewrite_imports

LIBRARY = Path(sysconfig.get_paths()["stdlib"])


def _files() -> Iterator[str]:
    for home, folders, names in os.walk(LIBRARY):
        folders[:] = [name for name in folders if name != "site-packages"]
        yield from (
            os.path.relpath(f"{home}/{name}", LIBRARY) for name in names if name[-3:] == ".py"
        )


FILES = sorted(_files())
PACKAGES = ("os", "sys", "re", "collections", "json", "importlib", "test", "unittest", "email")
SAMPLE = FILES[:: max(1, len(FILES) // 40)]
SHARES = 8
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def wanted(node: ast.AST) -> Sequence[ast.AST]:
    """The statements that should stand for an old one, made without looking at any text."""
    if isinstance(node, ast.ImportFrom):
        if node.level == 0 and (node.module or "").split(".")[0] in PACKAGES:
            return [ast.ImportFrom(f"localpackages.{node.module}", node.names, 1)]
    elif isinstance(node, ast.Import) and any(
        alias.name.split(".")[0] in PACKAGES for alias in node.names
    ):
        return [each for alias in node.names for each in _one(alias)]
    return [node]


def _one(alias: ast.alias) -> list[ast.stmt]:
    top, _, rest = alias.name.partition(".")
    if top not in PACKAGES:
        return [ast.Import([alias])]
    if not rest:
        return [ast.ImportFrom("localpackages", [alias], 1)]
    bound = alias.asname or top
    first = ast.ImportFrom(f"localpackages.{alias.name}", [ast.alias("__doc__", bound)], 1)
    package, _, last = alias.name.rpartition(".")
    if alias.asname:
        taken = ast.alias(last, bound)
        return [first, ast.ImportFrom(f"localpackages.{package}", [taken], 1)]
    return [first, ast.ImportFrom("localpackages", [ast.alias(top)], 1)]


def strangers(old: ast.AST, new: ast.AST, changed: set[int]) -> Iterator[str]:
    """Tell of statements that are not the wanted ones.

    Args:
        old: of what was.
        new: of what became of it.
        changed: numbers of the lines whose text differs. What stands in the same place, on lines
            that do not differ, is the same.
    """
    todo = [(old, new)]
    while todo:
        was, now = todo.pop()
        for block in BLOCKS:
            before = [each for node in getattr(was, block, ()) for each in wanted(node)]
            after = getattr(now, block, ())
            if len(before) != len(after):
                yield f"{len(after)} statements, not {len(before)}, in {_shown(was)}"
            for pair in zip(before, after, strict=False):
                if type(pair[0]) is not type(pair[1]) or not _alike(*pair, changed):
                    yield f"{_shown(pair[1])} and not {_shown(pair[0])}"
                elif hasattr(pair[0], "body") or hasattr(pair[0], "cases"):
                    todo.append(pair)


def _alike(was: ast.AST, now: ast.AST, changed: set[int]) -> bool:
    """Whether two statements of one kind are equal but for the blocks in them."""
    first = getattr(was, "lineno", None)
    if first is not None:
        for decorator in getattr(was, "decorator_list", ()):
            first = min(first, decorator.lineno)
        if changed.isdisjoint(range(first, was.end_lineno + 1)):  # type: ignore[attr-defined]
            return _span(was) == _span(now)
    return ast.dump(_bare(was)) == ast.dump(_bare(now))


def _span(node: ast.AST) -> tuple[object, ...]:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _bare(node: ast.AST) -> ast.AST:
    return type(node)(**{name: item for name, item in ast.iter_fields(node) if name not in BLOCKS})


def _shown(node: ast.AST) -> str:
    return f"{getattr(node, 'lineno', '')}: {ast.dump(_bare(node))}"


def check(path: Path) -> int:
    source = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            old = ast.parse(source)
        except (SyntaxError, ValueError):
            with pytest.raises(CannotRewrite):
                rewrite_imports(source, PACKAGES)
            return 0
        done = rewrite_imports(source, PACKAGES)
        new = old if done.source == source else ast.parse(done.source)
    lines, now = source.splitlines(), done.source.splitlines()
    assert len(lines) == len(now), path
    changed = {n for n, pair in enumerate(zip(lines, now, strict=True), 1) if pair[0] != pair[1]}
    touched = {
        line
        for change in done.changes
        for line in range(change.line, change.line + change.old.count("\n") + 1)
    }
    if b"\r" in source or b"\x0c" in source:  # whose lines others count otherwise
        changed = set(range(len(lines) + 2))
    else:
        assert changed == {n for n in touched if lines[n - 1] != now[n - 1]}, path
    assert list(strangers(old, new, changed)) == [], path
    return len(done.changes)


@pytest.mark.parametrize(
    "new",
    [
        "import os, json\nx = 1\n",
        "from .localpackages import os; from .localpackages import jsom\nx = 1\n",
        "from .localpackages import os; from .localpackages import json; x = 1\nx = 1\n",
        "from .localpackages import os; from .localpackages import json\nx = 2\n",
        "from .localpackages import os; from .localpackages import json\nx =  1\n",
    ],
)
def test_another_tree_is_seen(new: str) -> None:
    old = "import os, json\nx = 1\n"
    changed = {
        n for n, pair in enumerate(zip(old.split("\n"), new.split("\n"), strict=True), 1)
        if pair[0] != pair[1]
    }  # fmt: skip
    assert any(strangers(ast.parse(old), ast.parse(new), changed)) == (" =  1" not in new)


def test_a_sample_of_the_standard_library() -> None:
    assert len(SAMPLE) >= 40
    assert sum(map(check, (LIBRARY / name for name in SAMPLE))) > 40


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_all_of_the_standard_library(share: int) -> None:
    assert sum(check(LIBRARY / name) for name in FILES[share::SHARES]) > 400 / SHARES
