"""Who is told of what happens to plugins."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from .entries import Entry
    from .spec import Plugin, PluginSpec


class PluginLifecycleListener:
    """Is told of every step of a plugin's life; each method does nothing unless it is overridden.

    What a listener raises is logged and passed over, but for a `PluginException`, which stops
    the loading.
    """

    def on_resolve_exception(self, namespace: str, entrypoint: Entry, exception: Exception) -> None:
        """An entry point could not be imported, or is no plugin, or is not the only one."""

    def on_resolve_after(self, spec: PluginSpec) -> None:
        """The spec is there."""

    def on_init_exception(self, spec: PluginSpec, exception: Exception) -> None:
        """The factory raised."""

    def on_init_after(self, spec: PluginSpec, plugin: Plugin) -> None:
        """The factory gave a plugin."""

    def on_load_before(
        self,
        spec: PluginSpec,
        plugin: Plugin,
        load_args: Sequence[Any],
        load_kwargs: Mapping[str, Any],
    ) -> None:
        """The plugin is about to be loaded."""

    def on_load_after(self, spec: PluginSpec, plugin: Plugin, result: Any) -> None:
        """The plugin was loaded."""

    def on_load_exception(self, spec: PluginSpec, plugin: Plugin, exception: Exception) -> None:
        """The plugin's `load` or `should_load` raised."""


class CompositePluginLifecycleListener(PluginLifecycleListener):
    """Tells several listeners, in order."""

    def __init__(self, listeners: Iterable[PluginLifecycleListener] = ()) -> None:
        self.listeners = list(listeners)

    def add_listener(self, listener: PluginLifecycleListener) -> None:
        """Tell one more."""
        self.listeners.append(listener)

    def _tell(self, method: str, *arguments: Any) -> None:
        from .spec import PluginException

        for listener in self.listeners:
            try:
                getattr(listener, method)(*arguments)
            except PluginException:
                raise
            except Exception:  # a broken listener must not break what it listens to
                from logging import getLogger

                getLogger(__name__).exception("%s: %r raised", method, listener)

    def on_resolve_exception(self, namespace: str, entrypoint: Entry, exception: Exception) -> None:
        self._tell("on_resolve_exception", namespace, entrypoint, exception)

    def on_resolve_after(self, spec: PluginSpec) -> None:
        self._tell("on_resolve_after", spec)

    def on_init_exception(self, spec: PluginSpec, exception: Exception) -> None:
        self._tell("on_init_exception", spec, exception)

    def on_init_after(self, spec: PluginSpec, plugin: Plugin) -> None:
        self._tell("on_init_after", spec, plugin)

    def on_load_before(
        self,
        spec: PluginSpec,
        plugin: Plugin,
        load_args: Sequence[Any],
        load_kwargs: Mapping[str, Any],
    ) -> None:
        self._tell("on_load_before", spec, plugin, load_args, load_kwargs)

    def on_load_after(self, spec: PluginSpec, plugin: Plugin, result: Any) -> None:
        self._tell("on_load_after", spec, plugin, result)

    def on_load_exception(self, spec: PluginSpec, plugin: Plugin, exception: Exception) -> None:
        self._tell("on_load_exception", spec, plugin, exception)
