"""Loaders: from a pipeline's name to its definition, each with a cache of its own."""

from __future__ import annotations

import os
from _thread import RLock
from collections.abc import Callable, Mapping

from pylightnix.core.errors import PipelineError

from .language import compile_pipeline
from .model import PipelineDefinition, PipelineInfo
from .places import near, shown
from .reading import parse_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "library")


class PipelineNotFound(PipelineError):
    """There is no such pipeline; all places where it was looked for are told."""

    def __init__(self, name: str, tried: tuple[str, ...]) -> None:
        super().__init__(name, tried)
        self.name, self.tried = name, tried

    def __str__(self) -> str:
        tried = "".join(f"\n  {shown(path)}" for path in self.tried)
        return f"there is no pipeline {self.name!r}{self._near()}; looked for:{tried}"

    def _near(self) -> str:
        """Name a file of nearly this name, in one of the folders."""
        folders = [folder for path in self.tried if os.path.isdir(folder := os.path.dirname(path))]
        names = [name for each in folders for name in os.listdir(each) if name.endswith(".yaml")]
        found = near(f"{os.path.basename(self.name).removesuffix('.yaml')}.yaml", names)
        return f", but {found!r} is there" if found else ""


class BadLoader(PipelineError):
    """A loader is not one, or gave what is no pipeline."""

    def __init__(self, loader: str, why: str) -> None:
        super().__init__(loader, why)
        self.loader, self.why = loader, why

    def __str__(self) -> str:
        return f"the loader {self.loader}: {self.why}"


class Loader:
    """Where pipelines come from; a stateful handle, with a cache of what it loaded.

    Args:
        name: of the loader.
        get_pipeline_definition: called with a pipeline's name and what its parent's info says is
            its parent (None for a root); gives a `PipelineDefinition`, or a mapping, the bare body.
    """

    def __init__(self, name: str, get_pipeline_definition: Callable[[str, Any], Any]) -> None:
        self.name = name
        self.get_pipeline_definition = get_pipeline_definition
        self._known: dict[tuple[str, str], PipelineDefinition] = {}
        self._lock = RLock()

    def get_pipeline(self, name: str, parent: Any) -> PipelineDefinition:
        """Give a pipeline, from the cache if it is there.

        Raises:
            BadLoader: what was loaded is no pipeline.
        """
        key = (name, "" if parent is None else str(parent))
        with self._lock:
            if key not in self._known:
                self._known[key] = self._wrapped(name, parent)
            return self._known[key]

    def __call__(self, name: str, parent: Any = None) -> PipelineDefinition:
        """Do the same: what plugins are can be called."""
        return self.get_pipeline(name, parent)

    def clear(self) -> None:
        """Forget all that was loaded."""
        with self._lock:
            self._known.clear()

    def _wrapped(self, name: str, parent: Any) -> PipelineDefinition:
        found = self.get_pipeline_definition(name, parent)
        if isinstance(found, PipelineDefinition):
            return found
        if not isinstance(found, Mapping):
            raise BadLoader(
                self.name, f"it gave {type(found).__name__} for {name!r}, and no mapping of groups"
            )
        body = compile_pipeline(found, f"{self.name}:{name}")
        return PipelineDefinition(body, PipelineInfo(name, self.name, parent))


class FileLoader(Loader):
    """Pipelines in files; one that has changed is read again."""

    def __init__(self) -> None:
        super().__init__("file", self._load)
        self._files: dict[str, tuple[tuple[int, int, int], PipelineDefinition]] = {}

    def get_pipeline(self, name: str, parent: Any) -> PipelineDefinition:
        """Find a file and read it, if it is not as it was.

        Raises:
            PipelineNotFound: names every place tried.
            InvalidPipeline: it cannot be read.
        """
        return self._load(name, parent)

    def _load(self, name: str, parent: Any) -> PipelineDefinition:
        path = find_file(name, parent)
        found = os.stat(path)
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            known = self._files.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        real = os.path.realpath(path)
        with self._lock:
            known = self._files.get(real)
        fresh = known if known and known[0] == stamp else (stamp, _from_file(name, real))
        with self._lock:
            known = self._files.get(real)
            # Of threads that read it at the same time one wins: who calls itself calls the same.
            kept = known if known and known[0] == stamp else fresh
            self._files[path] = self._files[real] = kept
        return kept[1]


def _from_file(name: str, path: str) -> PipelineDefinition:
    with open(path, encoding="utf-8") as file:
        body = compile_pipeline(parse_yaml(file.read(), path), path)
    return PipelineDefinition(body, PipelineInfo(name, "file", os.path.dirname(path), path=path))


def find_file(name: str, parent: Any) -> str:
    """Find the file of a pipeline: absolute; beside its parent; below the working folder; ours.

    Returns:
        Its path, absolute.

    Raises:
        PipelineNotFound: names every place tried.
    """
    file = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
    if os.path.isabs(file):
        folders: tuple[str, ...] = ("",)
    else:
        here = os.getcwd()
        beside = () if parent is None else (os.fspath(parent),)
        folders = tuple(dict.fromkeys((*beside, here, f"{here}/pipelines", LIBRARY)))
    tried = [os.path.normpath(os.path.join(folder, file)) for folder in folders]
    for path in tried:
        if os.path.isfile(path):
            return path
    raise PipelineNotFound(name, tuple(tried))


def _from_text(text: str, parent: Any) -> PipelineDefinition:
    body = compile_pipeline(parse_yaml(text, "<text>"), "<text>")
    return PipelineDefinition(
        body, PipelineInfo("<text>", "string", parent, is_loader_cascading=False)
    )


class _Loaders:
    """The loaders of this process, by name."""

    lock = RLock()
    known: ClassVar[dict[str, Loader]] = {
        "file": FileLoader(), "string": Loader("string", _from_text)
    }  # fmt: skip


def loader_named(name: str, find: Callable[[str], Any]) -> Loader:
    """Give a loader by its name: one of ours, a plugin's, or a module that is one.

    Args:
        name: of the loader; names of the library we take the place of will do.
        find: gives the plugin or the module.

    Raises:
        BadLoader: what was found is none.
    """
    name = {"pypyr.loaders.file": "file", "pypyr.loaders.string": "string"}.get(name, name)
    with _Loaders.lock:
        if name in ("file", "string"):
            return _Loaders.known[name]
        found = find(name)
        known = _Loaders.known.get(name)
        if known is not None and known.get_pipeline_definition == getter_of(name, found):
            return known
        made = found if isinstance(found, Loader) else Loader(name, getter_of(name, found))
        _Loaders.known[name] = made
        return made


def getter_of(name: str, found: Any) -> Callable[[str, Any], Any]:
    """Give the function of a loader: that of a module or an object, or what is one itself."""
    getter = getattr(found, "get_pipeline_definition", found)
    if not callable(getter):
        raise BadLoader(name, "it has no function get_pipeline_definition(pipeline_name, parent)")
    return getter  # type: ignore[no-any-return]
