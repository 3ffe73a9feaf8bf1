"""Stages whose artifacts are given outright."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from hashlib import sha256

from pylightnix.core.config import Config, config_dict, mkconfig
from pylightnix.core.confscan import is_part
from pylightnix.core.errors import InvalidValue
from pylightnix.core.manifest import META
from pylightnix.core.refs import DRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper


def mknode(
    config: Mapping[str, object] | Config,
    artifacts: Mapping[str, bytes] | None = None,
    name: str = "mknode",
    *,
    r: Registry | None = None,
) -> DRef:
    """Make a derivation that holds given bytes, with a config of its own.

    Args:
        config: any config; a field `name` in it wins over `name`.
        artifacts: file name -> contents. Their SHA-256 is part of the config, as `__artifacts__`.
        name: of the derivation.
        r: the registry; by default the current one.

    Raises:
        InvalidConfig: the config cannot be hashed.
        InvalidValue: an artifact's name cannot be that of a file, or its contents are not bytes.
    """
    contents = dict(artifacts or {})
    for filename, data in contents.items():
        if not is_part(filename) or filename == META:
            raise InvalidValue(f"mknode: {filename!r} cannot be the name of a file")
        if not isinstance(data, bytes):
            raise InvalidValue(
                f"mknode: the contents of {filename!r} must be bytes, not {type(data).__name__}"
            )
    fields = config_dict(config) if isinstance(config, Config) else dict(config)
    digests = {filename: sha256(data).hexdigest() for filename, data in contents.items()}
    full = mkconfig({"name": name, **fields, "__artifacts__": digests})
    return register(r, full, match_only(), build_wrapper(partial(_write, contents)))


def _write(contents: Mapping[str, bytes], b: Build) -> None:
    folder = build_outpath(b)
    for filename, data in contents.items():
        (folder / filename).write_bytes(data)


def mkfile(
    name: str, contents: bytes | str, filename: str | None = None, *, r: Registry | None = None
) -> DRef:
    """Make a derivation that holds one file.

    Args:
        name: of the derivation.
        contents: of the file; a str is stored as UTF-8.
        filename: of the file; by default `name`.
        r: the registry; by default the current one.

    Raises:
        InvalidName, InvalidValue: a name is impossible, or the contents are neither bytes nor str.
    """
    data = contents.encode() if isinstance(contents, str) else contents
    return mknode({"name": name}, {name if filename is None else filename: data}, r=r)
