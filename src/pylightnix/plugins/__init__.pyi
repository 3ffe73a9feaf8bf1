"""Types of the published names; they are loaded lazily, see `__init__.py`."""

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
