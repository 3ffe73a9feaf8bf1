"""One plugin in a manager's hands: how far it came, and what went wrong."""

from __future__ import annotations

from pylightnix.core.errors import PluginError

from .failures import PluginFailed, words_of
from .resolve import spec_of
from .spec import Plugin, PluginDisabled, PluginException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.metadata import Distribution
    from typing import Any, Generic, TypeVar

    from .entries import Entry
    from .listeners import PluginLifecycleListener
    from .spec import PluginSpec

    P = TypeVar("P", bound=Plugin)

    class _Of(Generic[P]):
        """Generic for type checkers, at no cost at run time."""

else:
    from types import GenericAlias

    class _Of:
        """Can be written with brackets, which `typing` would take milliseconds for."""

        __class_getitem__ = classmethod(GenericAlias)


class PluginContainer(_Of["P"]):
    """A plugin with its state: resolved, init, loaded.

    Attributes:
        namespace, name: of the plugin.
        entry: where it comes from; None if a finder of the user's own found it.
        plugin_spec: once it is resolved.
        plugin: once it is init.
        is_init, is_loaded: whether it came that far.
        result: what `load` returned.
        resolve_error, init_error, load_error: what went wrong when it was last tried.
    """

    def __init__(self, namespace: str, name: str, entry: Entry | None = None) -> None:
        self.namespace, self.name, self.entry = namespace, name, entry
        self.plugin_spec: PluginSpec | None = None
        self.plugin: P | None = None
        self.is_init = self.is_loaded = False
        self.result: Any = None
        self._forget()

    def _forget(self) -> None:
        self.resolve_error: Exception | None = None
        self.init_error: Exception | None = None
        self.load_error: Exception | None = None

    @property
    def distribution(self) -> Distribution | None:
        """The distribution that has it, if that is known."""
        if self.entry is None or not self.entry.distribution:
            return None
        from importlib.metadata import Distribution

        return Distribution.at(self.entry.place)

    @property
    def place(self) -> str:
        """Say where it comes from."""
        return "found by a finder" if self.entry is None else str(self.entry)

    def advance(
        self,
        listener: PluginLifecycleListener,
        load_args: Sequence[Any],
        load_kwargs: Mapping[str, Any],
        *,
        load: bool = True,
    ) -> P:
        """Bring it as far as it can come; errors of an earlier attempt are forgotten.

        Raises:
            PluginDisabled: it does not want to.
            PluginFailed: it raised; the listener has been told.
            PluginException: a listener wants all to stop.
        """
        self._forget()
        self.resolved(listener)
        if self.plugin is None:
            self._init(listener)
        plugin: P = self.plugin  # type: ignore[assignment]
        if load and not self.is_loaded:
            self._load(listener, plugin, load_args, load_kwargs)
        return plugin

    def resolved(self, listener: PluginLifecycleListener) -> PluginSpec:
        """Import its spec, if that has not been done.

        Raises:
            PluginFailed: that failed; the listener has been told.
        """
        if self.plugin_spec is None:
            entry = self.entry
            assert entry is not None  # noqa: S101 - without an entry it was made with a spec

            def tell(error: Exception) -> None:
                self.resolve_error = error
                listener.on_resolve_exception(self.namespace, entry, error)

            self.plugin_spec = self._attempt("resolved", lambda: spec_of(entry), tell)
            listener.on_resolve_after(self.plugin_spec)
        return self.plugin_spec

    def _init(self, listener: PluginLifecycleListener) -> None:
        spec = self.plugin_spec
        assert spec is not None  # noqa: S101 - it was resolved before

        def make() -> Any:
            made = spec.factory()
            if not isinstance(made, Plugin):
                raise TypeError(f"the factory gave {made!r:.100}, which is no Plugin")
            return made

        def tell(error: Exception) -> None:
            self.init_error = error
            listener.on_init_exception(spec, error)

        plugin = self._attempt("init", make, tell)
        self.plugin, self.is_init = plugin, True
        listener.on_init_after(spec, plugin)

    def _load(
        self,
        listener: PluginLifecycleListener,
        plugin: P,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        spec = self.plugin_spec
        assert spec is not None  # noqa: S101 - it was resolved before

        def tell(error: Exception) -> None:
            self.load_error = error
            listener.on_load_exception(spec, plugin, error)

        if not self._attempt("loaded", plugin.should_load, tell):
            raise PluginDisabled("", self.namespace, self.name)
        listener.on_load_before(spec, plugin, args, kwargs)
        self.result = self._attempt("loaded", lambda: plugin.load(*args, **kwargs), tell)
        self.is_loaded = True
        listener.on_load_after(spec, plugin, self.result)

    def _attempt(
        self, state: str, step: Callable[[], Any], tell: Callable[[Exception], None]
    ) -> Any:
        """Take a step of the plugin's own code; turn what it raises into a sentence."""
        try:
            return step()
        except PluginDisabled as error:
            raise PluginDisabled(error.reason, self.namespace, self.name) from error
        except (Exception, SystemExit) as error:
            cause = error if isinstance(error, Exception) else RuntimeError(f"SystemExit: {error}")
            tell(cause)
            # Its own sentence is enough, if it is one of ours.
            words = str(error) if _ours(error) else words_of(error)
            raise PluginFailed(self.namespace, self.name, state, self.place, words) from error


def _ours(error: BaseException) -> bool:
    return isinstance(error, PluginError) and not isinstance(error, PluginException)
