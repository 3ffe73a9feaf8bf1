"""Find or build what a stage makes: realize."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import AbstractContextManager

from pylightnix.api.listeners import estimate_for, listener_for
from pylightnix.api.look import linkrref
from pylightnix.api.stage import realize_context
from pylightnix.core.errors import StoreError
from pylightnix.core.refs import RRef
from pylightnix.engine.closure import Closure
from pylightnix.engine.events import Listener
from pylightnix.store.layout import Store

from .closures import forced, target_of
from .exits import DONE
from .loading import at_home, blamed, closure_of
from .out import say_json, say_lines
from .pick import store_of


def realize(args: Namespace) -> int:
    """Find or build what a stage makes."""
    if args.dry_run:
        from .cmd_foresee import plan

        return plan(args)
    store, target = store_of(args), target_of(args)
    if args.out_link is not None:
        _check_link(args.out_link)  # before a night of work
    with at_home(target):
        closure = closure_of(target, store)
        force = forced(closure, args.force)
        with blamed(target), _told(args, closure) as listener:
            _, done = realize_context(
                closure,
                force,
                on_event=listener,
                jobs=args.jobs,
                executor=args.executor,
                keep_going=args.keep_going,
                retries=args.retries,
                timeout_s=args.timeout,
            )
    made = {dref: done[dref] for dref in closure.targets}
    rrefs = [rref for chosen in made.values() for rref in chosen]
    links = [] if args.out_link is None else _linked(store, rrefs, args.out_link)
    if args.json:
        say_json({"links": links, "rrefs": rrefs, "targets": made})
    else:
        say_lines(rrefs)
    return DONE


def _told(args: Namespace, closure: Closure) -> AbstractContextManager[Listener]:
    """Give what tells, as it was asked for; programs that ask for --json get nothing unasked."""
    kind = args.events or ("none" if args.json and not args.verbose else "auto")
    return listener_for(kind, sys.stderr, args.verbose, estimate_for(closure))


def _check_link(path: str) -> None:
    if os.path.lexists(path) and not os.path.islink(path):
        raise StoreError(f"{path} is there and is not a symlink: delete it, or give another name")
    folder = os.path.dirname(path) or "."
    if not os.path.basename(path) or not os.path.isdir(folder):
        raise StoreError(f"no link can be made at {path!r}: there is no folder {folder}")


def _linked(store: Store, rrefs: Sequence[RRef], path: str) -> list[str]:
    """Make a link for each realization; the second one and further ones have numbers."""
    folder, name = os.path.split(path)
    return [
        os.fspath(linkrref(rref, folder or ".", name if i == 1 else f"{name}-{i}", store))
        for i, rref in enumerate(rrefs, 1)
    ]
