"""Where steps, context parsers and stages are found by name, relative to their pipeline."""

from __future__ import annotations

import os
from _thread import allocate_lock
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from pylightnix.core.errors import PipelineError
from pylightnix.core.value import value

from .catalogue import PARSER_PREFIX, PARSERS, STEP_PREFIX, STEPS
from .places import meant, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from pylightnix.imports.scope import ImportScope

    from .model import Pipeline, Step


@value
class Own:
    """What comes with it and stands above all that asks for it: whoever begins a run hands it down.

    Attributes:
        step: gives the function of a step of ours, by its short name.
        derive: runs a step that derives something, of a pipeline, in a context.
    """

    step: Callable[[str], Callable[[Any], object]]
    derive: Callable[[Step, Pipeline, Any], None]


class ModuleNotThere(PipelineError):
    """No step, context parser or stage of that name is to be found."""

    def __init__(
        self, what: str, name: str, tried: tuple[str, ...], known: tuple[str, ...]
    ) -> None:
        super().__init__(what, name, tried, known)
        self.what, self.name, self.tried, self.known = what, name, tried, known

    def __str__(self) -> str:
        tried = "".join(f"\n  {shown(place)}" for place in self.tried)
        guess = meant(self.name, self.known)
        looked = " Looked" if guess else "; looked"
        return f"there is no {self.what} {self.name!r}{guess}{looked} for in:{tried}"


class Lacking(PipelineError):
    """A module is there, and does not have what it is used for."""

    def __init__(self, what: str, file: str, function: str) -> None:
        super().__init__(what, file, function)
        self.what, self.file, self.function = what, file, function

    def __str__(self) -> str:
        return f"{self.what} {shown(self.file)} has no function {self.function}: write one"


class _Scopes:
    """The scopes of this process: folders -> scope. A scope of which a file changed is left."""

    lock = allocate_lock()
    known: ClassVar[dict[tuple[str, ...], ImportScope]] = {}


def scope_of(folders: tuple[str, ...]) -> ImportScope:
    """Give the scope of some folders, as their files are now."""
    with _Scopes.lock:
        scope = _Scopes.known.get(folders)
        if scope is None or not scope.fresh():
            from pylightnix.imports.scope import ImportScope

            scope = _Scopes.known[folders] = ImportScope(folders)
        return scope


class Finder:
    """Finds modules for one run of pipelines; each is looked for once.

    Args:
        own: what comes with it; None where no step is run.
    """

    def __init__(self, own: Own | None) -> None:
        self._own = own
        self._scopes: dict[tuple[str, ...], ImportScope] = {}
        self._steps: dict[tuple[str, tuple[str, ...]], Callable[[Any], object]] = {}

    def scope(self, folders: tuple[str, ...]) -> ImportScope:
        """Give the scope of some folders, as it was when this run first asked."""
        if folders not in self._scopes:
            self._scopes[folders] = scope_of(folders)
        return self._scopes[folders]

    def step(self, name: str, folders: tuple[str, ...]) -> Callable[[Any], object]:
        """Find what runs a step; raises `ModuleNotThere` or `Lacking`."""
        found = self._steps.get((name, folders))
        if found is None:
            found = self._steps[name, folders] = self._find_step(name, folders)
        return found

    @property
    def own(self) -> Own:
        """What comes with it."""
        assert self._own is not None  # noqa: S101 - whoever runs steps has handed it in
        return self._own

    def _find_step(self, name: str, folders: tuple[str, ...]) -> Callable[[Any], object]:
        brief = name.removeprefix(STEP_PREFIX)
        if brief in STEPS and (brief != name or not self.scope(folders).has(name)):
            return self.own.step(brief)
        if not self.scope(folders).has(name):
            plugged = plugin("steps", name)
            if plugged is not None:
                return plugged  # type: ignore[no-any-return]
        module = self.module("step", name, folders, tuple(STEPS))
        return _function(module, "run_step", "the step module")

    def parser(self, name: str, folders: tuple[str, ...]) -> Callable[[list[str] | None], Any]:
        """Find a context parser; raises `ModuleNotThere` or `Lacking`."""
        brief = name.removeprefix(PARSER_PREFIX)
        if brief in PARSERS and (brief != name or not self.scope(folders).has(name)):
            from . import parsers

            return getattr(parsers, f"parse_{brief}")  # type: ignore[no-any-return]
        module = self.module("context parser", name, folders, PARSERS)
        return _function(module, "get_parsed_context", "the context parser")

    def module(
        self, what: str, name: str, folders: tuple[str, ...], known: tuple[str, ...] = ()
    ) -> ModuleType:
        """Import a module: from the folders, or else as Python does.

        Raises:
            ModuleNotThere: there is none, or a package on the way to it is missing.
        """
        scope = self.scope(folders)
        try:
            return scope.import_module(name) if scope.has(name) else import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # something that the module imports
        path = name.replace(".", "/")
        tried = (*(f"{folder}/{path}.py" for folder in folders), "the installed packages")
        raise ModuleNotThere(what, name, tried, (*known, *_neighbours(folders))) from None


def plugin(kind: str, name: str) -> Any:
    """Give the plugin of a name, or None; the library may be installed without the room for it."""
    try:
        room = import_module("pylightnix.plugins")
    except ModuleNotFoundError:
        return None
    return room.lookup(kind, name) if name in room.names(kind) else None


def _function(module: ModuleType, name: str, what: str) -> Callable[[Any], Any]:
    found = getattr(module, name, None)
    if not callable(found):
        raise Lacking(what, getattr(module, "__file__", None) or module.__name__, name)
    return found  # type: ignore[no-any-return]


def _neighbours(folders: tuple[str, ...]) -> list[str]:
    """The modules that there are, for suggestions."""
    names = []
    for folder in folders:
        if os.path.isdir(folder):
            names += [n.removesuffix(".py") for n in os.listdir(folder) if n.endswith(".py")]
    return names
