"""Know what happens before it does: plan, why, why-depends."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from pylightnix.api.foresight import plan as plan_of
from pylightnix.api.foresight import why as why_of
from pylightnix.api.foresight import why_depends as path_between
from pylightnix.core.errors import InvalidValue
from pylightnix.core.explain import Why
from pylightnix.core.outlook import Plan
from pylightnix.store.layout import Store
from pylightnix.store.lookup import resolve

from .closures import forced, target_of
from .exits import DONE, NOT_SO
from .loading import at_home, blamed, closure_of
from .out import complain, say_json, say_lines
from .pick import browsed
from .target import parse_target
from .text import shown


def plan(args: Namespace) -> int:
    """Tell what would be done."""
    if args.json and (args.dot or args.mermaid):
        raise InvalidValue("a plan has one form: leave out --json, or --dot and --mermaid")
    with browsed(args) as store:
        found = planned(args, store)
    if args.json:
        say_json(found.json())
    else:
        text = found.dot() if args.dot else found.mermaid() if args.mermaid else str(found)
        say_lines(text.splitlines())
    return DONE


def planned(args: Namespace, store: Store) -> Plan:
    """Make the plan of a stage; what is only looked at is not written."""
    target = target_of(args)
    with at_home(target):
        closure = closure_of(target, store, write=False)
        with blamed(target):
            return plan_of(closure, forced(closure, args.force))


def why(args: Namespace) -> int:
    """Tell why something was built, or would be."""
    if args.what.endswith((".yaml", ".yml")):
        from .cmd_run import why as why_pipeline

        return why_pipeline(args)
    with browsed(args) as store:
        found = _why(store, args.what, args.arguments)
    if args.json:
        say_json(found.json())
    else:
        say_lines(shown(str(found)).splitlines())
    return DONE


def _why(store: Store, what: str, arguments: Sequence[str]) -> Why:
    head, colon, _ = what.rpartition(":")
    if colon and head not in ("dref", "rref"):
        target = parse_target([what, *arguments])
        with at_home(target):
            closure = closure_of(target, store, write=False)
            with blamed(target):
                return why_of(closure)
    if arguments:
        raise InvalidValue(f"{what} is no stage and takes no arguments: leave out {arguments[0]!r}")
    return why_of(resolve(store, what), store)


def why_depends(args: Namespace) -> int:
    """Print through what one object depends on another."""
    with browsed(args) as store:
        a, b = resolve(store, args.a), resolve(store, args.b)
        path = path_between(a, b, store)
    if args.json:
        say_json({"a": a, "b": b, "path": path})
    elif path:
        say_lines(path)
    else:
        complain(f"{a} does not depend on {b}")
    return DONE if path else NOT_SO
