"""How to realize: the options that `realize` and its relatives share."""

from __future__ import annotations

from pylightnix.core.errors import InvalidValue
from pylightnix.core.given import require_number
from pylightnix.engine.events import ignore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from pylightnix.engine.events import Listener
    from pylightnix.store.layout import Durability

    class Options(TypedDict, total=False):
        """How to realize; every option may be left out.

        Attributes:
            durability: what is flushed when it returns: `full`, `batch` or `none`; by default the
                store's.
            lock_timeout_s: how long to wait for another process that builds the same; None (the
                default) without end.
            on_event: is told what happens; see `pylightnix.engine.events`.
        """

        durability: Durability | None
        lock_timeout_s: float | None
        on_event: Listener


OPTIONS = ("durability", "lock_timeout_s", "on_event")


def check_options(options: Options) -> None:
    """Refuse options that do not exist or cannot be meant; durability is checked where it is used.

    Raises:
        InvalidValue: names the option.
    """
    for name in options.keys() - set(OPTIONS):
        raise InvalidValue(f"realize has no option {name!r}; it has {', '.join(OPTIONS)}")
    if options.get("lock_timeout_s") is not None:
        require_number("lock_timeout_s", options["lock_timeout_s"])
    if not callable(options.get("on_event", ignore)):
        raise InvalidValue("on_event cannot be called: give a function of one event")
