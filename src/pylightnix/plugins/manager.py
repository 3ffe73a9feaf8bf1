"""`PluginManager`: the plugins of one namespace, from their names to being loaded."""

from __future__ import annotations

from threading import RLock

from .container import PluginContainer, _Of
from .entries import Entry
from .failures import NoSuchPlugin, PluginConflict, PluginFailed
from .index import Index
from .listeners import CompositePluginLifecycleListener, PluginLifecycleListener
from .resolve import Deferred
from .spec import PluginDisabled, PluginSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    from .container import P
    from .finders import PluginFinder

    Filter: TypeAlias = Callable[[PluginSpec], bool]


class PluginManager(_Of["P"]):
    """Manages the plugins of a namespace; generic in their type.

    Listing imports nothing. A plugin is imported, created and loaded when it is asked for; what
    goes wrong is told to the listeners, and the others go on. What is loaded stays loaded, and
    what failed is tried anew when it is asked for again.

    Args:
        namespace: of the plugins.
        load_args, load_kwargs: what their `load` is given.
        listener: who is told, one or several.
        finder: where they come from; by default from what is installed.
        filters: functions of a spec; what one of them says true of is left out. The factory of
            such a spec has not been imported; calling it does.
        index: of what is installed, if there is no finder.

    Concept: a manager with a listener for each step of a plugin's life (Plux).
    """

    def __init__(
        self,
        namespace: str,
        load_args: Iterable[Any] = (),
        load_kwargs: Mapping[str, Any] | None = None,
        listener: PluginLifecycleListener | Iterable[PluginLifecycleListener] | None = None,
        finder: PluginFinder | None = None,
        filters: Iterable[Filter] | None = None,
        *,
        index: Index | None = None,
    ) -> None:
        self.namespace = namespace
        self.load_args = tuple(load_args)
        self.load_kwargs = dict(load_kwargs or {})
        self.filters = list(filters or ())
        self.finder = finder
        self.listener = CompositePluginLifecycleListener(_several(listener))
        self._index = Index() if index is None else index
        self._containers: dict[tuple[str, str], PluginContainer[P]] = {}
        # A plugin that loads another one comes back in the same thread.
        self._lock = RLock()

    def add_listener(self, listener: PluginLifecycleListener) -> None:
        """Tell one more of what happens from now on."""
        self.listener.add_listener(listener)

    def list_names(self) -> list[str]:
        """Give the names of all plugins, in order; imports nothing."""
        if self.finder is None and not self.filters:
            return sorted(self._index.names(self.namespace))
        return sorted(self._found())

    def list_plugin_specs(self) -> list[PluginSpec]:
        """Give the specs of all plugins, in order of their names; imports them.

        What cannot be imported, and what is there twice, is told to the listeners and left out.
        """
        found: list[PluginSpec] = []
        with self._lock:
            for container in self._usable():
                try:
                    found.append(container.resolved(self.listener))
                except PluginFailed:
                    continue  # the listeners have been told
        return found

    def list_containers(self) -> list[PluginContainer[P]]:
        """Give all plugins with their states, in order of their names; imports nothing."""
        with self._lock:
            return [one for _, several in sorted(self._found().items()) for one in several]

    def get_container(self, name: str) -> PluginContainer[P]:
        """Give a plugin with its state; imports nothing.

        Raises:
            NoSuchPlugin: there is none; it says which distribution had it.
            PluginConflict: there are several.
        """
        with self._lock:
            several = self._found(name).get(name, [])
            if len(several) > 1:
                raise self._conflict(several)
            if not several:
                had = "" if self.finder else self._index.had(self.namespace, name)
                raise NoSuchPlugin(self.namespace, name, had, tuple(self.list_names()))
            return several[0]

    def is_loaded(self, name: str) -> bool:
        """Tell whether a plugin is loaded. Raises as `get_container`."""
        return self.get_container(name).is_loaded

    def load(self, name: str) -> P:
        """Load a plugin, unless it is loaded; imports no other one.

        Raises:
            NoSuchPlugin, PluginConflict: as `get_container`.
            PluginDisabled: it does not want to be loaded.
            PluginFailed: it raised.
        """
        with self._lock:
            container = self.get_container(name)
            return container.advance(self.listener, self.load_args, self.load_kwargs)

    def load_all(self, propagate_exceptions: bool = False) -> list[P]:
        """Load all plugins; those that are switched off, or raise, are left out.

        Args:
            propagate_exceptions: raise the first error instead of going on.

        Returns:
            In order of their names.

        Raises:
            PluginConflict, PluginFailed: the first error, if it was asked for.
        """
        found: list[P] = []
        with self._lock:
            for container in self._usable(propagate_exceptions):
                try:
                    found.append(container.advance(self.listener, self.load_args, self.load_kwargs))
                except PluginDisabled:
                    continue
                except PluginFailed:
                    if propagate_exceptions:
                        raise
        return found

    def _usable(self, propagate: bool = False) -> Iterable[PluginContainer[P]]:
        """Give what has its name for itself, and tell of the rest."""
        for _, several in sorted(self._found().items()):
            if len(several) == 1:
                yield several[0]
                continue
            error = self._conflict(several)
            if propagate:
                raise error
            for container in several:
                container.resolve_error = error
                entry = container.entry or Entry(self.namespace, container.name, container.place)
                self.listener.on_resolve_exception(self.namespace, entry, error)

    def _conflict(self, several: Iterable[PluginContainer[P]]) -> PluginConflict:
        containers = list(several)
        places = tuple(container.place for container in containers)
        return PluginConflict(self.namespace, containers[0].name, places)

    def _found(self, name: str | None = None) -> dict[str, list[PluginContainer[P]]]:
        """Look what is there now: name -> all that have it."""
        found: dict[str, list[PluginContainer[P]]] = {}
        for container in self._specs() if self.finder else self._installed(name):
            if name in (None, container.name):
                found.setdefault(container.name, []).append(container)
        return found

    def _installed(self, name: str | None) -> Iterable[PluginContainer[P]]:
        for entry in dict.fromkeys(self._index.entries(self.namespace, name)):
            if self.filters and self._excluded(PluginSpec(*_key(entry), Deferred(entry))):
                continue
            key = (entry.value, entry.place)
            known = self._containers.get((entry.name, str(key)))
            if known is None:
                known = PluginContainer(entry.namespace, entry.name, entry)
                self._containers[entry.name, str(key)] = known
            yield known

    def _specs(self) -> Iterable[PluginContainer[P]]:
        assert self.finder is not None  # noqa: S101 - asked for only if there is one
        for spec in dict.fromkeys(self.finder.find_plugins()):
            if spec.namespace != self.namespace or self._excluded(spec):
                continue
            key = (spec.name, str(id(spec.factory)))
            known = self._containers.get(key)
            if known is None:
                known = self._containers[key] = PluginContainer(spec.namespace, spec.name)
                known.plugin_spec = spec
            yield known

    def _excluded(self, spec: PluginSpec) -> bool:
        return any(leave_out(spec) for leave_out in self.filters)


def _key(entry: Entry) -> tuple[str, str]:
    return entry.namespace, entry.name


def _several(
    listener: PluginLifecycleListener | Iterable[PluginLifecycleListener] | None,
) -> Iterable[PluginLifecycleListener]:
    if listener is None:
        return ()
    return (listener,) if isinstance(listener, PluginLifecycleListener) else listener
