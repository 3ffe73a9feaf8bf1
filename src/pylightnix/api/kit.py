"""The stages that come with the library, with the current registry as their default one."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pylightnix.core.refs import DRef
from pylightnix.engine.registry import Registry
from pylightnix.stages import combinators, trivial
from pylightnix.stages import fetch as _fetch
from pylightnix.stages import fetchlocal as _fetchlocal
from pylightnix.stages import unpack as _unpack
from pylightnix.stages.combinators import Stage

from .ambient import environment, resolved_registry

P = ParamSpec("P")
T = TypeVar("T")


def in_registry(stage: Callable[P, T]) -> Callable[P, T]:
    """Make a stage use the current registry where it is not passed one."""

    @wraps(stage)
    def ambient(*args: P.args, **kwargs: P.kwargs) -> T:
        registry: Any = kwargs.get("r")
        kwargs["r"] = resolved_registry(registry)
        return stage(*args, **kwargs)

    return ambient


def _makes_stage(combinator: Callable[P, Stage]) -> Callable[P, Stage]:
    """Make the stages that a combinator makes use the current registry."""

    @wraps(combinator)
    def combined(*args: P.args, **kwargs: P.kwargs) -> Stage:
        return in_registry(combinator(*args, **kwargs))

    return combined


mknode = in_registry(trivial.mknode)
mkfile = in_registry(trivial.mkfile)
fetchurl = in_registry(_fetch.fetchurl)
unpack = in_registry(_unpack.unpack)
redefine = _makes_stage(combinators.redefine)
realized = _makes_stage(combinators.realized)


def fetchlocal(
    path: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    envname: str | None = None,
    mode: str = "unpack,remove",
    *,
    name: str | None = None,
    filename: str | None = None,
    r: Registry | None = None,
    **config: Any,
) -> DRef:
    """Make a derivation of a file or a folder outside the store.

    See `pylightnix.stages.fetchlocal.fetchlocal` for arguments and errors. `envname` names a
    variable of this process's environment.
    """
    return _fetchlocal.fetchlocal(
        path,
        sha256,
        envname,
        mode,
        name=name,
        filename=filename,
        environ=environment(),
        r=resolved_registry(r),
        **config,
    )
