"""Finders: where a manager's plugins come from, if not from what is installed."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from .container import PluginContainer
from .failures import PluginFailed
from .index import Index
from .listeners import PluginLifecycleListener
from .resolve import spec_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

    from .spec import PluginSpec


class PluginFinder(Protocol):
    """Finds plugins: the port; to be derived from, or just to be like."""

    @abstractmethod
    def find_plugins(self) -> Iterable[PluginSpec]:
        """Give the specs of all that there are."""


class EntryPointFinder(PluginFinder):
    """Finds the plugins of a namespace that are installed, and imports them.

    Args:
        namespace: of the plugins.
        listener: is told of those that cannot be imported; they are left out.
        index: of what is installed.
    """

    def __init__(
        self,
        namespace: str,
        listener: PluginLifecycleListener | None = None,
        index: Index | None = None,
    ) -> None:
        self.namespace = namespace
        self.listener = PluginLifecycleListener() if listener is None else listener
        self.index = Index() if index is None else index

    def find_plugins(self) -> list[PluginSpec]:
        found: list[PluginSpec] = []
        for entry in self.index.entries(self.namespace):
            container: PluginContainer[Any] = PluginContainer(entry.namespace, entry.name, entry)
            try:
                found.append(container.resolved(self.listener))
            except PluginFailed:
                continue  # the listener has been told
        return found


class ModuleFinder(PluginFinder):
    """Finds what is at the top of modules that are loaded: specs, plugin classes, functions.

    What a module only imported from elsewhere is found in its home, if that is among the modules.
    """

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self.modules = tuple(modules)

    def find_plugins(self) -> list[PluginSpec]:
        found = {id(item): spec for _, _, item, spec in self.located()}
        return list(found.values())

    def located(self) -> list[tuple[ModuleType, str, object, PluginSpec]]:
        """Give each with its module, its variable, and what that holds; some more than once."""
        found = []
        for module in self.modules:
            for name, item in list(vars(module).items()):
                spec = spec_from(item)
                if spec is None:
                    continue
                home = module.__name__ if item is spec else getattr(item, "__module__", "")
                if home == module.__name__:
                    found.append((module, name, item, spec))
        return found
