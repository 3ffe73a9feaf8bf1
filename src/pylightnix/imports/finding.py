"""Which file a name of a module stands for, in folders that are looked through as Python does."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec

from pylightnix.core.value import value

# A folder that changed so lately may change again within the same tick of the file system's clock.
_SETTLED_NS = 50_000_000
_DEPTH = 3


@value
class Found:
    """What a module is made of.

    Attributes:
        file: its source or its native library; empty for a folder without `__init__.py`.
        folders: where its submodules are; empty for a module that is no package.
    """

    file: str
    folders: tuple[str, ...] = ()

    @property
    def is_native(self) -> bool:
        return bool(self.file) and not self.file.endswith(".py")


class Folders:
    """Looks modules up in folders; a listing is kept as long as its folder does not change."""

    def __init__(self) -> None:
        self._listings: dict[str, tuple[int, frozenset[str]]] = {}

    def find(self, name: str, folders: Iterable[str]) -> Found | None:
        """Find a module by the last part of its name: the first file or package, or else folders.

        Returns:
            None if there is none. Folders without `__init__.py` are one package together.
        """
        portions = []
        for folder in folders:
            if name not in self._stems(folder):
                continue
            base = f"{folder}/{name}"
            found = _regular(base)
            if found is not None:
                return found
            if os.path.isdir(base) and _has_modules(base, _DEPTH):
                portions.append(base)
        return Found("", tuple(portions)) if portions else None

    def _stems(self, folder: str) -> frozenset[str]:
        try:
            changed_ns = os.stat(folder).st_mtime_ns
            known_ns, stems = self._listings.get(folder, (-1, frozenset()))
            if known_ns == changed_ns:
                return stems
            stems = frozenset(name.partition(".")[0] for name in os.listdir(folder))
        except OSError:
            return frozenset()
        if time.time_ns() - changed_ns > _SETTLED_NS:
            self._listings[folder] = changed_ns, stems
        return stems


def _regular(base: str) -> Found | None:
    """In the order of Python: packages, native modules, sources."""
    if os.path.isdir(base):
        for ending in (*EXTENSION_SUFFIXES, ".py"):
            if os.path.isfile(f"{base}/__init__{ending}"):
                return Found(f"{base}/__init__{ending}", (base,))
    for ending in (*EXTENSION_SUFFIXES, ".py"):
        if os.path.isfile(f"{base}{ending}"):
            return Found(f"{base}{ending}")
    return None


def _has_modules(folder: str, depth: int) -> bool:
    """A folder of data, or of nothing, that has a module's name shall not hide that module."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:
        return False
    if any(entry.name.endswith((".py", *EXTENSION_SUFFIXES)) for entry in found):
        return True
    inner = [e.path for e in found if e.name.isidentifier() and e.is_dir()] if depth else []
    return any(_has_modules(path, depth - 1) for path in inner)


def is_installed(name: str) -> bool:
    """Tell whether Python itself finds a file or package of this name; imports nothing."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # of a module that has no spec, as `__main__`
        return name in sys.modules
    return spec is not None and spec.loader is not None and spec.origin is not None


def stamp(path: str) -> tuple[int, int] | None:
    """Give what changes when a file does, or None if it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
