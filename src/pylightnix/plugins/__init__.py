"""Floor 1: how a name becomes an object, by entry point; for this library, and for any other.

Everything that users import is named here and loaded when it is first used, so that listing
plugins loads little, and a program without plugins nothing.
"""

from __future__ import annotations

from pylightnix.core.lazy import lazy

_HOMES = {
    "core.errors": "PluginError",
    "plugins.container": "PluginContainer",
    "plugins.discovery": "Discovery discover",
    "plugins.entries": "Entry InvalidEntryPoints",
    "plugins.failures": "CannotDiscover NoSuchPlugin PluginConflict PluginFailed",
    "plugins.filters": "MatchingPluginFilter",
    "plugins.finders": "EntryPointFinder ModuleFinder PluginFinder",
    "plugins.health": "Complaint examine",
    "plugins.index": "Index",
    "plugins.listeners": "CompositePluginLifecycleListener PluginLifecycleListener",
    "plugins.manager": "PluginManager",
    "plugins.own": "KINDS NotCallable lookup matcher names stage",
    "plugins.spec": "FunctionPlugin Plugin PluginDisabled PluginException PluginFactory "
    "PluginSpec plugin",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
