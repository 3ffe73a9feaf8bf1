"""Discovery: the plugins of a project, by reading its modules; nothing of it is run.

So it needs nothing that the project needs, and may be done in the isolated environment of a
build. What only running code can show is named, so that it is not lost silently.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from pylightnix.core.value import value

from .entries import Entry
from .failures import CannotDiscover, PluginConflict, words_of
from .modules import Module, modules_below
from .syntax import Alias, Meaning, Source, Sources, assigned, is_ours, read_source, statements

# A plugin, or a sentence on what cannot be told.
Found: TypeAlias = "Entry | str"


@value
class Discovery:
    """What was found.

    Attributes:
        entries: the plugins, in order of namespace and name.
        unsure: what may be a plugin, but cannot be told without running it, in sentences.
        broken: modules that could not be read, in sentences.
    """

    entries: tuple[Entry, ...]
    unsure: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def discover(
    where: str = ".",
    exclude: Iterable[str] = (),
    include: Iterable[str] = ("*",),
    *,
    keep_going: bool = False,
) -> Discovery:
    """Find the plugins of a project: classes, specs and decorated functions at the top of modules.

    Args:
        where: the folder that holds its packages.
        exclude: patterns of dotted module names, as `tests.*`; with a package goes all in it.
        include: patterns of dotted module names; only these.
        keep_going: leave out what cannot be parsed, instead of raising.

    Raises:
        CannotDiscover: modules do not parse.
        PluginConflict: two plugins have one name.
    """
    sources, broken = _read(modules_below(where, exclude, include))
    if broken and not keep_going:
        raise CannotDiscover(tuple(broken))
    # A base may be in a module that is left out.
    known = Sources({source.module.name: source for source in sources}, [where, *sys.path])
    found = [item for source in sources for item in _Reader(known, source).found()]
    entries = [item for item in found if isinstance(item, Entry)]
    unsure = tuple(item for item in found if isinstance(item, str))
    return Discovery(sole(entries), unsure, tuple(broken))


def sole(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Put entries in order; each name must be there once.

    Raises:
        PluginConflict: two have one name.
    """
    known: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        other = known.setdefault((entry.namespace, entry.name), entry)
        if other.value != entry.value:
            places = (f"{other.value} ({other.place})", f"{entry.value} ({entry.place})")
            raise PluginConflict(entry.namespace, entry.name, places)
    return tuple(sorted(known.values(), key=lambda e: (e.namespace, e.name)))


def _read(modules: Iterable[Module]) -> tuple[list[Source], list[str]]:
    sources: list[Source] = []
    broken: list[str] = []
    for module in modules:
        try:
            sources.append(read_source(module))
        except SyntaxError as error:
            broken.append(f"{module.path}, line {error.lineno}: {error.msg}")
        except (ValueError, OSError, RecursionError) as error:
            broken.append(f"{module.path}: {words_of(error)}")
    return sources, broken


class _Reader:
    """Reads the top level of one module."""

    def __init__(self, known: Sources, source: Source) -> None:
        self._known, self._source = known, source

    def found(self) -> Iterator[Found]:
        for node in statements(self._source.tree.body):
            match node:
                case ast.ClassDef():
                    yield from self._class(node)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield from self._function(node)
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                    yield from self._assigned(name, call)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call):
                    yield from self._assigned(name, call)
                case ast.Assign() | ast.AnnAssign() | ast.Expr() | ast.AugAssign():
                    yield from self._hidden(node)

    def _class(self, node: ast.ClassDef) -> Iterator[Found]:
        here = Meaning(self._source, node)
        own = {"name", "namespace"} & _set_in(node)
        if not own or not node.bases or _has_abstract(node):
            return
        name = self._known.attribute(here, "name")
        namespace = self._known.attribute(here, "namespace")
        is_plugin = self._is_plugin(here)
        if is_plugin is None and "name" in own and not _is_none(name):
            yield self._unsure(node, f"whether class {node.name} is a Plugin")
        elif is_plugin and not (_is_none(name) or _is_none(namespace)):  # otherwise it is abstract
            yield self._entry(node, node.name, self._known.text(namespace), self._known.text(name))

    def _is_plugin(self, cls: Meaning, seen: tuple[ast.AST, ...] = ()) -> bool | None:
        """None if a base is out of sight."""
        node = cls.thing
        if not isinstance(node, ast.ClassDef) or node in seen:
            return False
        verdict: bool | None = False
        for base in node.bases:
            above = self._known.meaning(cls.source, base)
            if isinstance(above, Alias):
                if is_ours(above, "Plugin") or is_ours(above, "FunctionPlugin"):
                    return True
                verdict = verdict if _standard(above) else None
            elif above is not None:
                deeper = self._is_plugin(above, (*seen, node))
                if deeper:
                    return True
                verdict = None if deeper is None else verdict
        return verdict

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Found]:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and self._ours(decorator.func, "plugin"):
                namespace, name = self._arguments(decorator, node.name)
                yield self._entry(node, node.name, namespace, name)

    def _assigned(self, variable: str, call: ast.Call) -> Iterator[Found]:
        inner = call.func
        if self._ours(inner, "PluginSpec"):
            yield self._entry(call, variable, *self._arguments(call, None))
        elif isinstance(inner, ast.Call) and self._ours(inner.func, "plugin"):
            function = call.args[0] if call.args else None
            default = function.id if isinstance(function, ast.Name) else None
            yield self._entry(call, variable, *self._arguments(inner, default))
        else:
            yield from self._hidden(call)

    def _hidden(self, node: ast.AST) -> Iterator[Found]:
        """Find specs that are made, but not put into a variable of their own."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and self._ours(inner.func, "PluginSpec"):
                yield self._unsure(inner, "which variable holds this PluginSpec")

    def _arguments(self, call: ast.Call, default: str | None) -> tuple[str | None, str | None]:
        given = dict(zip(("namespace", "name"), call.args, strict=False))
        given |= {key.arg: key.value for key in call.keywords if key.arg}
        namespace, name = given.get("namespace"), given.get("name")
        if isinstance(name, ast.Constant) and name.value is None:
            name = None
        texts = [
            None if expr is None else self._known.text(Meaning(self._source, expr))
            for expr in (namespace, name)
        ]
        return texts[0], default if name is None else texts[1]

    def _ours(self, expr: ast.expr, name: str) -> bool:
        return self._known.is_api(self._source, expr, name)

    def _entry(
        self, node: ast.AST, variable: str, namespace: str | None, name: str | None
    ) -> Found:
        if namespace is None or name is None:
            lacking = "the namespace" if namespace is None else "the name"
            return self._unsure(node, f"{lacking} of {variable}")
        return Entry(
            namespace, name, f"{self._source.module.name}:{variable}", "", self._place(node)
        )

    def _unsure(self, node: ast.AST, what: str) -> str:
        return f"{self._place(node)}: {what} is known only when it runs"

    def _place(self, node: ast.AST) -> str:
        return f"{self._source.module.path}:{getattr(node, 'lineno', 1)}"


def _set_in(node: ast.ClassDef) -> set[str]:
    """Give the names that a class body binds."""
    found = {statement.name for statement in node.body if isinstance(statement, ast.FunctionDef)}
    return found | {name for statement in node.body for name, _ in assigned(statement)}


def _has_abstract(node: ast.ClassDef) -> bool:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            for decorator in statement.decorator_list:
                if "abstractmethod" in ast.dump(decorator):
                    return True
    return False


def _is_none(at: Meaning | Alias | None) -> bool:
    if isinstance(at, Meaning):
        return isinstance(at.thing, ast.Constant) and at.thing.value is None
    return at is None


def _standard(alias: Alias) -> bool:
    return alias.module.partition(".")[0] in sys.stdlib_module_names
