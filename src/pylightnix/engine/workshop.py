"""What a whole `realize` has in common, and how one derivation's realizations are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import value
from pylightnix.store.layout import Store
from pylightnix.store.scratch import Scratch

from .arguments import RealizeArg
from .listening import ignore
from .matchers import MatcherUnsatisfied
from .registry import Derivation, Realizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any, TypeAlias

    from pylightnix.core.context import Context

    from .events import Listener

Invoke: TypeAlias = Callable[[Realizer, Store, DRef, "Context", RealizeArg], "Sequence[Path]"]
"""Calls a realizer; floors above use it to make the store of the build the current one."""
Capture: TypeAlias = "Callable[[str], AbstractContextManager[None]]"
"""Given the path of a log, sends there what this process prints meanwhile."""


def call(
    realizer: Realizer, store: Store, dref: DRef, context: Context, rarg: RealizeArg
) -> Sequence[Path]:
    """Just call the realizer: the plainest `Invoke`."""
    return realizer(store, dref, context, rarg)


def unnoted(rref: RRef) -> None:
    """Take no note of a new realization."""


@value
class Workshop:
    """What a whole `realize` has in common.

    Attributes:
        store: where to look and to build.
        scratch: where builders work.
        force: build these even if something matches.
        args: the caller's arguments for realizers.
        lock_timeout_s: how long to wait for another builder of the same thing; None without end.
        emit: where events go.
        invoke: how a realizer is called.
        who: what others are told while we hold a build lock; empty for just this process.
        on_new: told of realizations that were built and not there before.
        capture: sends what this process prints to a file, while a realizer runs; None where it has
            other work as well.
    """

    store: Store
    scratch: Scratch
    force: frozenset[DRef] = frozenset()
    args: Mapping[DRef, Mapping[str, Any]] = MappingProxyType({})
    lock_timeout_s: float | None = None
    emit: Listener = ignore
    invoke: Invoke = call
    who: str = ""
    capture: Capture | None = None
    on_new: Callable[[RRef], object] = unnoted


def choose(store: Store, drv: Derivation, found: Sequence[RRef]) -> Chosen | None:
    """Ask a derivation's matcher to choose among realizations; None asks for a build.

    Raises:
        MatcherUnsatisfied: the matcher refuses, or chooses what it was not offered.
    """
    answer = drv.matcher(store, found)
    if answer is None:
        return None
    chosen = tuple(answer)
    if chosen == tuple(found):
        return chosen  # the everyday case: there is one, and it will do
    strange = tuple(sorted(set(chosen).difference(found)))
    if strange:
        raise MatcherUnsatisfied(
            drv.dref,
            ", ".join(strange),
            tuple(found),
            "A matcher must choose among what it is offered",
        )
    return chosen
