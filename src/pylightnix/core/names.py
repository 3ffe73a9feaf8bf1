"""Which names a piece of code takes from outside: what of its world it depends on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ClassDef,
    *_COMPREHENSIONS,
)


class Imported(NamedTuple):
    """What an import inside a function means by a name: `from ..module import attribute`."""

    level: int
    module: str
    attribute: str | None


class Uses(NamedTuple):
    """What a piece of code takes from outside.

    Attributes:
        paths: dotted names whose first part is not its own, sorted: `("helpers", "load")`.
        imports: first parts that an import inside it makes -> what they mean.
    """

    paths: tuple[tuple[str, ...], ...]
    imports: dict[str, Imported]


def uses_of(tree: ast.AST) -> Uses:
    r"""Tell what a tree, as `core.syntax.parsed` makes it, takes from outside.

    >>> import ast
    >>> uses_of(ast.parse("def f(x):\n y = x + N\n return math.sin(y)").body[0]).paths
    (('N',), ('math', 'sin'))
    """
    finder = _Finder()
    finder.visit(tree)
    return Uses(tuple(sorted(finder.paths)), finder.imports)


class _Scope(NamedTuple):
    bound: frozenset[str]
    of_class: bool


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.paths: set[tuple[str, ...]] = set()
        self.imports: dict[str, Imported] = {}
        self._scopes: list[_Scope] = []

    def _is_own(self, name: str) -> bool:
        last = len(self._scopes) - 1
        # The names of a class body are not seen by the functions in it.
        return any(
            name in scope.bound and (i == last or not scope.of_class)
            for i, scope in enumerate(self._scopes)
        )

    def _inside(self, bound: Iterable[str], parts: Iterable[ast.AST], *, of_class: bool) -> None:
        self._scopes.append(_Scope(frozenset(bound), of_class))
        for part in parts:
            self.visit(part)
        self._scopes.pop()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and not self._is_own(node.id):
            self.paths.add((node.id,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = _path(node)
        if path is None:
            self.generic_visit(node)
        elif not self._is_own(path[0]):
            self.paths.add(path)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            self.imports[alias.asname or whole] = Imported(0, whole, None)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            name = alias.asname or alias.name
            self.imports[name] = Imported(node.level, node.module or "", alias.name)

    def _function(self, node: _Function) -> None:
        for mark in getattr(node, "decorator_list", ()):
            self.visit(mark)
        args = node.args
        for default in (*args.defaults, *args.kw_defaults):
            if default is not None:
                self.visit(default)
        body = node.body if isinstance(node.body, list) else [node.body]
        taken = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        names = {arg.arg for arg in taken if arg is not None}
        self._inside(names | _bound(body), body, of_class=False)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._inside(_bound(node.body), node.body, of_class=True)

    def _comprehension(self, node: _Comprehension) -> None:
        # Where the first sequence comes from is looked up outside.
        self.visit(node.generators[0].iter)
        bound = _bound([each.target for each in node.generators])
        self._inside(bound, ast.iter_child_nodes(node), of_class=False)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node)


def _path(node: ast.expr) -> tuple[str, ...] | None:
    """The parts of a dotted name; None of what is not one."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else None


def _bound(body: Iterable[ast.AST]) -> set[str]:
    """The names that code makes its own; those of imports are left out, since they lead outside."""
    bound: set[str] = set()
    outside: set[str] = set()
    for node in _same_scope(body):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
            case ast.ClassDef(name=name) | ast.NamedExpr(target=ast.Name(id=name)):
                bound.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                bound.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                bound.add(name)
            case ast.Global(names=names):
                outside.update(names)
            case _:
                pass
    return bound - outside


def _same_scope(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    todo = list(body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _SCOPES):
            todo.extend(ast.iter_child_nodes(node))
        elif isinstance(node, _COMPREHENSIONS):
            # `:=` in a comprehension binds outside of it.
            todo.extend(sub for sub in ast.walk(node) if isinstance(sub, ast.NamedExpr))
