"""Again: what is kept beside the folder of a failed build, so that it can be run once more."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from typing import Any, BinaryIO

from pylightnix.core.context import mkcontext
from pylightnix.core.errors import RealizeError
from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef
from pylightnix.core.value import value
from pylightnix.store.layout import NotInStore, Store, log_path
from pylightnix.store.query import require_rref
from pylightnix.store.scratch import Remains, Scratch

from .arguments import RealizeArg
from .registry import Derivation
from .run import log_trace
from .travel import Packer
from .workshop import Invoke, Workshop

_SUFFIX = ".again"
# A builder that holds a great deal in its variables is not worth keeping twice.
MOST_BYTES = 16 << 20


class CannotRepeat(RealizeError):
    """A failed build cannot be run again from here."""

    def __init__(self, dref: str, why: str) -> None:
        super().__init__(dref, why)
        self.dref, self.why = dref, why

    def __str__(self) -> str:
        return f"{self.dref} cannot be run again from here: {self.why}. Realize its stage again"


@value
class Again:
    """A build that was run once more.

    Attributes:
        dref: of what.
        folder: where it worked; it stays if the build failed.
        log: what it had programs print, and its traceback.
        failed: whether it failed; and how, if its process did not end by itself.
    """

    dref: DRef
    folder: str
    log: str
    failed: str


@value
class _Noted:
    drv: Derivation
    context: Mapping[DRef, Chosen]
    args: Mapping[str, Any]
    invoke: Invoke


class _Limited(io.BytesIO):
    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > MOST_BYTES:
            raise ValueError(f"it holds more than {MOST_BYTES} bytes")
        return super().write(data)


def note(shop: Workshop, drv: Derivation, context: Mapping[DRef, Chosen], folder: str) -> None:
    """Note beside what a failed build left how to run it; nothing if it cannot be copied."""
    noted = _Noted(drv, context, shop.args.get(drv.dref, {}), shop.invoke)
    packed = _Limited()
    # What went wrong before is worth telling, and not this.
    with suppress(Exception):
        pickle.dump((sys.path, os.getcwd()), packed)
        Packer(None).dump(noted, drv, packed)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(folder + _SUFFIX, flags, 0o600), "wb") as file:
            file.write(packed.getbuffer())


@contextmanager
def once_more(store: Store, left: Remains) -> Iterator[Again]:
    """Run a failed build again: in a process of its own, in this terminal, in a new folder.

    Its code is that of now where it can be imported, and that of then where it cannot. Nothing
    becomes a realization, as the name of one stands for the code of then.

    Raises:
        CannotRepeat: it was not noted how, or by another user, or what it needs is gone.
    """
    dref = DRef(left.label)
    with _as_then(left.folder + _SUFFIX, dref) as noted, Scratch(store, dref) as scratch:
        _require(store, noted)
        folder, log = scratch.new(), log_path(store, dref)
        failed = _ended(partial(_run, store, noted, scratch, log))
        os.makedirs(folder, exist_ok=True)
        if failed:
            scratch.keep(dref)
            shop = Workshop(store, scratch, args={dref: noted.args}, invoke=noted.invoke)
            note(shop, noted.drv, noted.context, folder)
        yield Again(dref, folder, log, failed)


def _run(store: Store, noted: _Noted, scratch: Scratch, log: str) -> None:
    """Call the realizer; its first folder is the last that was named."""
    fresh = chain(scratch.made[-1:], iter(scratch.new, None))
    rarg = RealizeArg(noted.args, noted.drv.config, partial(next, fresh), log=log)
    try:
        noted.invoke(noted.drv.realizer, store, noted.drv.dref, mkcontext(noted.context), rarg)
    except BaseException as error:
        log_trace(rarg.log, error)
        raise


def _ended(work: Callable[[], None]) -> str:
    """Do some work in a child, which may crash; gives how it failed, or nothing if it did not."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            sys.stdout.flush()
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status >= 0:
        return "failed again" if status else ""
    return f"failed again: signal {-status} ({signal.Signals(-status).name})"


def _require(store: Store, noted: _Noted) -> None:
    """See that what a build needs is there."""
    for rref in (rref for rrefs in noted.context.values() for rref in rrefs):
        try:
            require_rref(store, rref)
        except NotInStore as error:
            raise CannotRepeat(noted.drv.dref, f"it needs {rref}, which is gone") from error


@contextmanager
def _as_then(path: str, dref: DRef) -> Iterator[_Noted]:
    """Give what was noted; meanwhile modules and files are looked for where they were then."""
    before = list(sys.path), os.getcwd()
    try:
        with _own(path, dref) as file:
            sys.path[:], cwd = pickle.load(file)  # noqa: S301 - our own, as was just seen
            with suppress(OSError):
                os.chdir(cwd)
            yield _loaded(file, dref)
    finally:
        sys.path[:] = before[0]
        os.chdir(before[1])


def _loaded(file: BinaryIO, dref: DRef) -> _Noted:
    try:
        noted: _Noted = pickle.load(file)  # noqa: S301 - likewise
    except Exception as error:
        what = f"its code cannot be loaded ({type(error).__name__}: {error})"
        raise CannotRepeat(dref, what) from error
    return noted


def _own(path: str, dref: DRef) -> BinaryIO:
    """Open a file of which nobody else can be the author: to load it is to run it."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        what = "its code could not be kept (too large, or it cannot be copied)"
        raise CannotRepeat(dref, what) from error
    except OSError as error:
        raise CannotRepeat(dref, f"what was noted cannot be read ({error})") from error
    facts = os.fstat(number)
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        os.close(number)
        raise CannotRepeat(dref, f"{path} may be the work of another user")
    return open(number, "rb")
