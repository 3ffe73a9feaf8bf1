"""Discovery for specs that only running code can show: import everything and look."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from operator import itemgetter
from types import ModuleType

from .discovery import Discovery, sole
from .entries import Entry
from .failures import CannotDiscover, words_of
from .finders import ModuleFinder
from .modules import Module, modules_below
from .syntax import Alias, read_source


def discover_imported(
    where: str = ".",
    exclude: Iterable[str] = (),
    include: Iterable[str] = ("*",),
    *,
    keep_going: bool = False,
) -> Discovery:
    """Find the plugins of a project by importing its modules. Arguments as `discover`.

    A spec that several modules have is taken from the one that does not import it.

    Raises:
        CannotDiscover: modules do not import.
        PluginConflict: two plugins have one name.

    Effects: runs the project's code.
    """
    loaded, broken = [], []
    with _importable(where):
        for module in modules_below(where, exclude, include):
            try:
                loaded.append(import_module(module.name))
            except (Exception, SystemExit) as error:
                broken.append(f"{module.path}: {words_of(error)}")
    if broken and not keep_going:
        raise CannotDiscover(tuple(broken))
    best: dict[int, tuple[int, Entry]] = {}
    ranks = {home.__name__: _ranks(home) for home in loaded}
    for home, variable, item, spec in ModuleFinder(loaded).located():
        rank = ranks[home.__name__](variable)
        entry = Entry(spec.namespace, spec.name, f"{home.__name__}:{variable}")
        best[id(item)] = min(best.get(id(item), (rank, entry)), (rank, entry), key=itemgetter(0))
    return Discovery(sole(entry for _, entry in best.values()), (), tuple(broken))


def _ranks(module: ModuleType) -> Callable[[str], int]:
    """Give what tells how likely a variable of a module was made there: 0 certainly, 3 not."""
    path = getattr(module, "__file__", "")
    source = read_source(Module(module.__name__, path, hasattr(module, "__path__")))

    def rank(variable: str) -> int:
        bound = source.bound.get(variable)
        if bound is None:
            return 2 if source.stars else 1
        return 3 if isinstance(bound, Alias) else 0

    return rank


@contextmanager
def _importable(where: str) -> Iterator[None]:
    folder = os.path.abspath(where)
    sys.path.insert(0, folder)
    invalidate_caches()
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
