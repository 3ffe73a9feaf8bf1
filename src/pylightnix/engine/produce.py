"""Make what is missing: lock, look again, run the realizer in scratch, install, ask the matcher."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from pylightnix.core.config import config_promises
from pylightnix.core.errors import PylightnixError, RealizeError, StoreError
from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef, RefPath, RRef
from pylightnix.core.value import value
from pylightnix.store.freeze import InvalidOutput
from pylightnix.store.layout import Store, log_path
from pylightnix.store.lock import build_lock
from pylightnix.store.objects import put_derivation, put_realization
from pylightnix.store.query import candidates

from .arguments import RealizeArg
from .events import Built, Hit, Started, Waiting
from .listening import tell
from .matchers import MatcherUnsatisfied
from .provenance import Clock, provenance
from .registry import Derivation
from .run import log_trace, tail
from .workshop import Workshop, choose
from .wrapper import Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.core.context import Context
    from pylightnix.store.filehash import Known
    from pylightnix.store.provenance import Provenance


class BuildFailed(RealizeError):
    """A builder raised. Its folder and log are kept; the original exception is the `__cause__`."""

    def __init__(self, dref: str, folder: str, log: str, cause: str, tail: str = "") -> None:
        super().__init__(dref, folder, log, cause, tail)
        self.dref, self.folder, self.log, self.cause, self.tail = dref, folder, log, cause, tail

    def __str__(self) -> str:
        text = (
            f"{self.dref} failed to build: {self.cause}\n"
            f"its folder is kept: {self.folder}\n"
            f"its log: {self.log}\n"
            "`pylightnix shell --failed` runs it again, with a shell in its folder"
        )
        # A program that failed has told the end of its log itself.
        return f"{text}\n{self.tail}" if self.tail and self.tail not in self.cause else text


class PromiseBroken(RealizeError):
    """A builder ended without making what its config promises."""

    def __init__(self, dref: str, missing: tuple[str, ...], folder: str) -> None:
        super().__init__(dref, missing, folder)
        self.dref, self.missing, self.folder = dref, missing, folder

    def __str__(self) -> str:
        return (
            f"{self.dref} promised {', '.join(self.missing)} and did not make it; "
            f"what it made is kept in {self.folder}: "
            "write it there in the builder, or take the [selfref, ...] out of the config"
        )


class NotRealized(RealizeError):
    """Something that the caller takes for realized would have to be built."""

    def __init__(self, drefs: tuple[str, ...]) -> None:
        super().__init__(drefs)
        self.drefs = drefs

    def __str__(self) -> str:
        return (
            f"not realized, or not with the present dependencies: {', '.join(self.drefs)}. "
            "Realize it without `assert_realized`, or copy it from a store that has it"
        )


@value
class _Task:
    """One derivation to be made: how, in which store, of what, with what it depends on."""

    shop: Workshop
    store: Store
    drv: Derivation
    context: Mapping[DRef, Chosen]


def produce(shop: Workshop, drv: Derivation, context: Mapping[DRef, Chosen]) -> Chosen:
    """Build a derivation, or take what another process built while we waited for its lock.

    Raises:
        BuildFailed, PromiseBroken: the builder did not do its work.
        MatcherUnsatisfied: it did, and the matcher still wants something else.
        StoreBusy: another process holds the build lock for too long.
        StoreError: the result could not be written; nothing was published.
    """

    def on_wait(holder: str) -> None:
        tell(shop.emit, Waiting, drv.dref, holder)

    wait_s = shop.lock_timeout_s
    try:
        lock = build_lock(shop.store, drv.dref, wait_s=wait_s, on_wait=on_wait, who=shop.who)
        with lock as store:
            there = candidates(store, drv.dref, context)
            if there is None:
                put_derivation(store, drv.dref, drv.config)
            found = there or []
            if drv.dref not in shop.force:
                chosen = choose(store, drv, found)
                if chosen is not None:
                    tell(shop.emit, Hit, drv.dref, chosen)
                    return chosen
            return _build_until_matched(_Task(shop, store, drv, context), found)
    except OSError as error:
        raise StoreError(
            f"{drv.dref} cannot be built in {shop.store.var}: {error}. "
            "Mend the disk (free space? permissions?) and realize again"
        ) from error


def _build_until_matched(task: _Task, found: Sequence[RRef]) -> Chosen:
    """Build as often as the matcher lacks realizations; what was `found` before counts."""
    matcher = task.drv.matcher
    wanted: int = getattr(matcher, "rmin", 1)
    lacks = getattr(matcher, "lacks", None)
    lacking = 1 if lacks is None else lacks(task.store, found)
    there = list(found)
    made: list[RRef] = []
    builds = 0
    while len(made) < max(1, lacking):
        made += _build(task, builds)
        builds += 1
        there = sorted({*found, *made})
        for rref in made:
            if rref not in found:
                task.shop.on_new(rref)
        chosen = choose(task.store, task.drv, there)
        if chosen is not None:
            return chosen
    raise MatcherUnsatisfied(
        task.drv.dref,
        f"at least {wanted} realizations" if wanted != 1 else "something else",
        tuple(there),
        f"{len(made)} outputs were built, {len(set(made))} of them different: "
        "if the builder gives the same each time, ask for fewer; "
        "otherwise look at the matcher's keys",
    )


def _build(task: _Task, rindex: int) -> list[RRef]:
    """Run the realizer once and install what it made."""
    shop, drv, dref = task.shop, task.drv, task.drv.dref
    log = log_path(task.store, dref)
    values = shop.args.get(dref, {})
    rarg = RealizeArg(values, drv.config, shop.scratch.new, log=log, rindex=rindex, emit=shop.emit)
    tell(shop.emit, Started, dref)
    clock = Clock()
    folders = _run(task, rarg)
    facts = provenance(drv.realizer, clock)
    made = [_install(task, folder, facts, rarg.hashes) for folder in folders]
    shop.scratch.drop()
    if rarg.logged:
        _keep_log(task.store, log, made)
    tell(shop.emit, Built, dref, tuple(made), facts.seconds)
    return made


def _run(task: _Task, rarg: RealizeArg) -> list[str]:
    try:
        folders = _folders(task.drv.dref, _returned(task, rarg))
    except NotRealized as error:
        if error.drefs == (task.drv.dref,):
            raise  # it is the derivation's own word that it must not be built
        raise _failed(task, rarg.log, error) from error
    except (Exception, SystemExit) as error:
        if _was_not_begun(error):
            raise
        if not isinstance(error, PylightnixError):
            log_trace(rarg.log, error)
        raise _failed(task, rarg.log, error) from error
    promised = config_promises(task.drv.config)
    for folder in folders:
        missing = tuple(
            name for path in promised if not os.path.lexists(f"{folder}/{(name := _below(path))}")
        )
        if missing:
            task.shop.scratch.keep(task.drv.dref)
            raise PromiseBroken(task.drv.dref, missing, folder)
    return folders


def _returned(task: _Task, rarg: RealizeArg) -> object:
    """Call the realizer with a frozen context."""
    realizer, shop = task.drv.realizer, task.shop
    if isinstance(realizer, Wrapped):
        frozen: Context = task.context  # type: ignore[assignment]  # a `Build` freezes it when asked
    else:
        from pylightnix.core.context import mkcontext

        frozen = mkcontext(task.context)
    if shop.capture is None:
        return shop.invoke(realizer, task.store, task.drv.dref, frozen, rarg)
    with shop.capture(rarg.log):
        return shop.invoke(realizer, task.store, task.drv.dref, frozen, rarg)


def _was_not_begun(error: BaseException) -> bool:
    """Tell whether there was no sandbox for it: that is no failure of the builder's."""
    # Not imported: it is there only if a sandbox was asked for, and takes long.
    known = sys.modules.get("pylightnix.sandbox.start")
    return known is not None and isinstance(error, known.SandboxUnavailable)


def _folders(dref: DRef, returned: object) -> list[str]:
    """What a realizer returned, as paths; a single path is a mistake that must not be iterated."""
    if not isinstance(returned, (list, Iterable)) or isinstance(returned, (str, bytes)):
        raise RealizeError(
            f"the realizer of {dref} returned {returned!r:.99}: expected a list of output folders; "
            "`build_wrapper` makes a realizer of a function that returns nothing"
        )
    folders = [os.fspath(path) for path in returned]
    if not folders:
        raise RealizeError(f"the realizer of {dref} returned no output folder")
    return folders


def _below(refpath: RefPath) -> str:
    """The path of a promise inside an output folder."""
    return "/".join(refpath[1:])


def _failed(task: _Task, log: str, error: BaseException) -> BuildFailed:
    cause = f"{type(error).__name__}: {error}"
    return BuildFailed(task.drv.dref, task.shop.scratch.keep(task.drv.dref), log, cause, tail(log))


def _install(task: _Task, folder: str, facts: Provenance, known: Known) -> RRef:
    scratch, dref = task.shop.scratch, task.drv.dref
    ours = folder in scratch.made and scratch.same_disk
    try:
        rref = put_realization(
            task.store, dref, task.context, folder, facts, ours=ours, known=known
        )
        scratch.gone(folder)
        return rref
    except InvalidOutput as error:
        raise _failed(task, log_path(task.store, task.drv.dref), error) from error
    except OSError as error:
        raise StoreError(
            f"{task.drv.dref} was built and could not be stored: {error}; nothing was published. "
            "Mend the disk (free space? permissions?) and realize again"
        ) from error


def _keep_log(store: Store, log: str, made: Sequence[RRef]) -> None:
    """File a build's log under the realizations that it made; an empty one is not worth keeping."""
    with suppress(FileNotFoundError):
        if not os.stat(log).st_size:
            os.unlink(log)
            return
        for rref in made[1:]:
            with suppress(FileExistsError):
                os.link(log, log_path(store, rref))
        os.rename(log, log_path(store, made[0]))
