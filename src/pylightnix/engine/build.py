"""The builder's side: `Build`, and what may be asked of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from pylightnix.core.config import Config, config_cattrs, config_dict, selfref
from pylightnix.core.confscan import is_part
from pylightnix.core.errors import RealizeError
from pylightnix.core.refs import DRef, InvalidRef, Name, RefPath, RRef, isdref
from pylightnix.core.value import drawn
from pylightnix.store.layout import Store, rref_path
from pylightnix.store.single import only

from .arguments import RealizeArg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from pylightnix.core.context import Context


class Build:
    """A build under way: a stateful handle, made for one derivation and handed to its builder.

    Attributes:
        store: where it will be stored.
        dref: what is being built.
        config: of the derivation.
        rarg: the caller's `realize_args` for it.
        outpaths: the output folders made so far.
    """

    __slots__ = ("_chosen", "_context", "_nouts", "config", "dref", "outpaths", "rarg", "store")
    _repr_html_ = drawn

    def __init__(
        self,
        store: Store,
        dref: DRef,
        chosen: Mapping[DRef, tuple[RRef, ...]],
        rarg: RealizeArg,
        nouts: int,
    ) -> None:
        self.store, self.dref, self._chosen, self.rarg = store, dref, chosen, rarg
        self._context: Context | None = None
        self.config: Config = rarg.config
        self.outpaths: list[Path] = []
        self._nouts = nouts

    @property
    def context(self) -> Context:
        """The realizations of the direct dependencies."""
        if self._context is None:
            from pylightnix.core.context import mkcontext  # rarely asked for, and slow to import

            self._context = mkcontext(self._chosen)
        return self._context

    @property
    def rindex(self) -> int:
        """Which build of a series this is, from 0."""
        return self.rarg.rindex

    @property
    def log(self) -> Path:
        """The build's log; not there until something is written to it."""
        from pathlib import Path

        return Path(self.rarg.log)

    @property
    def emit(self) -> Callable[[Any], None]:
        """Where events of the build go."""
        return self.rarg.emit

    def make_outputs(self) -> list[Path]:
        """Make the output folders, once."""
        if len(self.outpaths) < self._nouts:
            from pathlib import Path

            while len(self.outpaths) < self._nouts:
                folder = self.rarg.folder()
                os.mkdir(folder)
                self.outpaths.append(Path(folder))
        return self.outpaths

    def __repr__(self) -> str:
        return f"<Build of {self.dref}>"


def build_config(b: Build) -> Config:
    """Give the config of the derivation that is being built."""
    return b.config


def build_context(b: Build) -> Context:
    """Give the realizations of the direct dependencies.

    Returns:
        `{dref: (rref, ...)}`, each in the order of its matcher.
    """
    return b.context


def build_cattrs(b: Build) -> Any:
    """Give the fields of the config as attributes: `build_cattrs(b).lr`.

    Self-references start with the derivation's own DRef.
    """
    return config_cattrs(b.config, b.dref)


def build_name(b: Build) -> Name:
    """Give the name of the derivation that is being built."""
    return b.config.name


def build_outpath(b: Build) -> Path:
    """Give the one output folder, making it on first use.

    Raises:
        AmbiguousResult: the build has several outputs; see `build_outpaths`.
    """
    return only(b.dref, b.make_outputs())


def build_outpaths(b: Build) -> list[Path]:
    """Give all output folders, making them on first use."""
    return list(b.make_outputs())


def build_deref(b: Build, dref: DRef) -> RRef:
    """Give the one realization of a direct dependency.

    Raises:
        RealizeError: it is not a direct dependency.
        AmbiguousResult: its matcher chose several, or none.
    """
    return only(dref, _derefs(b, dref))


def _derefs(b: Build, dref: DRef) -> tuple[RRef, ...]:
    if dref not in b._chosen:
        raise RealizeError(
            f"{dref} is not a direct dependency of {b.dref}: "
            "mention it in the config to depend on it"
        )
    return b._chosen[dref]


def build_path(b: Build, refpath: RefPath) -> Path:
    """Give the path of something inside a dependency, or inside this very output.

    Args:
        b: the build.
        refpath: `[dref, part, ...]`, or `[selfref, part, ...]` for the output folder; a bare DRef
            will do.

    Raises:
        AmbiguousResult: the dependency has several realizations; see `build_paths`.
        InvalidRef: it is not a path inside a reference.
    """
    return only(str(_parts(refpath)[0]), build_paths(b, refpath))


def build_paths(b: Build, refpath: RefPath) -> list[Path]:
    """Give the paths of something inside every realization of a dependency.

    Returns:
        In the order of its matcher; arguments and errors are those of `build_path`.
    """
    from pathlib import Path

    head, *parts = _parts(refpath)
    if head in (selfref, b.dref):
        return [path.joinpath(*parts) for path in b.make_outputs()]
    return [Path(rref_path(b.store, rref), *parts) for rref in _derefs(b, DRef(head))]


def _parts(refpath: RefPath | DRef | str) -> list[str]:
    if not isinstance(refpath, Iterable):
        raise InvalidRef("path inside a reference", refpath, ("expected [dref, 'part', ...]",))
    parts = [refpath] if isinstance(refpath, str) else list(refpath)
    if not parts or not all(isinstance(part, str) for part in parts):
        raise InvalidRef("path inside a reference", refpath, ("expected [dref, 'part', ...]",))
    if parts[0] != selfref and not isdref(parts[0]):
        raise InvalidRef("path inside a reference", refpath, ("expected a DRef or selfref first",))
    bad = [f"{part!r} cannot be a part of it" for part in parts[1:] if not is_part(part)]
    if bad:
        raise InvalidRef("path inside a reference", refpath, tuple(bad))
    return parts


def build_environ(b: Build, env: Mapping[str, str]) -> dict[str, str]:
    """Give an environment for child processes: `env` with the fields of the config added.

    Texts and numbers are added as text, paths inside references as paths of the system; what is
    neither is left out.
    """
    made = dict(env)
    for key, value in config_dict(b.config).items():
        if isinstance(value, (str, int, float)) and not isdref(value):
            made[key] = str(value)
        elif isdref(value):
            made[key] = os.fspath(build_path(b, [DRef(value)]))
        elif _is_refpath(value):
            made[key] = os.fspath(build_path(b, value))
    return made


def _is_refpath(value: object) -> bool:
    """Tell a path inside a reference from any other list."""
    return (
        isinstance(value, list)
        and bool(value)
        and (value[0] == selfref or isdref(value[0]))
        and all(isinstance(part, str) and is_part(part) and not isdref(part) for part in value[1:])
    )
