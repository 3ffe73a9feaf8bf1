"""Modules beside a pipeline, imported without `sys.path` or `sys.modules`: `ImportScope`.

Two folders may each have a `mystep.py` that says `import sharedcode`, in one process, and both get
their own. Every module of a scope has builtins of its own, whose `__import__` looks into the scope
first: Python asks there for every `import` statement.
"""

from __future__ import annotations

import builtins
import os
from _thread import RLock
from collections.abc import Mapping, Sequence
from types import ModuleType

from pylightnix.core.errors import PipelineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENDINGS = (".py", "/__init__.py")
_TWICE = "cannot load module more than once"


class NativeModule(PipelineError, ImportError):
    """Native code beside a pipeline cannot be loaded as private modules are."""

    def __init__(self, name_: str, path_: str, why: str) -> None:
        super().__init__(name_, path_, why)
        self.module, self.file, self.why = name_, path_, why

    def __str__(self) -> str:
        return (
            f"the module {self.module} ({self.file}) is native code, which cannot be loaded twice "
            f"in one process ({self.why}): use a pod for the step that needs it"
        )


class ImportScope:
    """The modules that the steps of one pipeline see before all others; a stateful handle.

    `importlib.import_module` inside a step knows nothing of it: use `import`, or
    `scope.import_module`.

    Args:
        folders: where to look, in this order.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = tuple(folders)
        self.modules: dict[str, ModuleType] = {}
        self.uses: dict[str, set[str]] = {}
        self._found: dict[str, str | None] = {}
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self._lock = RLock()

    def has(self, name: str) -> bool:
        """Tell whether a dotted name is that of a module in the folders."""
        return self._top(name.partition(".")[0]) is not None

    def fresh(self) -> bool:
        """Tell whether all that was loaded is as it was then."""
        return all(_stamp(path) == stamp for path, stamp in list(self._stamps.items()))

    def files(self, name: str) -> dict[str, str]:
        """Give the files of a module and of all it imports within the scope: name -> path."""
        todo, found = [name], {}
        while todo:
            each = todo.pop()
            path = getattr(self.modules.get(each), "__file__", None)
            if path is not None and each not in found:
                found[each] = path
                todo += self.uses.get(each, ())
        return found

    def import_module(self, name: str) -> ModuleType:
        """Import a module of the scope by its dotted name.

        Raises:
            ModuleNotFoundError: it is not there.
            NativeModule: it is native code that refuses.

        Effects: runs its code, the first time.
        """
        with self._lock:
            parent: ModuleType | None = None
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                full = ".".join(parts[:depth])
                module = self.modules.get(full)
                if module is None:
                    module = self._load(full, parent)
                if parent is not None:
                    setattr(parent, parts[depth - 1], module)
                parent = module
            assert parent is not None  # noqa: S101 - a name has at least one part
            return parent

    def _top(self, name: str) -> str | None:
        if name not in self._found:
            self._found[name] = next(
                (path for folder in self.folders if (path := _module_in(folder, name))), None
            )
        return self._found[name]

    def _load(self, full: str, parent: ModuleType | None) -> ModuleType:
        name = full.rpartition(".")[2]
        if parent is None:
            path = self._top(name)
        else:
            places = getattr(parent, "__path__", ())
            path = next((found for each in places if (found := _module_in(each, name))), None)
        if path is None:
            raise ModuleNotFoundError(f"No module named {full!r}", name=full)
        if not path.endswith(".py") and not os.path.isdir(path):
            return self._native(full, path)
        module = self._empty(full, path)
        self.modules[full] = module  # before it runs, as Python does: modules may import each other
        try:
            self._run(module, path)
        except BaseException as error:
            del self.modules[full]
            if isinstance(error, ImportError) and _TWICE in str(error):
                raise NativeModule(full, path, str(error)) from error
            raise
        return module

    def _empty(self, full: str, path: str) -> ModuleType:
        module = ModuleType(full)
        space = vars(module)
        is_package = os.path.isdir(path) or path.endswith("/__init__.py")
        if is_package:
            space["__path__"] = [path if os.path.isdir(path) else os.path.dirname(path)]
        space["__package__"] = full if is_package else full.rpartition(".")[0]
        if not os.path.isdir(path):
            space["__file__"] = path
        own = dict(vars(builtins))
        own["__import__"] = self._importer(full)
        space["__builtins__"] = own
        return module

    def _run(self, module: ModuleType, path: str) -> None:
        if os.path.isdir(path):  # a folder without __init__.py
            return
        self._stamps[path] = _stamp(path)
        with open(path, "rb") as file:
            # Not from a cache of byte code, which takes two versions of one second for the same.
            code = compile(file.read(), path, "exec")
        exec(code, vars(module))  # noqa: S102 - the user's own step

    def _native(self, full: str, path: str) -> ModuleType:
        from importlib.machinery import ExtensionFileLoader
        from importlib.util import module_from_spec, spec_from_file_location

        spec = spec_from_file_location(full, path, loader=ExtensionFileLoader(full, path))
        assert spec is not None and spec.loader is not None  # noqa: S101 - one was given
        try:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
        except ImportError as error:
            raise NativeModule(full, path, str(error)) from error
        self.modules[full] = module
        return module

    def _importer(self, importing: str) -> Any:
        """Make the `__import__` of one module."""

        def import_(
            name: str,
            globals: Mapping[str, Any] | None = None,
            locals: Mapping[str, Any] | None = None,
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> ModuleType:
            full = _absolute(name, globals, level)
            if not self.has(full):
                return builtins.__import__(name, globals, locals, fromlist or (), level)
            module = self.import_module(full)
            used = self.uses.setdefault(importing, set())
            used.add(full)
            for item in fromlist or ():
                if not hasattr(module, item) and hasattr(module, "__path__"):
                    self._submodule(full, item, used)
            return module if fromlist else self.modules[full.partition(".")[0]]

        return import_

    def _submodule(self, package: str, name: str, used: set[str]) -> None:
        full = f"{package}.{name}"
        try:
            self.import_module(full)
        except ModuleNotFoundError as error:
            if error.name != full:
                raise
        else:
            used.add(full)


def _absolute(name: str, names: Mapping[str, Any] | None, level: int) -> str:
    if not level:
        return name
    package = str((names or {}).get("__package__") or "")
    parts = package.split(".")
    if not package or level > len(parts):
        raise ImportError("attempted relative import beyond top-level package")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name}" if name else base


def _module_in(folder: str, name: str) -> str | None:
    """Find a module in a folder: a file, a package, or a native library."""
    base = f"{folder}/{name}"
    for ending in ENDINGS:
        if os.path.isfile(f"{base}{ending}"):
            return f"{base}{ending}"
    from importlib.machinery import EXTENSION_SUFFIXES

    for suffix in EXTENSION_SUFFIXES:
        if os.path.isfile(f"{base}{suffix}"):
            return f"{base}{suffix}"
    return base if os.path.isdir(base) and _has_python(base) else None


def _has_python(folder: str) -> bool:
    """A folder of data, or of nothing, that has a module's name shall not hide that module."""
    with os.scandir(folder) as entries:
        return any(entry.name.endswith(".py") for entry in entries)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
