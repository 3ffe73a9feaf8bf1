"""What a plugin is, and what describes one: `Plugin`, `PluginSpec`, `@plugin`."""

from __future__ import annotations

from functools import update_wrapper

from pylightnix.core.errors import PluginError
from pylightnix.core.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    PluginFactory: TypeAlias = Callable[[], "Plugin"]
else:
    PluginFactory = "Callable[[], Plugin]"


class PluginException(PluginError):
    """What plugins raise on purpose; if a listener raises it, loading stops."""


class PluginDisabled(PluginException):
    """A plugin does not want to be loaded here. It may raise this itself, with the reason."""

    def __init__(self, reason: str = "", namespace: str = "", name: str = "") -> None:
        super().__init__(reason, namespace, name)
        self.reason, self.namespace, self.name = reason, namespace, name

    def __str__(self) -> str:
        which = f"the plugin {self.name!r} of {self.namespace}" if self.name else "the plugin"
        why = self.reason or "its should_load() says no"
        return f"{which} is switched off: {why}. What it needs is for its distribution to tell"


class Plugin:
    """Something that is loaded by its name.

    A class with a namespace and a name is found when its distribution is built. One without a name
    is abstract: a base for others.

    Attributes:
        namespace: what the plugin is for, as `my.plugins.cli`.
        name: its name there.
        requirements: distributions that it needs, in words for people; nothing is checked.

    Concept: plugins with a life of resolve, init, load over entry points (Plux).
    """

    namespace: str
    name: str
    requirements: Sequence[str] = ()

    def should_load(self) -> bool:
        """Tell whether it is to be loaded in this process."""
        return True

    def load(self, *args: Any, **kwargs: Any) -> Any:
        """Do what it is for; is given what the manager was given as `load_args`."""
        return None


@value
class PluginSpec:
    """Describes a plugin; at the top of a module, it is found when its distribution is built.

    Attributes:
        namespace: what the plugin is for.
        name: its name there.
        factory: gives the plugin; the class of one will do.
    """

    namespace: str
    name: str
    factory: PluginFactory

    def __hash__(self) -> int:
        return hash((self.namespace, self.name))  # a factory need not have a hash


class FunctionPlugin(Plugin):
    """A function that is a plugin too; calling it calls the function."""

    def __init__(
        self,
        fn: Callable[..., Any],
        namespace: str,
        name: str,
        *,
        should_load: bool | Callable[[], bool] | None = None,
        load: Callable[..., Any] | None = None,
    ) -> None:
        update_wrapper(self, fn)
        self.namespace, self.name = namespace, name
        self.fn, self._should_load, self._load = fn, should_load, load

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def should_load(self) -> bool:
        asked = self._should_load
        return True if asked is None else bool(asked() if callable(asked) else asked)

    def load(self, *args: Any, **kwargs: Any) -> Any:
        return None if self._load is None else self._load(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<plugin {self.name} of {self.namespace}: {self.fn!r}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle it as functions are: by where it is, which is no longer where `fn` is."""
        import sys

        path = getattr(self, "__qualname__", "")
        home = sys.modules.get(getattr(self, "__module__", ""))
        if home is not None and getattr(home, path, None) is self:
            return path
        return _again, (self.fn, self.namespace, self.name, self._should_load, self._load)


def _again(
    fn: Callable[..., Any], namespace: str, name: str, should_load: Any, load: Any
) -> FunctionPlugin:
    return FunctionPlugin(fn, namespace, name, should_load=should_load, load=load)


def plugin(
    namespace: str,
    name: str | None = None,
    should_load: bool | Callable[[], bool] | None = None,
    load: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], FunctionPlugin]:
    """Make a plugin of a function; it can still be called.

    Args:
        namespace: what the plugin is for.
        name: its name there; by default that of the function.
        should_load: whether it is to be loaded, or a function that tells.
        load: what to do when it is loaded; by default nothing.

    Returns:
        A decorator that gives a `FunctionPlugin`.

    >>> @plugin("example.greetings")
    ... def hello(who):
    ...     return f"hello, {who}"
    >>> hello("world"), hello.name
    ('hello, world', 'hello')
    """

    def decorate(fn: Callable[..., Any]) -> FunctionPlugin:
        return FunctionPlugin(
            fn, namespace, name or fn.__name__, should_load=should_load, load=load
        )

    return decorate
