"""Makes modules whose `import` statements ask somebody else first."""

from __future__ import annotations

import _imp
import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from types import CodeType, ModuleType
from typing import Any, TypeAlias

from .failures import NativeModule
from .finding import Found

_LOAD = compile("module = create(spec)\nrun(module)\n", "<native>", "exec", dont_inherit=True)
Importer: TypeAlias = Callable[..., ModuleType]


def empty_module(name: str, found: Found, importer: Importer) -> ModuleType:
    """Make a module that has not run: Python asks `importer` for every `import` in it.

    The builtins of a module are where `import` is looked up, so it gets some of its own.
    """
    loader = SourceFileLoader(name, found.file) if found.file else None
    module = ModuleType(name)
    space = vars(module)
    space["__spec__"], space["__loader__"] = _spec(name, found, loader), loader
    space["__package__"] = name if found.folders else name.rpartition(".")[0]
    if found.folders:
        space["__path__"] = list(found.folders)
    if found.file:
        space["__file__"] = found.file
    space["__builtins__"] = {**vars(builtins), "__import__": importer}
    return module


def code_of(path: str) -> CodeType:
    """Compile a file; not from a cache, which takes two versions of one second for the same."""
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


class _Compiled(SourceFileLoader):
    """Compiles what it loads, see `code_of`."""

    def get_code(self, fullname: str) -> CodeType:
        return code_of(self.get_filename(fullname))


@contextmanager
def found_first(folder: str) -> Iterator[None]:
    """Let all imports of this process look into a folder first, for the time of a `with` block."""
    kinds = ((ExtensionFileLoader, EXTENSION_SUFFIXES), (_Compiled, SOURCE_SUFFIXES))

    def hook(path: str) -> FileFinder:
        if path != folder and not path.startswith(f"{folder}/"):
            raise ImportError("not below the folder")
        return FileFinder(path, *kinds)

    sys.path.insert(0, folder)
    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.pop(folder, None)
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.path_hooks.remove(hook)
        for path in [*sys.path_importer_cache]:
            if path == folder or path.startswith(f"{folder}/"):
                del sys.path_importer_cache[path]


def native_module(name: str, found: Found, importer: Importer) -> ModuleType:
    """Load native code, and leave `sys.modules` as it is.

    Args:
        name: dotted.
        found: its library.
        importer: what is asked for modules that it imports while it is loaded.

    Raises:
        NativeModule: it does not load.
    """
    missing = object()
    before = sys.modules.get(name, missing)
    spec = _spec(name, found, ExtensionFileLoader(name, found.file))
    # Native code imports with the builtins of the frame that it is called from.
    space: dict[str, Any] = {
        "__builtins__": {**vars(builtins), "__import__": importer},
        "create": _imp.create_dynamic,
        "run": _imp.exec_dynamic,
        "spec": spec,
    }
    try:
        exec(_LOAD, space)  # noqa: S102 - two lines of ours
        module: ModuleType = space["module"]
    except Exception as error:
        raise NativeModule(name, found.file, f"{type(error).__name__}: {error}") from error
    finally:
        # Modules of the older kind enter themselves.
        if before is missing:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before  # type: ignore[assignment]
    vars(module).update(__spec__=spec, __loader__=spec.loader, __file__=found.file)
    vars(module)["__package__"] = spec.parent
    return module


def _spec(
    name: str, found: Found, loader: SourceFileLoader | ExtensionFileLoader | None
) -> ModuleSpec:
    spec = ModuleSpec(name, loader, origin=found.file or None, is_package=bool(found.folders))
    spec.has_location = bool(found.file)
    if found.folders:
        spec.submodule_search_locations = list(found.folders)
    return spec
