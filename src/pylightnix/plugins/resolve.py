"""From an entry point to the spec that it points to."""

from __future__ import annotations

import sys

from pylightnix.core.errors import PluginError

from .spec import FunctionPlugin, Plugin, PluginSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .entries import Entry


class NotAPlugin(PluginError):
    """What an entry point points to is no plugin, or another one than it says."""

    def __init__(self, value: str, what: str, advice: str) -> None:
        super().__init__(value, what, advice)
        self.value, self.what, self.advice = value, what, advice

    def __str__(self) -> str:
        return f"{self.value} is {self.what}; {self.advice}"


class Deferred:
    """A factory that imports nothing before it is called; stands in specs that filters look at."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.__module__, _, self.__qualname__ = bare(entry.value).partition(":")

    def __call__(self) -> Plugin:
        return spec_of(self.entry).factory()


def bare(target: str) -> str:
    """Leave extras (`module:attribute [extra]`) out."""
    return target.partition("[")[0].strip()


def value_of(factory: object) -> str:
    """Say where a factory is, as entry points do: `module:attribute`."""
    if isinstance(factory, FunctionPlugin):
        factory = factory.fn
    named = factory if hasattr(factory, "__qualname__") else type(factory)
    return f"{getattr(named, '__module__', '')}:{getattr(named, '__qualname__', '')}"


def spec_of(entry: Entry) -> PluginSpec:
    """Import what an entry point points to, and give its spec.

    A plain function is taken for a function plugin, so that entry points written by hand will do.

    Raises:
        NotAPlugin: it is something else.
        Exception: whatever the import raises.

    Effects: runs the module.
    """
    target = bare(entry.value)
    found = imported(target)
    spec = spec_from(found)
    if spec is None and callable(found) and not isinstance(found, type):
        whole = FunctionPlugin(found, entry.namespace, entry.name)
        spec = PluginSpec(entry.namespace, entry.name, lambda: whole)
    if spec is None:
        what = f"no plugin but {found!r:.100}"
        advice = "it must be a PluginSpec, a Plugin with namespace and name, or a function"
        raise NotAPlugin(target, what, advice)
    if (spec.namespace, spec.name) != (entry.namespace, entry.name):
        what = f"the plugin {spec.name!r} of {spec.namespace}, not {entry.name!r}"
        raise NotAPlugin(target, what, "its entry points are out of date: build it again")
    return spec


def spec_from(found: object) -> PluginSpec | None:
    """Give the spec of anything that can be taken for a plugin; None of what cannot."""
    if isinstance(found, PluginSpec):
        return found
    if isinstance(found, FunctionPlugin):
        whole = found
        return PluginSpec(found.namespace, found.name, lambda: whole)
    if isinstance(found, type) and issubclass(found, Plugin):
        namespace, name = getattr(found, "namespace", None), getattr(found, "name", None)
        if isinstance(namespace, str) and isinstance(name, str):
            return PluginSpec(namespace, name, found)
    return None


def imported(target: str) -> object:
    """Import `module:attribute`, or a module."""
    module, _, path = target.partition(":")
    try:
        __import__(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        # Installed since this process last looked into the folder, perhaps within one tick.
        from importlib import invalidate_caches

        invalidate_caches()
        __import__(module)
    found: object = sys.modules[module]
    for part in path.split(".") if path else ():
        found = getattr(found, part)
    return found
