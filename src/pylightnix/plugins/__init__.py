"""Floor 1: how a name becomes an object, by entry point; for this library, and for any other.

Everything that users import is named here and loaded when it is first used, so that listing
plugins loads little, and a program without plugins nothing.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.core.errors import PluginError

    from .container import PluginContainer
    from .discovery import Discovery, discover
    from .entries import Entry, InvalidEntryPoints
    from .failures import CannotDiscover, NoSuchPlugin, PluginConflict, PluginFailed
    from .filters import MatchingPluginFilter
    from .finders import EntryPointFinder, ModuleFinder, PluginFinder
    from .health import Complaint, examine
    from .index import Index
    from .listeners import CompositePluginLifecycleListener, PluginLifecycleListener
    from .manager import PluginManager
    from .own import KINDS, NotCallable, lookup, matcher, names, stage
    from .spec import (
        FunctionPlugin,
        Plugin,
        PluginDisabled,
        PluginException,
        PluginFactory,
        PluginSpec,
        plugin,
    )

_HOMES = {
    "container": "PluginContainer",
    "discovery": "Discovery discover",
    "entries": "Entry InvalidEntryPoints",
    "failures": "CannotDiscover NoSuchPlugin PluginConflict PluginFailed",
    "filters": "MatchingPluginFilter",
    "finders": "EntryPointFinder ModuleFinder PluginFinder",
    "health": "Complaint examine",
    "index": "Index",
    "listeners": "CompositePluginLifecycleListener PluginLifecycleListener",
    "manager": "PluginManager",
    "own": "KINDS NotCallable lookup matcher names stage",
    "spec": "FunctionPlugin Plugin PluginDisabled PluginException PluginFactory PluginSpec plugin",
}
_WHERE = {
    name: (f"pylightnix.plugins.{home}", name)
    for home, names in _HOMES.items()
    for name in names.split()
} | {"PluginError": ("pylightnix.core.errors", "PluginError")}

__all__ = [
    "KINDS",
    "CannotDiscover",
    "Complaint",
    "CompositePluginLifecycleListener",
    "Discovery",
    "Entry",
    "EntryPointFinder",
    "FunctionPlugin",
    "Index",
    "InvalidEntryPoints",
    "MatchingPluginFilter",
    "ModuleFinder",
    "NoSuchPlugin",
    "NotCallable",
    "Plugin",
    "PluginConflict",
    "PluginContainer",
    "PluginDisabled",
    "PluginError",
    "PluginException",
    "PluginFactory",
    "PluginFailed",
    "PluginFinder",
    "PluginLifecycleListener",
    "PluginManager",
    "PluginSpec",
    "discover",
    "examine",
    "lookup",
    "matcher",
    "names",
    "plugin",
    "stage",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'pylightnix.plugins' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    __import__(module)
    found: object = getattr(sys.modules[module], attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
