"""Look all plugins over: load each, and say what is wrong with it and how to mend that."""

from __future__ import annotations

from pylightnix.core.errors import PluginError
from pylightnix.core.value import value

from .failures import PluginConflict
from .index import Index
from .own import KINDS
from .spec import PluginDisabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .entries import Entry


@value
class Complaint:
    """What is to be said of one plugin.

    Attributes:
        entry: which.
        state: `ok`, `disabled`, `conflict`, `gone`, or what it could not become: `resolved`,
            `init`, `loaded`.
        detail: what is wrong, in words; of one that is switched off, why.
    """

    entry: Entry
    state: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.state in ("ok", "disabled", "gone")


def examine(
    namespaces: Iterable[str] | None = None, *, load: bool = True, index: Index | None = None
) -> list[Complaint]:
    """Try every plugin, in order of namespaces and names.

    Args:
        namespaces: which; by default those of this library.
        load: call `load` too, without arguments; otherwise stop before.
        index: of what is installed.

    Returns:
        One for each plugin, and one for each that is gone, as far as that is remembered.

    Effects: runs the plugins' code.
    """
    known = Index() if index is None else index
    wanted = [f"pylightnix.{kind}" for kind in KINDS] if namespaces is None else list(namespaces)
    found = [one for namespace in wanted for one in _tried(namespace, known, load)]
    return found + [Complaint(e, "gone") for e in known.gone() if e.namespace in wanted]


def _tried(namespace: str, index: Index, load: bool) -> Iterable[Complaint]:
    from .container import PluginContainer
    from .failures import PluginFailed
    from .listeners import PluginLifecycleListener

    several: dict[str, list[Entry]] = {}
    for entry in index.entries(namespace):
        several.setdefault(entry.name, []).append(entry)
    for name, entries in sorted(several.items()):
        entry = entries[0]
        container: PluginContainer[Any] = PluginContainer(namespace, name, entry)
        try:
            if len(set(entries)) > 1:
                places = tuple(map(str, entries))
                raise PluginConflict(namespace, name, places)
            container.advance(PluginLifecycleListener(), (), {}, load=load)
        except PluginDisabled as error:
            yield Complaint(entry, "disabled", error.reason or "its should_load() says no")
        except PluginConflict as error:
            yield Complaint(entry, "conflict", str(error))
        except PluginFailed as error:
            yield Complaint(entry, error.state, error.cause)
        except PluginError as error:
            yield Complaint(entry, "loaded", str(error))
        else:
            yield Complaint(entry, "ok")
