"""Failures as values: realize, and look at what came of it instead of catching an error."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING, Any

from pylightnix.core.graph import reachable, users
from pylightnix.core.refs import DRef
from pylightnix.engine.closure import Closure
from pylightnix.engine.events import Failed
from pylightnix.engine.failures import BuildsFailed
from pylightnix.engine.matchers import MatcherUnsatisfied
from pylightnix.engine.produce import BuildFailed, PromiseBroken
from pylightnix.store.layout import log_path

from .stage import realize_context

if TYPE_CHECKING:
    from pylightnix.core.context import Context


@dataclass(frozen=True, slots=True)
class Realized:
    """Everything was realized.

    Attributes:
        result: of the shape of the stage's result, as `realize_context` gives it.
        context: the chosen realizations of every derivation of the closure.
    """

    result: Any
    context: Context


class Failure(Failed):
    """Something could not be built.

    It is a `Failed`, as the event of that name, and knows more.

    Attributes:
        dref: what; of several, the first.
        error: as `realize` would have raised it: `BuildFailed`, `PromiseBroken`,
            `MatcherUnsatisfied` or, with `keep_going`, `BuildsFailed`.
        time_s: when, by the monotonic clock.
        traceback: text that tells where the builder failed.
        log: the build's log; None if it wrote none.
        skipped: what was not built because it needs what failed, dependencies first.
    """

    __slots__ = ("log", "skipped", "traceback")
    __match_args__ = ("dref", "error", "traceback", "log", "skipped")

    traceback: str
    log: Path | None
    skipped: tuple[DRef, ...]

    def __init__(
        self,
        dref: DRef,
        error: Exception,
        traceback: str,
        log: Path | None,
        skipped: tuple[DRef, ...],
    ) -> None:
        super().__init__(dref, error, time.monotonic())
        for name, item in (("traceback", traceback), ("log", log), ("skipped", skipped)):
            object.__setattr__(self, name, item)

    def __reduce__(self) -> tuple[object, ...]:
        return Failure, (self.dref, self.error, self.traceback, self.log, self.skipped)


def realize_either(closure: Closure, *args: Any, **options: Any) -> Realized | Failure:
    """Realize a closure and give what came of it as a value.

    `match realize_either(closure): case Realized(result): ...; case Failed(dref, error): ...`

    Args:
        closure: as `instantiate` returned it.
        args: as `realize_context` takes them.
        options: as `realize_context` takes them.

    Returns:
        `Realized`, or a `Failure` (which is a `Failed`) if a build failed.

    Raises:
        InvalidValue, UnknownTarget, StoreError: what was asked for could not be tried at all.
    """
    try:
        return Realized(*realize_context(closure, *args, **options))
    except BuildsFailed as error:
        return _failed(closure, error, error.errors)
    except (BuildFailed, PromiseBroken, MatcherUnsatisfied) as error:
        return _failed(closure, error, (error,))


def _failed(closure: Closure, error: Exception, errors: tuple[Exception, ...]) -> Failure:
    drefs = [DRef(dref) for one in errors if (dref := getattr(one, "dref", None)) is not None]
    first = errors[0]
    text = "".join(format_exception(first.__cause__ or first))
    log = Path(getattr(first, "log", None) or log_path(closure.store, drefs[0]))
    order = [drv.dref for drv in closure.derivations]
    above = reachable(drefs, users(closure.needs))
    skipped = tuple(dref for dref in order if dref in above and dref not in drefs)
    return Failure(drefs[0], error, text, log if log.is_file() else None, skipped)
