"""What the source of a stage beside a pipeline is: digests of what it uses, as syntax trees.

Comments, docstrings, formatting and the place of a file do not count. Of the stage's own module
only the definitions that it comes to count; of the other modules beside it that are imported, all.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pylightnix.imports.scope import ImportScope

    from .uses import Call

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


def source_parts(stage: Any, call: Call, scope: ImportScope | None) -> dict[str, str]:
    """Give the parts that a stage is made of: name -> digest, 32 hex digits.

    Args:
        stage: a function.
        call: names it.
        scope: where its module is; None for an installed module, whose other modules do not count.

    Returns:
        `name` for what the stage uses of its own module, `file.py` for each other module.
    """
    inner = stage
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    code = getattr(inner, "__code__", None)
    # What makes stages here, as `pod_env`, is known by its version; what it was given counts.
    own = None if code is None or code.co_filename.startswith(_OURS) else str(code.co_filename)
    files = {} if scope is None else _files(call.module, scope)
    home = files.get(call.module) or getattr(sys.modules.get(call.module), "__file__", None)
    parts: dict[str, str] = {}
    if own is not None and (scope is None or own in files.values()):
        home, name = own, str(inner.__name__)
    else:
        name = call.function
        if own is not None and os.path.isfile(own):
            found = _definitions(own, _stamp(own), str(inner.__name__))
            parts = {f"{inner.__module__}.{key}": digest for key, digest in found}
    if home is not None and os.path.isfile(home):
        parts |= dict(_definitions(home, _stamp(home), name))
    others = {name: path for name, path in files.items() if path != home}
    return parts | {f"{name}.py": _whole(path, _stamp(path)) for name, path in others.items()}


def _files(module: str, scope: ImportScope) -> dict[str, str]:
    """The files of a module and of all that it imports, or may import when it builds."""
    found: dict[str, str] = {}
    todo = [module, *scope.files(module)]
    while todo:
        name = todo.pop()
        path = None if name in found else scope.file_of(name)
        if path is not None:
            found[name] = path
            todo += _imported(path, _stamp(path), name)
    return dict(sorted(found.items()))


@lru_cache(maxsize=256)
def _imported(path: str, stamp: tuple[int, int], module: str) -> tuple[str, ...]:
    """The modules that a file's statements name, with the packages that they are in."""
    if not path.endswith(".py"):
        return ()
    package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
    named: list[str] = []
    for node in ast.walk(_tree(path, stamp)):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            outer = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*outer, *([node.module] if node.module else [])])
            named += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    split = [name.split(".") for name in named]
    return tuple({".".join(parts[:n]) for parts in split for n in range(1, len(parts) + 1)})


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _tree(path: str, stamp: tuple[int, int]) -> ast.Module:
    with open(path, "rb") as file:
        return ast.parse(file.read(), path)


@lru_cache(maxsize=256)
def _whole(path: str, stamp: tuple[int, int]) -> str:
    return _digest([_tree(path, stamp)])


@lru_cache(maxsize=1024)
def _definitions(path: str, stamp: tuple[int, int], name: str) -> tuple[tuple[str, str], ...]:
    """What a function of a file is made of; all of the file where it is not at the top of it."""
    defined: dict[str, list[ast.stmt]] = {}
    loose: list[ast.stmt] = []
    for node in _tree(path, stamp).body:
        names = list(_names_defined(node))
        for each in names:
            defined.setdefault(each, []).append(node)
        if not names and not isinstance(node, _IMPORTS) and not _is_text(node):
            loose.append(node)
    if name not in defined:
        return ((os.path.basename(path), _whole(path, stamp)),)
    found: dict[str, str] = {}
    todo = [name, *(each for node in loose for each in _names_used(node))]
    while todo:
        each = todo.pop()
        if each in defined and each not in found:
            found[each] = _digest(defined[each])
            todo += [used for node in defined[each] for used in _names_used(node)]
    if loose:
        found["(module)"] = _digest(loose)
    return tuple(sorted(found.items()))


def _names_defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, _DEFINITIONS):
        yield node.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for inner in ast.walk(target):
                if isinstance(inner, ast.Name):
                    yield inner.id


def _names_used(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


class _Bare(ast.NodeTransformer):
    """Takes texts that stand alone out: docstrings."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if _is_text(node) else node


def _digest(nodes: list[Any]) -> str:
    from copy import deepcopy

    bare = (_Bare().visit(deepcopy(node)) for node in nodes)
    text = "\n".join(ast.unparse(node) for node in bare if node is not None)
    return sha256(text.encode()).hexdigest()[:32]
