"""The workshop: what all builds of one `realize` have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pylightnix.core.context import Context
from pylightnix.core.refs import DRef
from pylightnix.store.layout import Store
from pylightnix.store.lock import this_process
from pylightnix.store.scratch import Scratch

from .arguments import RealizeArg
from .events import Listener, ignore
from .registry import Realizer

Invoke: TypeAlias = Callable[[Realizer, Store, DRef, Context, RealizeArg], Sequence[Path]]
"""Calls a realizer; floors above use it to make the store of the build the current one."""


def call(
    realizer: Realizer, store: Store, dref: DRef, context: Context, rarg: RealizeArg
) -> Sequence[Path]:
    """Just call the realizer: the plainest `Invoke`."""
    return realizer(store, dref, context, rarg)


@dataclass(frozen=True, slots=True)
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
        who: builds, for those who wait.
        capture: sends what this process prints to a file, while a realizer runs; None where it has
            other work as well.
    """

    store: Store
    scratch: Scratch
    force: frozenset[DRef] = frozenset()
    args: Mapping[DRef, Mapping[str, Any]] = field(default_factory=dict)
    lock_timeout_s: float | None = None
    emit: Listener = ignore
    invoke: Invoke = call
    who: str = field(default_factory=this_process)
    capture: Callable[[str], AbstractContextManager[None]] | None = None
