"""Find or build what a stage makes: realize."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from pylightnix.api.look import linkrref
from pylightnix.api.stage import realize_context
from pylightnix.core.errors import StoreError
from pylightnix.core.refs import RRef
from pylightnix.engine.events import Built, Event, Failed, Hit, Started, Waiting, ignore
from pylightnix.store.layout import Store

from .closures import forced, target_of
from .exits import DONE
from .loading import at_home, blamed, closure_of
from .out import complain, say_json, say_lines
from .pick import short, store_of
from .times import duration


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
        with blamed(target):
            listener = _tell if args.verbose else ignore
            _, done = realize_context(closure, force, on_event=listener)
    made = {dref: done[dref] for dref in closure.targets}
    rrefs = [rref for chosen in made.values() for rref in chosen]
    links = [] if args.out_link is None else _linked(store, rrefs, args.out_link)
    if args.json:
        say_json({"links": links, "rrefs": rrefs, "targets": made})
    else:
        say_lines(rrefs)
    return DONE


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


def _tell(event: Event) -> None:
    """Say in a line what happens."""
    what = f"{event.dref[38:]} {short(event.dref)}"
    match event:
        case Hit():
            complain(f"{what}: the store has it")
        case Started():
            complain(f"{what}: started")
        case Built():
            complain(f"{what}: built in {duration(event.seconds)}")
        case Waiting():
            complain(f"{what}: waits for {event.holder}")
        case Failed():
            complain(f"{what}: failed")
        case _:
            pass
