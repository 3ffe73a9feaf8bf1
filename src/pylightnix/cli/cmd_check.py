"""Build again in a sandbox, and compare."""

from __future__ import annotations

from argparse import Namespace

from pylightnix.api.check import check as build_again
from pylightnix.core.errors import InstantiateError, PylightnixError
from pylightnix.core.refs import RRef, rref2dref
from pylightnix.engine.recheck import Checked
from pylightnix.store.layout import Store
from pylightnix.store.query import provenance_of

from .exits import DONE, NOT_SO
from .out import say, say_json, say_lines
from .pick import program, realization, store_of
from .target import InvalidTarget, Target, names_pipeline, parse_target
from .text import columns, count, escaped


class StageUnknown(InstantiateError):
    """Which stage made a realization cannot be found out."""

    def __init__(self, rref: str, realizer: str, why: str, command: str) -> None:
        super().__init__(rref, realizer, why, command)
        self.rref, self.realizer, self.why, self.command = rref, realizer, why, command

    def __str__(self) -> str:
        return (
            f"{self.rref} was made by {self.realizer}, and {self.why}: name the stage, as "
            f"`{self.command} check FILE.py:STAGE [K=V ...]`"
        )


def check(args: Namespace) -> int:
    """Tell whether a build is reproducible."""
    from .loading import at_home, closure_of

    store = store_of(args)
    rref = None if _is_target(args.what) else realization(store, args.what)
    target = _stage_of(store, rref, args) if rref else parse_target([args.what, *args.arguments])
    with at_home(target):
        try:
            closure = closure_of(target, store)
        except PylightnixError as error:
            if rref is None:
                raise
            raise _unknown(store, rref, args, f"{target} does not say it ({error})") from error
        if rref is not None and rref2dref(rref) not in {drv.dref for drv in closure.derivations}:
            raise _unknown(store, rref, args, f"{target} makes something else by now")
        done = build_again(closure, rref, times=args.times)
    if args.json:
        say_json([_json(one) for one in done])
    else:
        for one in done:
            _tell(one)
    return DONE if all(one.same for one in done) else NOT_SO


def _is_target(text: str) -> bool:
    """Tell a stage from a reference, which has its colon after the kind of it."""
    return names_pipeline(text) or (":" in text and not text.startswith(("dref:", "rref:")))


def _stage_of(store: Store, rref: RRef, args: Namespace) -> Target:
    """Find the stage by the name of the function that built: defined inside it, or by it named."""
    if args.arguments:
        raise InvalidTarget(args.arguments[0], "a REF takes no arguments; a TARGET does")
    module, _, path = str(provenance_of(store, rref).get("realizer", "?:?")).partition(":")
    name = path.partition(".<locals>")[0]
    if module in ("__main__", "?") or module.startswith("target_"):
        raise _unknown(store, rref, args, "that is a file of which only the name is known")
    if not name.isidentifier():
        raise _unknown(store, rref, args, "that is no part of a stage")
    return Target(module, False, name, {})


def _unknown(store: Store, rref: RRef, args: Namespace, why: str) -> StageUnknown:
    realizer = str(provenance_of(store, rref).get("realizer", "nobody knows what"))
    return StageUnknown(rref, realizer, why, program(args))


def _tell(one: Checked) -> None:
    often = count(one.times, "time")
    if one.same:
        say(f"{one.rref} is reproducible: built again {often} in a sandbox ({one.backend})")
        return
    paths = len({difference.path for difference in one.differences})
    say_lines(columns([(escaped(d.path), escaped(d.what)) for d in one.differences]))
    say(
        f"{one.rref} is not reproducible: built again {often} in a sandbox ({one.backend}), "
        f"{count(paths, 'path')} came out otherwise"
    )


def _json(one: Checked) -> dict[str, object]:
    return {
        "backend": one.backend,
        "differences": [{"path": d.path, "what": d.what} for d in one.differences],
        "dref": one.dref,
        "reproducible": one.same,
        "rref": one.rref,
        "times": one.times,
    }
