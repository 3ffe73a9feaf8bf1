"""Imports that lead to packages in a folder: a source becomes another one, by syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from keyword import iskeyword

from .dynamic import dynamic_imports
from .failures import InvalidRewrite
from .model import Change, Rewritten, Source
from .text import BOM, LINE_END, Text, decoded

# White space within a statement, and how lines are joined.
_FROM = re.compile(r"from(?:[ \t\f]|\\(?:\r\n|\r|\n))+")
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def rewrite_imports(
    source: Source, packages: Iterable[str], into: str = ".localpackages"
) -> Rewritten[Source]:
    """Make the imports of some packages lead to copies of them elsewhere.

    Every name that an import binds is bound to what it was: `import a.b` binds `a`. Only statements
    that import one of the packages change; all else stays as it is, byte for byte, and lines stay
    where they are. Imports that are made by running code are not changed, but reported.

    Args:
        source: Python. Bytes are decoded as Python does, and give bytes.
        packages: names as they are imported, without dots: `sklearn`, not `scikit-learn`.
        into: the package with the copies, as a module would import it. With a leading dot it is
            relative to the module that is rewritten, which then has to be in a package itself.

    Raises:
        CannotRewrite: the source is no Python, or not in the encoding that it says.
        InvalidRewrite: a package or `into` is no name.

    Concept: the syntax tree says where a statement is, and the text is spliced there.
    """
    wanted = _checked(packages, into)
    if isinstance(source, bytes):
        text, encoding = decoded(source)
        done = _rewritten(text, wanted, into)
        return Rewritten(done.source.encode(encoding), done.changes, done.diagnostics)
    return _rewritten(source, wanted, into)


def _checked(packages: Iterable[str], into: str) -> frozenset[str]:
    names = (packages,) if isinstance(packages, str) else tuple(packages)
    issues = [
        f"{name!r} is not a name that can be imported; give that of the package, without dots"
        for name in names
        if not _is_name(name) or name == "__future__"
    ]
    rest = into.lstrip(".")
    if not into or (rest and not all(_is_name(part) for part in rest.split("."))):
        issues.append(f"{into!r} is not where a package can be imported from")
    if issues:
        raise InvalidRewrite(tuple(issues))
    return frozenset(names)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not iskeyword(text)


def _rewritten(source: str, packages: frozenset[str], into: str) -> Rewritten[str]:
    head = BOM if source.startswith(BOM) else ""
    text = Text(source.removeprefix(BOM))
    changes, parts, done = [], [head], 0
    for start, node in sorted(_imports(text, packages), key=lambda found: found[0]):
        _, end = text.span(node)
        old = text.text[start:end]
        new = (
            _with_prefix(old, into)
            if isinstance(node, ast.ImportFrom)
            else "".join(_statements(text, node, packages, into))
        )
        changes.append(Change(node.lineno, text.column(node), old, new))
        parts += [text.text[done:start], new]
        done = end
    parts.append(text.text[done:])
    return Rewritten("".join(parts), tuple(changes), tuple(dynamic_imports(text, packages)))


def imports_in(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Find the absolute imports of a module, wherever a statement can stand."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        for block in _BLOCKS:
            for inner in getattr(node, block, ()):
                if isinstance(inner, ast.Import):
                    yield inner
                elif isinstance(inner, ast.ImportFrom):
                    if not inner.level:
                        yield inner
                else:
                    todo.append(inner)


def tops(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Give the packages at the top of what a statement imports absolutely."""
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names}


def _imports(
    text: Text, packages: frozenset[str]
) -> Iterator[tuple[int, ast.Import | ast.ImportFrom]]:
    for node in imports_in(text.tree):
        if not packages.isdisjoint(tops(node)):
            yield text.span(node)[0], node


def _joined(into: str, name: str) -> str:
    return f"{into}{name}" if into.endswith(".") else f"{into}.{name}"


def _with_prefix(old: str, into: str) -> str:
    """`from a ...` -> `from .localpackages.a ...`, whatever stands behind."""
    prefix = _joined(into, "")
    return _FROM.sub(lambda found: found[0] + prefix, old, count=1)


def _statements(text: Text, node: ast.Import, packages: frozenset[str], into: str) -> Iterator[str]:
    """`import a, b` -> a statement for each, with what stood between the names between them."""
    done = text.span(node)[0] + len("import")
    for index, alias in enumerate(node.names):
        start, end = text.span(alias)
        between, old = text.text[done:start], text.text[start:end]
        done = end
        if index:
            yield between.replace(",", ";", 1)
            between = " "
        if alias.name.partition(".")[0] not in packages:
            yield f"import{between}{old}"
        elif "." not in alias.name:
            yield f"from {into} import{between}{old}"
        else:
            # The lines that the name went over are needed, or all below would move up.
            lines = "".join(f"\\{end}" for end in LINE_END.findall(old))
            yield f"from{between}{lines}{_dotted(alias, into)}"


def _dotted(alias: ast.alias, into: str) -> str:
    """`import a.b [as c]` after its `from`: load `a.b`, and then bind what the statement binds.

    Any module has a `__doc__`; `from .localpackages.a import b` would not load `a.b` if `a` had
    something else of that name.
    """
    if alias.asname is None:
        top = alias.name.partition(".")[0]
        return f"{_joined(into, alias.name)} import __doc__ as {top}; from {into} import {top}"
    package, _, last = alias.name.rpartition(".")
    return (
        f"{_joined(into, alias.name)} import __doc__ as {alias.asname}; "
        f"from {_joined(into, package)} import {last} as {alias.asname}"
    )
