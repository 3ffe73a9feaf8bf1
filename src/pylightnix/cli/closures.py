"""From the words of a command about a stage to its closure, and to derivations of it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from pylightnix.api.given import UnknownTarget
from pylightnix.core.refs import DRef, isrref, rref2dref
from pylightnix.engine.closure import Closure
from pylightnix.store.lookup import Ambiguous

from .target import Target, parse_target


def target_of(args: Namespace) -> Target:
    """Read which stage is meant; raises `InvalidTarget`."""
    return parse_target([args.target, *args.arguments])


def forced(closure: Closure, texts: Iterable[str]) -> list[DRef]:
    """Find derivations of a closure by reference, name, or the beginning of a hash.

    Raises:
        UnknownTarget: the closure has nothing of the kind.
        Ambiguous: it has several.
    """
    return [_only(closure, text) for text in texts]


def _only(closure: Closure, text: str) -> DRef:
    wanted = str(rref2dref(text)) if isrref(text) else text
    known = [drv.dref for drv in closure.derivations]
    named = [dref for dref in known if wanted in (dref, dref[38:])]
    begun = wanted.removeprefix("dref:")
    fitting = named or [dref for dref in known if begun and dref[5:].startswith(begun)]
    if not fitting:
        raise UnknownTarget("--force", (text,), tuple(known))
    if len(fitting) > 1:
        raise Ambiguous(text, tuple(fitting))
    return fitting[0]
