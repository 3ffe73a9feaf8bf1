"""A stage that unpacks an archive which is inside a dependency."""

from __future__ import annotations

import os
import shutil
from functools import partial

from pylightnix.core.config import config_dict, mkconfig
from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef, RefPath, isdref
from pylightnix.engine.build import Build, build_outpath, build_path
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper

from .guard import DEFAULT_LIMITS, Limits
from .naming import default_name, parse_mode

_MODES = ("unpack", "unpack,remove")


def unpack(
    refpath: RefPath,
    name: str | None = None,
    *,
    mode: str = "unpack,remove",
    limits: Limits = DEFAULT_LIMITS,
    r: Registry | None = None,
    **config: object,
) -> DRef:
    """Make a derivation of what is packed in a file of a dependency.

    Args:
        refpath: `[dref, 'a.tar.gz']`, the archive.
        name: of the derivation; by default the archive's, without suffix, odd characters as `_`.
        mode: `unpack,remove` for the contents only, `unpack` for a copy of the archive beside them.
        limits: how much may come out; not part of the identity.
        r: the registry; by default the current one.
        config: further fields of the config.

    Returns:
        The name of the derivation; exactly one realization of it is expected.

    Raises:
        InvalidValue: it is not the path of a file in a dependency, or there is no such mode.
        InvalidConfig: a further field cannot be part of a config.
        UnknownDependency: the dependency was not made in this registry.

    Effects: none now. When realized: writes its own output only.
    Concept: unpacking is a build step like any other, with an immutable input.
    """
    parts = list(refpath)
    if len(parts) < 2 or not isdref(parts[0]):
        raise InvalidValue(f"unpack cannot use {refpath!r}: give [dref, 'archive.tar.gz']")
    fields = {
        **config,
        "name": default_name(str(parts[-1])) if name is None else name,
        "refpath": parts,
        "mode": parse_mode(mode, allowed=_MODES),
    }
    return register(r, mkconfig(fields), match_only(), build_wrapper(partial(_unpack, limits)))


def _unpack(limits: Limits, b: Build) -> None:
    """Unpack into the output."""
    from .archives import extract

    fields = config_dict(b.config)
    archive, folder = os.fspath(build_path(b, fields["refpath"])), os.fspath(build_outpath(b))
    if fields["mode"] == "unpack":  # before, so that what is in it cannot be overwritten
        shutil.copyfile(archive, os.path.join(folder, os.path.basename(archive)))
    extract(archive, folder, limits)
