"""Lenses: walk configs and dependencies with dots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pylightnix.core.config import Config, config_dict, selfref
from pylightnix.core.errors import PylightnixError
from pylightnix.core.refs import DRef, RefPath, RRef, isdref, isrref, rref2dref
from pylightnix.engine.build import Build
from pylightnix.engine.closure import Closure
from pylightnix.store import query
from pylightnix.store.layout import Store, rref_path
from pylightnix.store.usage import AmbiguousResult, only_rref

from .ambient import resolved
from .results import Result

_MISSING = object()
WORDS = (
    "bytes",
    "closure",
    "contents",
    "dref",
    "get",
    "optval",
    "refpath",
    "rref",
    "syspath",
    "val",
)


class LensError(PylightnixError, AttributeError):
    """A lens was pointed at something that is not there."""

    def __init__(self, place: str, wanted: str, known: tuple[str, ...]) -> None:
        super().__init__(place, wanted, known)
        self.place, self.wanted, self.known = place, wanted, known

    def __str__(self) -> str:
        have = f"; there is: {', '.join(self.known)}" if self.known else ""
        return f"{self.place} has no {self.wanted}{have}"


class _World(NamedTuple):
    """Where a lens looks things up.

    Attributes:
        store: where objects are; None for a plain dictionary, until a reference is followed.
        closure: what it was made of, if it was; its configs need no store.
        build: likewise.
    """

    store: Store | None
    closure: Closure | None
    build: Build | None


class _Owner(NamedTuple):
    """What a field belongs to: a derivation, and the realization, as far as they are known."""

    dref: DRef | None = None
    rref: RRef | None = None


class Lens:
    """A place in a config, or in that of a dependency; made by `mklens`.

    A dot leads to a field: of a dictionary, or of the config of the derivation that stands there.
    Square brackets lead to the items of a list. `dir()` lists the fields.

    Attributes:
        val: the value that stands here.
        optval: the same, or None if nothing stands here (see `get`).
        refpath: the path inside a reference that stands here; of a derivation, all of it.
        dref: the derivation that stands here, or in which the path leads.
        rref: its realization: the one that was used, or the only one there is.
        syspath: the path in the file system.
        contents, bytes: what is in the file there, as text or bytes.
        closure: of a lens on a closure: what is needed for the derivation that stands here.
    """

    __slots__ = ("_name", "_owner", "_value", "_world")

    def __init__(self, world: _World, value: Any, owner: _Owner, name: str) -> None:
        self._world, self._value, self._owner, self._name = world, value, owner, name

    # --- where to go

    def __getattr__(self, name: str) -> Lens:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in WORDS:  # its own error is an AttributeError, which made Python ask here too
            return object.__getattribute__(self, name)  # type: ignore[no-any-return]
        return self._step(name, required=True)

    def get(self, name: str) -> Lens:
        """Go to a field by its name, whatever it is called and whether or not it is there."""
        return self._step(name, required=False)

    def __getitem__(self, key: int | str) -> Lens:
        if isinstance(key, str):
            return self._step(key, required=True)
        if not isinstance(self._value, list) or not -len(self._value) <= key < len(self._value):
            self._refuse(f"item {key}")
        return Lens(self._world, self._value[key], self._owner, f"{self._name}[{key}]")

    def __iter__(self) -> Iterator[Lens]:
        items = self._value if isinstance(self._value, list) else self._refuse("items")
        return (self[i] for i in range(len(items)))

    def _step(self, name: str, *, required: bool) -> Lens:
        fields, owner = self._fields()
        if required and name not in fields:
            raise LensError(self._name, f"field {name!r}", tuple(sorted(fields)))
        return Lens(self._world, fields.get(name, _MISSING), owner, f"{self._name}.{name}")

    def _fields(self) -> tuple[Mapping[str, Any], _Owner]:
        """The fields that can be gone to, and what they belong to."""
        if isinstance(self._value, dict):
            return self._value, self._owner
        dref = self._dref_here()
        if dref is None:
            return {}, self._owner
        return config_dict(self._config(dref)), _Owner(dref, self._rref_if_known(dref))

    def __dir__(self) -> list[str]:
        return sorted({*WORDS, *self._fields()[0]})

    # --- what stands here

    @property
    def val(self) -> Any:
        """The value."""
        return self._refuse("value") if self._value is _MISSING else self._value

    @property
    def optval(self) -> Any:
        """The value, or None if nothing stands here."""
        return None if self._value is _MISSING else self._value

    @property
    def refpath(self) -> RefPath:
        """The path inside a reference."""
        value = self._value
        if isinstance(value, list) and value and value[0] == selfref:
            return [self._owner.dref or self._refuse("derivation that it belongs to"), *value[1:]]
        if isinstance(value, list) and value and isdref(value[0]):
            return [DRef(value[0]), *value[1:]]
        return [self._dref_here() or self._refuse("path inside a reference")]

    @property
    def dref(self) -> DRef:
        """The derivation."""
        return DRef(self.refpath[0])

    @property
    def rref(self) -> RRef:
        """The realization."""
        dref = self.dref
        if isinstance(self._value, RRef):
            return self._value
        return self._rref_if_known(dref) or only_rref(self._store(), dref)

    @property
    def syspath(self) -> Path:
        """The path in the file system."""
        build, path = self._world.build, self.refpath
        if build is not None and path[0] == build.dref:
            folders = build.make_outputs()
            if len(folders) != 1:
                raise AmbiguousResult(build.dref, tuple(map(str, folders)))
            return folders[0].joinpath(*path[1:])
        return Path(rref_path(self._store(), self.rref), *path[1:])

    @property
    def contents(self) -> str:
        """The text of the file."""
        return self._file().read_text(encoding="utf-8")

    @property
    def bytes(self) -> bytes:
        """The bytes of the file."""
        return self._file().read_bytes()

    def _file(self) -> Path:
        path = self.syspath
        return path if path.is_file() else self._refuse(f"file: {path} is none")

    @property
    def closure(self) -> Closure:
        """The part of the closure that is needed for this derivation."""
        from pylightnix.core.graph import reachable
        from pylightnix.core.value import changed

        dref, whole = self.dref, self._world.closure
        if whole is None:
            self._refuse("closure: make the lens of one")
        wanted = reachable([dref], whole.needs)
        derivations = tuple(drv for drv in whole.derivations if drv.dref in wanted)
        return changed(whole, result=dref, targets=(dref,), derivations=derivations, making=None)

    # --- how to look it up

    def _dref_here(self) -> DRef | None:
        value = self._value
        if isinstance(value, list) and value:
            value = self._owner.dref if value[0] == selfref else value[0]
        if isinstance(value, RRef) or isrref(value):
            return rref2dref(RRef(value))
        return DRef(value) if isdref(value) else None

    def _config(self, dref: DRef) -> Config:
        if self._world.build is not None and self._world.build.dref == dref:
            return self._world.build.config
        derivations = () if self._world.closure is None else self._world.closure.derivations
        for drv in derivations:
            if drv.dref == dref:
                return drv.config
        return query.config_of(self._store(), dref)

    def _rref_if_known(self, dref: DRef) -> RRef | None:
        """The realization of a derivation that was used here, if there is just one."""
        if isinstance(self._value, RRef):
            return self._value
        owner, build = self._owner, self._world.build
        if owner.dref == dref:
            return owner.rref
        if owner.rref is not None:
            used = query.context_of(self._store(), owner.rref).get(dref, ())
        elif build is not None and owner.dref == build.dref:
            used = build.context.get(dref, ())
        else:
            return None
        if len(used) != 1:
            raise AmbiguousResult(dref, tuple(used))
        return used[0]

    def _store(self) -> Store:
        return resolved(self._world.store)

    def _refuse(self, wanted: str) -> NoReturn:
        raise LensError(self._name, wanted, tuple(sorted(self._fields()[0])))

    def __repr__(self) -> str:
        return f"<Lens {self._name}>"


def mklens(x: Any, *, store: Store | None = None) -> Lens:
    """Make a lens: `mklens(rref).data.lr.val`, `mklens(b).out.syspath`.

    Args:
        x: a DRef, an RRef or its text, a `Result`, a `Build`, a `Closure` of one target, a config,
            or a dictionary.
        store: by default that of the build, closure or result, else the current one.

    Raises:
        LensError: `x` is something else.
    """
    closure = x if isinstance(x, Closure) else None
    build = x if isinstance(x, Build) else None
    if isinstance(x, Result):
        store, x = store or x._store, x.rref
    elif closure is not None:
        if len(closure.targets) != 1:
            raise LensError("a closure of several targets", "one target", closure.targets)
        store, x = store or closure.store, closure.targets[0]
    elif build is not None:
        store, x = store or build.store, build.dref
    elif isinstance(x, Config):
        x = config_dict(x)
    world = _World(store, closure, build)
    if isinstance(x, str) and isrref(x):
        x = RRef(x)
        return Lens(world, x, _Owner(rref2dref(x), x), x)
    if isinstance(x, str) and isdref(x):
        return Lens(world, DRef(x), _Owner(DRef(x)), x)
    if isinstance(x, dict):
        return Lens(world, x, _Owner(), "the config")
    raise LensError(f"{type(x).__name__} {x!r:.60}", "config to look into", ())
