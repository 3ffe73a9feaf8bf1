"""The rules of the house that a syntax tree can show; `make floors` keeps those about imports."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "pylightnix"
SOURCES = sorted(p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py"))
Rule: TypeAlias = Callable[[ast.Module, str], Iterator[str]]

LINES_PER_MODULE = 300
LINES_PER_FUNCTION = 50


@cache
def text_of(source: str) -> str:
    return (PACKAGE / source).read_text(encoding="utf-8")


@cache
def tree_of(source: str) -> ast.Module:
    return ast.parse(text_of(source))


def long_functions(tree: ast.Module, source: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False)
            size = (node.end_lineno or 0) - node.lineno + 1 - (doc.count("\n") + 1 if doc else 0)
            if size > LINES_PER_FUNCTION:
                yield f"{source}:{node.lineno} {node.name} has {size} lines"


def long_modules(tree: ast.Module, source: str) -> Iterator[str]:
    size = max((getattr(node, "end_lineno", 0) for node in ast.walk(tree)), default=0)
    if size > LINES_PER_MODULE:
        yield f"{source} has {size} lines"


def environment_reads(tree: ast.Module, source: str) -> Iterator[str]:
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in names:
                yield f"{source}:{node.lineno} os.{name}"
            case ast.ImportFrom(module="os", names=aliases) if names & {a.name for a in aliases}:
                yield f"{source}:{node.lineno} from os import ..."


def context_variables(tree: ast.Module, source: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases) if any(a.name == "contextvars" for a in aliases):
                yield f"{source}:{node.lineno}"
            case ast.ImportFrom(module="contextvars"):
                yield f"{source}:{node.lineno}"


def prints(tree: ast.Module, source: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print")):
                yield f"{source}:{node.lineno}"


def hidden_imports(tree: ast.Module, source: str) -> Iterator[str]:
    """Of modules of ours by a text: whoever draws the graph of imports does not see them."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="import_module"), args=[_, _]):
                yield f"{source}:{node.lineno}"


# What a rule looks for, and the places that are allowed to do it.
RULES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "short modules": (long_modules, ()),
    "short functions": (long_functions, ()),
    "the environment is read in api/ambient only": (environment_reads, ("api/ambient.py",)),
    "context variables live in api and above": (
        context_variables,
        ("api/", "pipelines/", "executors/child.py"),  # that one has a fresh context for every call
    ),
    "printing is for the command line": (prints, ("cli/",)),
    "imports are statements": (hidden_imports, ("cli/",)),  # every command has a module there
}

OFFENDERS: dict[str, str] = {
    "short modules": "\n" * LINES_PER_MODULE + "x = 1",
    "short functions": "def f():\n" + "    pass\n" * LINES_PER_FUNCTION,
    "the environment is read in api/ambient only": "import os\nos.environ['HOME']",
    "context variables live in api and above": "def f():\n    from contextvars import ContextVar",
    "printing is for the command line": "print('hello')",
    "imports are statements": "import_module('.sibling', __package__)",
}


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: str) -> None:
    offences, allowed = RULES[rule]
    held = [source for source in SOURCES if not source.startswith(allowed)]
    assert [each for source in held for each in offences(tree_of(source), source)] == []


@pytest.mark.parametrize("rule", RULES)
def test_a_module_that_breaks_the_rule_is_seen(rule: str) -> None:
    offences, _ = RULES[rule]
    assert len(list(offences(ast.parse(OFFENDERS[rule]), "offender.py"))) == 1


def test_a_docstring_does_not_count_as_length() -> None:
    text = (
        '''def f():
    """What.

    '''
        + "words\n    " * LINES_PER_FUNCTION
        + '"""\n    return 1\n'
    )
    assert list(long_functions(ast.parse(text), "documented.py")) == []


def test_the_sources_were_found() -> None:
    assert {"__init__.py", "core/refs.py"} <= set(SOURCES)


def test_every_module_says_what_it_is_for() -> None:
    assert [source for source in SOURCES if not ast.get_docstring(tree_of(source))] == []
