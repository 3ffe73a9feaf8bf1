"""Every file of the standard library is rewritten: it parses, and only what should differ does."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from pathlib import Path

import pytest

from pylightnix.tenants import CannotRewrite, rewrite_imports

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
FILES = sorted(
    path.relative_to(LIBRARY).as_posix()
    for path in LIBRARY.rglob("*.py")
    if "site-packages" not in path.parts
)
PACKAGES = ("os", "sys", "re", "collections", "json", "importlib", "test", "unittest", "email")
SAMPLE = FILES[:: max(1, len(FILES) // 40)]


class Expected(ast.NodeTransformer):
    """The tree that is wanted, made from the old one without looking at any text."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        top = (node.module or "").split(".")[0]
        if node.level == 0 and top in PACKAGES:
            return ast.ImportFrom(f"localpackages.{node.module}", node.names, 1)
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST | list[ast.stmt]:
        if not any(alias.name.split(".")[0] in PACKAGES for alias in node.names):
            return node
        return [each for alias in node.names for each in self.one(alias)]

    def one(self, alias: ast.alias) -> list[ast.stmt]:
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
        assert ast.dump(ast.parse(done.source)) == ast.dump(Expected().visit(old)), path
    lines, now = source.splitlines(), done.source.splitlines()
    assert len(lines) == len(now), path
    touched = {
        line
        for change in done.changes
        for line in range(change.line, change.line + change.old.count("\n") + 1)
    }
    if b"\r" not in source and b"\x0c" not in source:
        assert [
            n for n, pair in enumerate(zip(lines, now, strict=True), 1) if pair[0] != pair[1]
        ] == [n for n in sorted(touched) if lines[n - 1] != now[n - 1]], path
    return len(done.changes)


def test_a_sample_of_the_standard_library() -> None:
    assert len(SAMPLE) >= 40
    assert sum(check(LIBRARY / name) for name in SAMPLE) > 40


@pytest.mark.slow
def test_all_of_the_standard_library() -> None:
    assert sum(check(LIBRARY / name) for name in FILES) > 500
