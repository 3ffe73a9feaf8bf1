"""What every stage does: make a config, and leave a derivation in the current registry."""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.core.config import Config
from pylightnix.core.config import mkconfig as _mkconfig
from pylightnix.core.refs import DRef
from pylightnix.engine.matchers import Matcher
from pylightnix.engine.registry import Realizer, Registry, register, without_registry

from .ambient import resolved_registry


def mkconfig(fields: Mapping[str, object]) -> Config:
    """Check a dictionary and make a config of it.

    A `Registry` in it is dropped, for `mkconfig(locals())`.

    Args:
        fields: str, bool, int, finite float, None, list, dict with str keys, and `os.PathLike`
            (taken as str), up to 64 levels deep and 1 MiB. A string that is a DRef makes that
            derivation a dependency.

    Raises:
        InvalidConfig: names every offending place, as `config.a.b[3]: ...`.
        InvalidName: the field `name` cannot be a name.

    >>> mkconfig({"name": "hello", "lr": 0.1}).name
    'hello'
    """
    return _mkconfig(without_registry(fields))


def mkdrv(config: Config, matcher: Matcher, realizer: Realizer, r: Registry | None = None) -> DRef:
    """Leave a derivation in a registry: what to make, how to choose among results, how to make one.

    Args:
        config: see `mkconfig`; its hash is the derivation's name.
        matcher: see `match`.
        realizer: see `build_wrapper`.
        r: the registry; by default the current one, which `instantiate` provides.

    Raises:
        NoRegistry: there is no current registry.
        UnknownDependency: the config mentions derivations that the registry does not have.
    """
    return register(resolved_registry(r), config, matcher, realizer)
