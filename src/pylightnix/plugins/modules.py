"""The modules of a project that is going to be built: which files they are, and their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from pylightnix.core.value import value

# Files that stand beside packages and are not part of the distribution.
_BESIDE = ("setup", "conftest", "noxfile")
_SPECIAL = ("__init__", "__main__")


@value
class Module:
    """A file of Python: its dotted name, its path, whether it is the `__init__` of a package."""

    name: str
    path: str
    is_package: bool

    @property
    def package(self) -> str:
        """What relative imports in it start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def modules_below(
    where: str, exclude: Iterable[str] = (), include: Iterable[str] = ("*",)
) -> list[Module]:
    """Find the modules of a project, in order of their names.

    Args:
        where: the folder that holds its packages and modules.
        exclude: patterns of dotted names; a package that fits is left out with all that is in it.
        include: patterns of dotted names; only what fits one, or is in a package that does.
    """
    out, wanted = tuple(exclude), tuple(include)
    found = [
        module
        for module in _below(where, "")
        if _fits(module.name, wanted) and not _fits(module.name, out)
    ]
    return sorted(found, key=lambda module: module.name)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    if patterns == ("*",):
        return True
    parts = name.split(".")
    heads = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    return any(fnmatchcase(head, pattern) for pattern in patterns for head in heads)


def _below(folder: str, package: str) -> Iterator[Module]:
    for item in os.scandir(folder):
        stem = item.name.removesuffix(".py")
        if not stem.isidentifier():
            continue
        name = f"{package}.{stem}" if package else stem
        if item.is_dir():
            init = f"{item.path}/__init__.py"
            if os.path.isfile(init):
                yield Module(name, init, True)
                yield from _below(item.path, name)
        elif item.name != stem and stem not in (_SPECIAL if package else (*_SPECIAL, *_BESIDE)):
            yield Module(name, item.path, False)


def module_elsewhere(name: str, path: Iterable[str]) -> Module | None:
    """Find the source of a module without importing it, or the packages that it is in.

    Args:
        name: dotted.
        path: where to look, as `sys.path`.
    """
    parts = name.split(".")
    for top in path:
        base = os.path.join(top or ".", *parts)
        if os.path.isfile(f"{base}/__init__.py"):
            return Module(name, f"{base}/__init__.py", True)
        if os.path.isfile(f"{base}.py"):
            return Module(name, f"{base}.py", False)
    return None
