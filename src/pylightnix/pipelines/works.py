"""What a run derives: its registry, what is not realized yet, and where all that was written."""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.api.ambient import current_registry, current_store, resolved, use_store
from pylightnix.api.stage import instantiate, realize_context, remake
from pylightnix.core.refs import DRef
from pylightnix.core.value import changed
from pylightnix.engine.closure import Closure, Making, close_over
from pylightnix.engine.registry import Registry
from pylightnix.store.layout import Store, rref_path

from .calls import carry_out, replay
from .handles import Derived, Realized, drefs_in, mapped
from .places import Frame
from .uses import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pylightnix.core.refs import RRef
    from pylightnix.imports.scope import ImportScope


class Works:
    """A stateful handle.

    Args:
        store: where to; None for the current one.
        options: as `realize` takes them.

    Attributes:
        registry: has every derivation made so far.
        calls: of stages, so that a worker can repeat them.
        frames: where each derivation was first asked for, as a stack.
        pending: contexts and keys whose value is derived, and not realized yet.
        done: what was realized.
        env: the environment of steps that say nothing of it; None for this one.
    """

    def __init__(self, store: Store | None, options: dict[str, Any]) -> None:
        self.store = current_store() if store is None else resolved(store)
        self.options = options
        self.registry = Registry(self.store)
        self.calls: list[Call] = []
        self.frames: dict[DRef, tuple[Frame, ...]] = {}
        self.pending: list[tuple[dict[str, Any], str]] = []
        self.done: dict[DRef, tuple[RRef, ...]] = {}
        self.env: DRef | None = None

    def derive(self, call: Call, stack: tuple[Frame, ...], scope: ImportScope | None) -> Any:
        """Call a stage; gives what it returned, DRefs in lists and mappings.

        Raises:
            BadInput: its arguments do not fit.
            NotADerivation: it returned something else.
            PylightnixError: as `instantiate`.
        """
        known = self.registry.derivations
        before = len(known)
        with current_registry(self.registry), use_store(self.store):
            made = carry_out(call, self.registry, scope)
        self.calls.append(call)
        for dref in list(known)[before:]:
            self.frames[dref] = stack
        return made

    def closure(self, result: Any, *, write: bool = True) -> Closure:
        """Make a closure of derivations made so far.

        Args:
            result: what is asked for.
            write: the configs that the store lacks; otherwise the closure is for looking at.
        """
        if write:
            closed = instantiate(lambda: result, store=self.store, r=self.registry)
        else:
            closed = close_over(self.registry, self.store, result, None)
        return changed(closed, making=Making(replay, (tuple(self.calls),), {}, remake))

    def flush(self) -> None:
        """Realize what is not realized yet, and put paths into the contexts.

        Raises:
            RealizeError: as `realize`.
        """
        pending, self.pending = self.pending, []
        wanted = {dref: None for context, key in pending for dref in drefs_in(context.get(key))}
        if not wanted:
            return
        closure = self.closure(list(wanted))
        _, done = realize_context(closure, **self.options)
        self.done.update({dref: tuple(done[dref]) for dref in wanted})
        for context, key in pending:
            if key in context:
                context[key] = self.realized(context[key])

    def realized(self, value: Any) -> Any:
        """Replace what is realized by now by its path."""

        def leaf(item: Any) -> Any:
            if not isinstance(item, Derived) or item.dref not in self.done:
                return item
            found = [Realized(rref_path(self.store, each), each) for each in self.done[item.dref]]
            return found[0] if len(found) == 1 else found

        return mapped(value, leaf)

    def unused(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out, of named derivations, those that others are made from."""
        needed = {dep for drv in self.registry.derivations.values() for dep in drv.config.deps}
        return {
            name: value
            for name, value in values.items()
            if any(dref not in needed for dref in drefs_in(value))
        }
