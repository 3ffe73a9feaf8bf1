"""Builds and work in the store: log, shell."""

from __future__ import annotations

import sys
from argparse import Namespace

from pylightnix.api.bashlike import shell_in, shellref
from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef, RRef
from pylightnix.engine.again import CannotRepeat, once_more
from pylightnix.engine.run import tail
from pylightnix.store.layout import NotInStore, Store, log_path
from pylightnix.store.lookup import resolve
from pylightnix.store.query import config_of, dref_of, require_rref, rrefs
from pylightnix.store.scratch import remains

from .exits import DONE
from .facts import log_of
from .out import chunks, complain, pour, say_json
from .pick import home, only, store_of


class NoLog(NotInStore):
    """Nothing was kept of what a build printed."""

    def __init__(self, ref: str, what: str = "no log") -> None:
        super().__init__(ref, what)

    def __str__(self) -> str:
        return (
            f"there is no log of {self.ref}: its builder printed nothing, or it was built on "
            "another machine, or the log was deleted"
        )


def log(args: Namespace) -> int:
    """Write what a build printed, colours and all."""
    store = store_of(args)
    ref, path = _log(store, resolve(store, args.ref))
    if args.json:
        text = b"".join(chunks(path)).decode(errors="replace")
        say_json({"path": path, "ref": ref, "text": text})
    else:
        pour(chunks(path))
    return DONE


def _log(store: Store, ref: DRef | RRef) -> tuple[DRef | RRef, str]:
    """Find the log of an object; of a derivation first that of a build that runs or failed."""
    path = log_of(store, ref)
    if path is None and isinstance(ref, DRef):
        config_of(store, ref)
        if not rrefs(store, ref):
            raise NoLog(ref)
        ref = only(store, ref)
        path = log_of(store, ref)
    if path is None:
        require_rref(store, RRef(ref))
        raise NoLog(ref)
    return ref, path


class NoneFailed(NotInStore):
    """Nothing is left of a failed build."""

    def __init__(self, ref: str, what: str = "nothing is left of a failed build") -> None:
        super().__init__(ref, what)

    def __str__(self) -> str:
        of = f" of {self.ref}" if self.ref else ""
        return (
            f"nothing is left of a failed build{of}: none failed, or what was left was collected; "
            "realize it again"
        )


def shell(args: Namespace) -> int:
    """Open a shell in a folder."""
    if args.failed:
        return _shell_of_failed(args)
    if args.ref is None:
        raise InvalidValue("shell: give a REF, or --failed")
    store = store_of(args)
    ref, path = home(store, args.ref, derivation=args.derivation)
    sys.stdout.flush()  # what is buffered comes before what the shell prints
    return _ended(args, ref, path, shellref(ref, store))


def _shell_of_failed(args: Namespace) -> int:
    """Run what failed last again, or last of a derivation, and open a shell where it worked."""
    if args.derivation:
        raise InvalidValue("shell: --failed is about what a build left: leave out --derivation")
    store = store_of(args)
    wanted = None if args.ref is None else dref_of(resolve(store, args.ref))
    left = [one for one in remains(store) if wanted in (None, one.label)]
    if not left:
        raise NoneFailed(wanted or "")
    dref, folder = DRef(left[0].label), left[0].folder
    if args.look:
        return _shell_where(args, dref, folder)
    try:
        with once_more(store, left[0]) as again:
            if again.failed:
                complain(f"{dref} {again.failed}\n{tail(again.log)}")
            else:
                complain(f"{dref} did not fail this time; its folder goes when the shell ends")
            return _shell_where(args, dref, again.folder)
    except CannotRepeat as error:
        complain(str(error))
        return _shell_where(args, dref, folder)


def _shell_where(args: Namespace, dref: DRef, folder: str) -> int:
    """Open a shell where a build worked."""
    store = store_of(args)
    log = log_path(store, dref)
    complain(f"in the folder of {dref}; its log: {log}")
    sys.stdout.flush()
    status = shell_in(folder, {"PYLIGHTNIX_FAILED": dref, "PYLIGHTNIX_LOG": log})
    return _ended(args, dref, folder, status)


def _ended(args: Namespace, ref: DRef | RRef, path: str, status: int) -> int:
    if args.json:
        say_json({"path": path, "ref": ref, "status": status})
    return DONE
