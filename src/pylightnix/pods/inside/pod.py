"""The pod of a build: runs a builder inside an environment, on packages that its host lends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def build(
    code: bytes, told: dict[str, Any], folders: list[str], values: dict[str, Any]
) -> list[str]:
    """Run a builder.

    Args:
        code: the builder, by value.
        told: of the derivation: `objects`, `var`, `dref`, `config`, `context`, `log`, `rindex`.
        folders: its output folders, which are there.
        values: the caller's `realize_args` for it.
    """
    import pickle

    from pylightnix.core.config import parse_config
    from pylightnix.core.context import mkcontext
    from pylightnix.core.refs import DRef, RRef
    from pylightnix.engine.arguments import RealizeArg
    from pylightnix.engine.build import Build
    from pylightnix.store.layout import Store

    function = pickle.loads(code)  # noqa: S301 - it comes from the host, and goes nowhere else
    context = {
        DRef(dref): tuple(RRef(rref) for rref in rrefs) for dref, rrefs in told["context"].items()
    }
    given = iter(folders)
    rarg = RealizeArg(
        values,
        parse_config(told["config"]),
        lambda: next(given),
        log=told["log"],
        rindex=told["rindex"],
    )
    rarg.logged = True  # the host has made it anew
    store = Store(told["objects"], told["var"])
    made = Build(store, DRef(told["dref"]), mkcontext(context), rarg, len(folders))
    made.outpaths = [Path(folder) for folder in folders]
    function(made)
    return [str(path) for path in made.outpaths]
