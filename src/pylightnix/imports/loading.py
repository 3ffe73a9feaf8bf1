"""Makes modules whose `import` statements ask somebody else first."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from types import CodeType, ModuleType
from typing import TypeAlias

from .failures import NativeModule
from .finding import Found

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


def native_module(name: str, found: Found) -> ModuleType:
    """Load native code, and leave `sys.modules` as it is.

    Raises:
        NativeModule: it does not load.
    """
    missing = object()
    before = sys.modules.get(name, missing)
    try:
        loader = ExtensionFileLoader(name, found.file)
        module = module_from_spec(_spec(name, found, loader))
        loader.exec_module(module)
    except Exception as error:
        raise NativeModule(name, found.file, f"{type(error).__name__}: {error}") from error
    finally:
        # Modules of the older kind enter themselves.
        if before is missing:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before  # type: ignore[assignment]
    return module


def _spec(
    name: str, found: Found, loader: SourceFileLoader | ExtensionFileLoader | None
) -> ModuleSpec:
    spec = ModuleSpec(name, loader, origin=found.file or None, is_package=bool(found.folders))
    spec.has_location = bool(found.file)
    if found.folders:
        spec.submodule_search_locations = list(found.folders)
    return spec
