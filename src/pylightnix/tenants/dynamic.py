"""Imports that running code makes: nothing rewrites them, so they are reported."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import Any, TypeAlias

from .model import Diagnostic
from .text import Text

_FUNCTIONS = frozenset(
    (
        "builtins.__import__",
        "importlib.__import__",
        "importlib.import_module",
        "importlib.resources.files",
        "importlib.util.find_spec",
        "pkgutil.get_data",
        "pkgutil.resolve_name",
        "runpy.run_module",
    )
)
_NAMES = frozenset(("__import__", "import_module"))
_RUN = ("builtins.exec", "builtins.eval")
_BUILTINS = {name: f"builtins.{name}" for name in ("__import__", "exec", "eval")}
_ASKING = frozenset(f"sys.modules.{name}" for name in ("get", "pop", "setdefault"))
_FIRST = ("name", "mod_name", "fullname", "package")
_OWN = ("__name__", "__package__")
_LOOKED_AT = (ast.Call, ast.Name, ast.Attribute, ast.Constant, ast.Subscript, ast.Compare)
Nodes: TypeAlias = defaultdict[type[ast.AST], list[Any]]
# A source without any of these words has nothing to look for.
_HINTS = (*_NAMES, "importlib", "pkgutil", "runpy", "exec", "eval", "modules", "builtins")
_WHAT_TO_DO = "write an import statement, or give the code an environment of its own"
_UNKNOWN = "imports what is known only when it runs, perhaps one of the packages; " + _WHAT_TO_DO


def dynamic_imports(text: Text, packages: frozenset[str]) -> list[Diagnostic]:
    """Report what imports, or may import, one of the packages without a statement; in order."""
    if not any(hint in text.text for hint in _HINTS):
        return []
    nodes = _nodes(text.tree)
    known = _Known(nodes)
    found = []
    for kind in _LOOKED_AT:
        for node in nodes[kind]:
            message = _complaint(node, known, packages)
            if message:
                found.append(Diagnostic(node.lineno, text.column(node), message))
    return sorted(set(found), key=lambda each: (each.line, each.column))


def _nodes(tree: ast.Module) -> Nodes:
    """All nodes by their kind, in one pass; `ast.walk` takes three times as long."""
    nodes: Nodes = defaultdict(list)
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        nodes[type(node)].append(node)
        for item in vars(node).values():
            if type(item) is list:
                todo += [each for each in item if isinstance(each, ast.AST)]
            elif isinstance(item, ast.AST) and not isinstance(item, ast.expr_context):
                todo.append(item)
    return nodes


class _Known:
    """What names stand for, wherever in the module they are bound."""

    def __init__(self, nodes: Nodes) -> None:
        self.names = dict(_BUILTINS)
        for node in nodes[ast.Import]:
            for alias in node.names:
                top = alias.name.partition(".")[0]
                self.names[alias.asname or top] = alias.name if alias.asname else top
        for node in nodes[ast.ImportFrom]:
            if not node.level:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        self.accounted = {id(node.func) for node in nodes[ast.Call]}
        for node in nodes[ast.Assign]:
            self._follow(node)

    def _follow(self, node: ast.Assign) -> None:
        """`f = importlib.import_module`: its calls are what is reported."""
        targets = [each.id for each in node.targets if isinstance(each, ast.Name)]
        if len(targets) == len(node.targets) and self.is_import(node.value):
            self.accounted.add(id(node.value))
            self.names.update(dict.fromkeys(targets, "importlib.import_module"))

    def meaning(self, node: ast.expr) -> str:
        """Give the full name of what an expression is, or nothing."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Attribute):
            base = self.meaning(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def is_import(self, node: ast.expr) -> bool:
        """Tell whether an expression is a function that imports."""
        if isinstance(node, ast.Attribute) and node.attr in _NAMES:
            return True
        return self.meaning(node) in _FUNCTIONS


def _complaint(node: ast.expr | ast.stmt, known: _Known, packages: frozenset[str]) -> str | None:
    match node:
        case ast.Call(func=func):
            return _called(node, func, known, packages)
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
            if id(node) not in known.accounted and known.is_import(node):
                return f"{ast.unparse(node)} is handed on; it {_UNKNOWN}"
        case ast.Constant(value=str(name)) if name in _NAMES:
            return f"the text {name!r} names a function that {_UNKNOWN}"
        case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
            return _in_table(known.meaning(value) == "sys.modules", name, packages)
        case ast.Compare(left=ast.Constant(value=str(name)), comparators=[table]):
            return _in_table(known.meaning(table) == "sys.modules", name, packages)
    return None


def _called(node: ast.Call, func: ast.expr, known: _Known, packages: frozenset[str]) -> str | None:
    meaning = known.meaning(func)
    first = _argument(node, 0, _FIRST)
    text: object = first.value if isinstance(first, ast.Constant) else None
    if meaning in _ASKING:
        return _in_table(True, text if isinstance(text, str) else "", packages)
    if meaning in _RUN:
        return _run(ast.unparse(func), text, packages)
    if not known.is_import(func):
        return None
    what = ast.unparse(func)
    if not isinstance(text, str):
        return f"{what}(...) {_UNKNOWN}"
    if text.startswith("."):
        base = _argument(node, 1, ("package",))
        if base is None or (isinstance(base, ast.Name) and base.id in _OWN):
            return None  # relative to the module itself, as relative statements are
        if not isinstance(base, ast.Constant):
            return f"{what}(...) {_UNKNOWN}"
        text = f"{base.value!s}{text}"
    top = _top(text)
    if top in packages:
        return f"{what}({text!r}) imports {top} as it is named here, not the copy; {_WHAT_TO_DO}"
    return None


def _argument(node: ast.Call, place: int, names: tuple[str, ...]) -> ast.expr | None:
    """Give an argument by its place or its name."""
    if len(node.args) > place:
        return node.args[place]
    return next((each.value for each in node.keywords if each.arg in names), None)


def _run(what: str, text: object, packages: frozenset[str]) -> str | None:
    """Judge `exec` and `eval`: of a text that is known, only whether it speaks of a package."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        return f"{what}(...) runs code that is known only then, and may import; {_WHAT_TO_DO}"
    spoken = sorted(name for name in packages if name in text)
    if spoken and "import" in text:
        return f"{what}(...) imports {', '.join(spoken)} in a text, which stays; {_WHAT_TO_DO}"
    return None


def _in_table(asked: bool, name: str, packages: frozenset[str]) -> str | None:
    if asked and _top(name) in packages:
        return f"{name} is asked of sys.modules, where the copy has another name; {_WHAT_TO_DO}"
    return None


def _top(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]
