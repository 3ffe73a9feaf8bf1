"""How this library itself is extended: a namespace for each kind of thing that a plugin can be."""

from __future__ import annotations

from pylightnix.core.errors import PluginError

from .manager import PluginManager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .index import Index

# What a plugin of each kind is called with, and gives.
KINDS = {
    "stages": "stage(r, ...) -> DRef",
    "matchers": "factory(**options) -> Matcher",
    "executors": "factory(address) -> Executor",
    "remotes": "factory(url) -> remote",
    "pods": "factory(**options) -> pod",
    "steps": "run_step(context)",
    "loaders": "loader(name, ...) -> pipeline",
    "commands": "main(argv) -> exit code",
}


class NotCallable(PluginError):
    """A plugin of a namespace of this library cannot be called."""

    def __init__(self, namespace: str, name: str, wanted: str) -> None:
        super().__init__(namespace, name, wanted)
        self.namespace, self.name, self.wanted = namespace, name, wanted

    def __str__(self) -> str:
        return (
            f"the plugin {self.name!r} of {self.namespace} cannot be called: it must be a "
            f"function, or have __call__, as {self.wanted}"
        )


def names(kind: str, index: Index | None = None) -> list[str]:
    """Give the names of the plugins of a kind; imports none of them.

    Args:
        kind: one of `KINDS`.
        index: of what is installed.
    """
    return PluginManager(_namespace(kind), index=index).list_names()


def lookup(kind: str, name: str, index: Index | None = None) -> Callable[..., Any]:
    """Load a plugin of this library by its name.

    Args:
        kind: one of `KINDS`.
        name: of the plugin.
        index: of what is installed.

    Returns:
        What can be called as `KINDS` says.

    Raises:
        NoSuchPlugin: there is none; it says which distribution had it.
        PluginConflict: there are several.
        PluginDisabled, PluginFailed: it cannot be loaded here.
        NotCallable: it cannot be called.

    Effects: runs the plugin's code.
    """
    manager: PluginManager[Any] = PluginManager(_namespace(kind), index=index)
    found = manager.load(name)
    if not callable(found):
        raise NotCallable(manager.namespace, name, KINDS[kind])
    called: Callable[..., Any] = found
    return called


def stage(name: str) -> Callable[..., Any]:
    """Give the stage of a plugin, as `instantiate(stage("fetch-issue"), number=7)`.

    Raises:
        PluginError: as `lookup`.
    """
    return lookup("stages", name)


def matcher(name: str, /, **options: Any) -> Any:
    """Make a matcher of a plugin, with options: for `mkdrv`.

    >>> matcher("newest-of", days=7)  # doctest: +SKIP

    Raises:
        PluginError: as `lookup`.
    """
    return lookup("matchers", name)(**options)


def _namespace(kind: str) -> str:
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise PluginError(f"there are no plugins of the kind {kind!r}: give one of {known}")
    return f"pylightnix.{kind}"
