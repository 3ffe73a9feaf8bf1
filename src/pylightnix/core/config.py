"""Config: what a derivation is made from. A frozen value that *is* its canonical bytes.

Keeping the bytes rather than a tree of containers makes a config immutable, hashable and cheap;
whoever wants the dictionary gets a fresh copy of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace

from .codec import parse_json
from .confscan import InvalidConfig, scan
from .hashing import config_digest
from .refs import DRef, Name, RefPath, mkname
from .value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

selfref = "__self__"
"""Head of a path inside the very derivation that the config describes: `[selfref, 'out.npy']`."""


@value
class Config:
    """What a derivation is made from; made by `mkconfig`.

    Attributes:
        canonical: the canonical bytes; `config.json` is exactly these.
        name: its field `name`, or `unnamed`.
        deps: the derivations that it mentions, sorted.
    """

    canonical: bytes
    name: Name
    deps: tuple[DRef, ...]


def mkconfig(fields: Mapping[str, object]) -> Config:
    """Check a dictionary and make a config of it.

    Args:
        fields: str, bool, int, finite float, None, list, dict with str keys, and `os.PathLike`
            (taken as str), up to 64 levels deep. A string that is a DRef makes that derivation a
            dependency.

    Raises:
        InvalidConfig: names every offending place, as `config.a.b[3]: ...`, or says that it is over
            1 MiB.
        InvalidName: the field `name` cannot be a name.

    >>> config_dict(mkconfig({"name": "hello", "lr": 0.1}))
    {'lr': 0.1, 'name': 'hello'}
    """
    found = scan(fields, selfref)
    name = fields.get("name", "unnamed")
    return Config(found.canonical, mkname(name), tuple(sorted(found.deps)))  # type: ignore[arg-type]


def parse_config(canonical: bytes) -> Config:
    """Read a config back from its bytes.

    Raises:
        ValueError: the bytes are not those of a config (`InvalidConfig` and `InvalidName` are
            ValueErrors too).
    """
    fields = parse_json(canonical)
    if not isinstance(fields, dict):
        raise InvalidConfig(("config: expected a dictionary",))
    config = mkconfig(fields)
    if config.canonical != canonical:
        raise InvalidConfig(("config: not in canonical form",))
    return config


def config_dict(config: Config) -> dict[str, Any]:
    """Give the config as a fresh dictionary, in canonical (sorted) order.

    Changing it changes nothing else.
    """
    value: dict[str, Any] = parse_json(config.canonical)  # type: ignore[assignment]
    return value


def config_name(config: Config) -> Name:
    """Give the name that the derivation will carry: the field `name`, or `unnamed`."""
    return config.name


def config_hash(config: Config) -> str:
    """Give the 32 hex digits that will name the derivation, whatever the order of keys."""
    return config_digest(config.canonical)


def config_deps(config: Config) -> frozenset[DRef]:
    """Give the derivations that the config mentions anywhere: its direct dependencies."""
    return frozenset(config.deps)


def config_promises(config: Config) -> list[RefPath]:
    """Give the paths that the derivation promises to make.

    Returns:
        Each as `[selfref, part, ...]`, in canonical order.
    """
    # Nearly every config promises nothing, and a search for the word costs less than parsing.
    if f'["{selfref}"'.encode() not in config.canonical:
        return []
    return list(_promises(config_dict(config)))


def _promises(value: object) -> Iterator[RefPath]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _promises(item)
    elif isinstance(value, list):
        if value and value[0] == selfref:
            yield value
        else:
            for item in value:
                yield from _promises(item)


def config_cattrs(config: Config, own: DRef | None = None) -> Any:
    """Give the fields of a config as attributes: `config_cattrs(c).lr`.

    Nested dictionaries stay dictionaries.

    Args:
        config: as `mkconfig` returned it.
        own: the derivation made from this config; where given, self-references start with it
            instead of `selfref`.
    """
    fields = config_dict(config)
    if own is not None:
        fields = {key: _resolved(value, own) for key, value in fields.items()}
    return SimpleNamespace(**fields)


def _resolved(value: object, own: DRef) -> object:
    if isinstance(value, dict):
        return {key: _resolved(item, own) for key, item in value.items()}
    if isinstance(value, list):
        if value and value[0] == selfref:
            return [own, *value[1:]]
        return [_resolved(item, own) for item in value]
    return value
