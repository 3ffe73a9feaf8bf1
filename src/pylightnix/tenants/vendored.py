"""Whether packages in a folder can be imported under another name, as rewriting supposes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES

from .failures import CannotRewrite, NotVendored
from .model import Diagnostic
from .rewrite import imports_in, tops
from .text import Text, decoded

_NATIVE = (*EXTENSION_SUFFIXES, ".so", ".pyd")
_SCOPE = "`ImportScope` gives code packages under their own names, in process"
_APART = "give the code an environment of its own, in another process"


def check_vendored(path: str | os.PathLike[str]) -> tuple[Diagnostic, ...]:
    """Tell which packages of a folder do not work under another name, as rewriting gives them.

    A package that imports itself, or its neighbour in the folder, by an absolute name does not find
    it there; native code has its name built in.

    Args:
        path: the folder that packages were installed in, as by `pip install --target`.

    Returns:
        At most one for each package and cause, at the first place of it, by package.

    Raises:
        NotVendored: it is no folder.
    """
    folder = os.fspath(path)
    if not os.path.isdir(folder):
        raise NotVendored(folder)
    units = dict(_units(folder))
    return tuple(
        found for unit in sorted(units) for found in _checked(unit, units[unit], set(units))
    )


def _units(folder: str) -> Iterator[tuple[str, list[str]]]:
    """Give the packages and modules of a folder, and their files in order."""
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        name = entry.name.partition(".")[0]
        if entry.is_dir() and entry.name.isidentifier() and name != "__pycache__":
            yield name, sorted(_files(entry.path))
        elif entry.is_file() and _is_module(entry.name) and name not in ("__init__", "__main__"):
            yield name, [entry.path]


def _files(folder: str) -> Iterator[str]:
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (os.path.join(top, name) for name in names if _is_module(name))


def _is_module(name: str) -> bool:
    return name.endswith((".py", *_NATIVE))


def _checked(unit: str, files: list[str], units: set[str]) -> Iterator[Diagnostic]:
    native = [file for file in files if file.endswith(_NATIVE)]
    if native:
        text = (
            f"{unit} has native code ({len(native)} files), which has its name built in: {_APART}"
        )
        yield Diagnostic(0, 0, text, native[0])
    places: dict[str, list[tuple[str, int, int]]] = {}
    for file in files:
        if not file.endswith(_NATIVE):
            try:
                for name, line, column in _absolute(file, units):
                    places.setdefault(name, []).append((file, line, column))
            except CannotRewrite as error:
                yield Diagnostic(error.line, error.column, f"{unit} has {error}", file)
    for name, found in sorted(places.items()):
        file, line, column = found[0]
        times = "once" if len(found) == 1 else f"{len(found)} times, first here"
        whom = "itself" if name == unit else name
        text = (
            f"{unit} imports {whom} by an absolute name ({times}), which is not that of the copy: "
            f"{_SCOPE}; or {_APART}"
        )
        yield Diagnostic(line, column, text, file)


def _absolute(file: str, units: set[str]) -> Iterator[tuple[str, int, int]]:
    """Find what a file imports of the folder by absolute names."""
    with open(file, "rb") as opened:
        source = opened.read()
    if not any(unit.encode() in source for unit in units):
        return
    text = Text(decoded(source)[0].removeprefix("\ufeff"))
    for node in sorted(imports_in(text.tree), key=lambda each: (each.lineno, each.col_offset)):
        for name in sorted(tops(node) & units):
            yield name, node.lineno, text.column(node)
