"""Tell about objects: show, config, context, deps, diff."""

from __future__ import annotations

from argparse import Namespace

from pylightnix.api.bashlike import diff as diff_of
from pylightnix.core.config import config_dict
from pylightnix.core.drawing import tree_lines
from pylightnix.core.legible import shown
from pylightnix.core.refs import RRef
from pylightnix.store.lookup import resolve
from pylightnix.store.query import config_of, context_of, deep_deps, dref_of

from .exits import DONE, NOT_SO
from .out import say, say_json, say_lines
from .pick import realization, store_of
from .sheet import context_lines, of_derivation, of_realization
from .text import pretty


def show(args: Namespace) -> int:
    """Print all that is known of an object."""
    store = store_of(args)
    ref = resolve(store, args.ref)
    sheet = of_realization(store, ref) if isinstance(ref, RRef) else of_derivation(store, ref)
    if args.json:
        say_json(sheet.json)
    else:
        say_lines(sheet.lines)
    return DONE


def config(args: Namespace) -> int:
    """Print a config."""
    store = store_of(args)
    found = config_dict(config_of(store, dref_of(resolve(store, args.ref))))
    if args.json:
        say_json(found)
    else:
        say(pretty(found))
    return DONE


def context(args: Namespace) -> int:
    """Print the context of a realization."""
    store = store_of(args)
    found = context_of(store, realization(store, args.ref))
    if args.json:
        say_json({dref: list(rrefs) for dref, rrefs in found.items()})
    else:
        say_lines(context_lines(found))
    return DONE


def deps(args: Namespace) -> int:
    """Print what a derivation depends on."""
    store = store_of(args)
    dref = dref_of(resolve(store, args.ref))
    below = [dref, *deep_deps(store, [dref])] if args.deep else [dref]
    found = {dep: config_of(store, dep).deps for dep in below}
    if args.json:
        say_json({"deps": found, "dref": dref})
    elif args.deep:
        say_lines(tree_lines([dref], found))
    else:
        say_lines(found[dref])
    return DONE


def diff(args: Namespace) -> int:
    """Tell how two objects differ."""
    store = store_of(args)
    a, b = resolve(store, args.a), resolve(store, args.b)
    text = diff_of(a, b, store)
    if args.json:
        say_json({"a": a, "b": b, "diff": text, "differ": bool(text)})
    else:
        say_lines(shown(text).splitlines())
    return NOT_SO if text else DONE
