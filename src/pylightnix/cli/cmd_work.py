"""Builds and work in the store: log, shell."""

from __future__ import annotations

import sys
from argparse import Namespace

from pylightnix.api.bashlike import shellref
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.layout import NotInStore, Store
from pylightnix.store.lookup import resolve
from pylightnix.store.query import config_of, require_rref, rrefs

from .exits import DONE
from .facts import log_of
from .out import chunks, pour, say_json
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


def shell(args: Namespace) -> int:
    """Open a shell in a folder."""
    store = store_of(args)
    ref, path = home(store, args.ref, derivation=args.derivation)
    sys.stdout.flush()  # what is buffered comes before what the shell prints
    status = shellref(ref, store)
    if args.json:
        say_json({"path": path, "ref": ref, "status": status})
    return DONE
