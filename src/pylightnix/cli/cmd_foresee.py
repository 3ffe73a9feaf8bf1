"""Know what happens before it does: plan, why, why-depends."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence

from pylightnix.api.foresight import plan as plan_of
from pylightnix.api.foresight import why as why_of
from pylightnix.api.foresight import why_depends as path_between
from pylightnix.core.errors import InvalidValue
from pylightnix.core.explain import Why
from pylightnix.core.legible import shown
from pylightnix.core.outlook import Plan
from pylightnix.core.refs import DRef
from pylightnix.store.layout import Store
from pylightnix.store.lookup import resolve

from .closures import forced, target_of
from .exits import DONE, NOT_SO
from .loading import at_home, blamed, closure_and_places
from .marks import marked
from .out import complain, say_json, say_lines
from .pick import browsed
from .target import names_pipeline, parse_target


def plan(args: Namespace) -> int:
    """Tell what would be done."""
    if args.json and (args.dot or args.mermaid):
        raise InvalidValue("a plan has one form: leave out --json, or --dot and --mermaid")
    with browsed(args) as store:
        found, places = _planned(args, store)
    if args.json:
        say_json({**found.json(), **({"places": places} if places else {})})
    elif args.dot or args.mermaid:
        say_lines((found.dot() if args.dot else found.mermaid()).splitlines())
    else:
        say_lines(marked(str(found).splitlines(), places))
    return DONE


def _planned(args: Namespace, store: Store) -> tuple[Plan, Mapping[DRef, str]]:
    """Make the plan of a stage; what is only looked at is not written."""
    target = target_of(args)
    with at_home(target):
        closure, places = closure_and_places(target, store, write=False)
        with blamed(target):
            return plan_of(closure, forced(closure, args.force)), places


def why(args: Namespace) -> int:
    """Tell why something was built, or would be."""
    with browsed(args) as store:
        found, places = _why(store, args.what, args.arguments)
    if args.json:
        say_json(found.json())
    else:
        say_lines(marked(shown(str(found)).splitlines(), places))
    return DONE


def _why(store: Store, what: str, arguments: Sequence[str]) -> tuple[Why, Mapping[DRef, str]]:
    head, colon, _ = what.rpartition(":")
    if names_pipeline(what) or (colon and head not in ("dref", "rref")):
        target = parse_target([what, *arguments])
        with at_home(target):
            closure, places = closure_and_places(target, store, write=False)
            with blamed(target):
                return why_of(closure), places
    if arguments:
        raise InvalidValue(f"{what} is no stage and takes no arguments: leave out {arguments[0]!r}")
    return why_of(resolve(store, what), store), {}


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
