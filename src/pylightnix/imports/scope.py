"""Modules that a piece of code has for itself, in one process with others: `ImportScope`.

Two folders may each have a `mystep.py` that says `import sharedcode`, and both get their own.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from .failures import NativeModule, raise_native
from .finding import Folders, Found, is_installed, stamp
from .loading import code_of, empty_module, native_module
from .turns import Turns

# What a dataclass says in a module that is not in `sys.modules`.
_TEXT_ANNOTATION = "'NoneType' object has no attribute '__dict__'"


class ImportScope:
    """The modules that some code sees before all others; a stateful handle.

    Neither `sys.path` nor `sys.modules` is touched: every module of a scope has builtins of its
    own, and Python asks their `__import__` for each `import` statement. It looks into the scope,
    and then asks Python for what is installed. Threads may import at once.

    What looks modules up by name knows nothing of a scope: `importlib.import_module` (there is
    `scope.import_module`), `pickle`, `sys.modules[__name__]`, dataclasses whose annotations are
    text. It is no sandbox.

    Args:
        paths: folders to look in, in this order.

    Attributes:
        folders: those, absolute.
        modules: name -> module, of all that was imported from there.
        uses: name -> names of the modules of the scope that it imports.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str]) -> None:
        several = [paths] if isinstance(paths, str | os.PathLike) else paths
        self.folders = tuple(os.path.abspath(os.fspath(path)) for path in several)
        self.modules: dict[str, ModuleType] = {}
        self.uses: dict[str, set[str]] = {}
        self._places = Folders()
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self._turns = Turns()

    def has(self, name: str) -> bool:
        """Tell whether `import` of a dotted name is answered by the scope; imports nothing."""
        top = name.partition(".")[0]
        return top in self.modules or self._top(top) is not None

    def fresh(self) -> bool:
        """Tell whether the files of all that was imported are as they were then."""
        return all(stamp(path) == known for path, known in list(self._stamps.items()))

    def files(self, name: str) -> dict[str, str]:
        """Give the files of a module and of all that it imports in the scope: name -> path."""
        todo, found = [name], {}
        while todo:
            each = todo.pop()
            path = getattr(self.modules.get(each), "__file__", None)
            if path is not None and each not in found:
                found[each] = path
                todo += self.uses.get(each, ())
        return found

    def file_of(self, name: str) -> str | None:
        """Give the file of a module of the scope; imports nothing.

        Args:
            name: dotted and absolute.

        Returns:
            None if the scope has no such module, or it is a folder without `__init__.py`.
        """
        top, *rest = name.split(".")
        found = self._top(top)
        for part in rest:
            found = found and self._places.find(part, found.folders)
        return (found.file or None) if found else None

    def import_module(self, name: str) -> ModuleType:
        """Import a module of the scope.

        Args:
            name: dotted and absolute.

        Raises:
            ModuleNotFoundError: the scope has no such module.
            NativeModule: it has native code that refuses to be loaded once more.

        Effects: runs its code, the first time.
        """
        parts = name.split(".")
        module = self._obtain(parts[0], None)
        for depth in range(2, len(parts) + 1):
            module = self._obtain(".".join(parts[:depth]), module)
        return module

    def run_path(
        self, file: str | os.PathLike[str], *, run_name: str = "__main__"
    ) -> dict[str, Any]:
        """Run a file as a program that imports from this scope.

        Its own folder is looked in only if it is one of the scope's.

        Args:
            file: source of Python.
            run_name: its `__name__`.

        Returns:
            What the file's variables are in the end.

        Raises:
            OSError: it cannot be read.
            SyntaxError: it is no Python.
            BaseException: whatever it raises; `SystemExit` too.

        Effects: runs its code, each time anew.
        """
        path = os.path.abspath(os.fspath(file))
        code = code_of(path)
        module = empty_module(run_name, Found(path), partial(self._import, run_name))
        exec(code, vars(module))  # noqa: S102 - what it is for
        return vars(module)

    def _top(self, name: str) -> Found | None:
        """Find a module at the top of the scope."""
        if name in sys.builtin_module_names:
            return None
        found = self._places.find(name, self.folders)
        # As on `sys.path`: a folder without `__init__.py` comes after all that has one.
        return None if found and not found.file and is_installed(name) else found

    def _obtain(self, full: str, parent: ModuleType | None) -> ModuleType:
        """Give a module whose parent was imported; another thread that loads it is waited for."""
        module = self.modules.get(full)
        if module is None or self._turns.taken(full):
            if self._turns.take(full):
                try:
                    module = self.modules.get(full) or self._load(full, parent)
                finally:
                    self._turns.give(full)
            else:  # a circle: it is half done
                module = self.modules[full]
                _attach(parent, full, module)
        return module

    def _load(self, full: str, parent: ModuleType | None) -> ModuleType:
        found = self._find(full, parent)
        if found.is_native:
            module = self.modules[full] = self._native(full, found)
        else:
            module = empty_module(full, found, partial(self._import, full))
            self.modules[full] = module  # before it runs: modules may import each other
            try:
                self._run(module, found)
            except BaseException as error:
                del self.modules[full]
                if parent is not None and vars(parent).get(full.rpartition(".")[2]) is module:
                    delattr(parent, full.rpartition(".")[2])
                raise_native(error, full, found.file)
                self._explain(error, found.file)
                raise
        if parent is not None:
            setattr(parent, full.rpartition(".")[2], module)
        return module

    def _find(self, full: str, parent: ModuleType | None) -> Found:
        if parent is None:
            found = self._top(full)
        else:
            places = getattr(parent, "__path__", None)
            if places is None:
                text = f"No module named {full!r}; {parent.__name__!r} is not a package"
                raise ModuleNotFoundError(text, name=full)
            found = self._places.find(full.rpartition(".")[2], places)
        if found is None:
            raise ModuleNotFoundError(f"No module named {full!r}", name=full)
        return found

    def _native(self, full: str, found: Found) -> ModuleType:
        """Load native code, which takes what it imports out of `sys.modules`, whoever gave it."""

        def importer(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> ModuleType:
            if self.has(name):
                raise ImportError(f"it would not get {name} from the scope")
            return builtins.__import__(name, globals, locals, fromlist or (), level)

        before = set(sys.modules)
        module = native_module(full, found, importer)
        for name in set(sys.modules) - before:
            if self.has(name):
                raise NativeModule(full, found.file, f"it does not get {name} from the scope")
        self._stamps[found.file] = stamp(found.file)
        return module

    def _run(self, module: ModuleType, found: Found) -> None:
        if found.file:
            self._stamps[found.file] = stamp(found.file)
            exec(code_of(found.file), vars(module))  # noqa: S102 - what it is for

    def _import(
        self,
        importing: str,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Be the `__import__` of a module of the scope."""
        full = _absolute(name, globals, level) if level else name
        if not self.has(full):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = self.import_module(full)
        self._note(importing, full)
        if not fromlist:
            # As Python: `import a.b` binds `a`, and `from . import` always has a list.
            return self.modules[full.partition(".")[0]]
        if hasattr(module, "__path__"):
            for item in _listed(module, fromlist):
                if not hasattr(module, item):
                    self._submodule(importing, f"{full}.{item}")
        return module

    def _submodule(self, importing: str, full: str) -> None:
        """Import what may be a submodule; if it is none, Python says so when it takes the name."""
        try:
            self.import_module(full)
        except ModuleNotFoundError as error:
            if error.name != full:
                raise
        else:
            self._note(importing, full)

    def _note(self, importing: str, full: str) -> None:
        parts = full.split(".")
        names = {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        self.uses.setdefault(importing, set()).update(names)

    def _explain(self, error: BaseException, file: str) -> None:
        """Add what to do to errors of those who look modules up by name."""
        if isinstance(error, AttributeError) and str(error) == _TEXT_ANNOTATION:
            error.add_note(
                f"dataclasses look annotations that are text up in sys.modules, where {file} is "
                "not: leave `from __future__ import annotations` out of it, or use a pod"
            )
            return
        name = error.name if isinstance(error, ModuleNotFoundError) else None
        if name and "." not in name and self.has(name) and not hasattr(error, "__notes__"):
            error.add_note(
                f"{file} looked {name} up by its name, where only what is installed is found: use "
                "an import statement, or a pod"
            )


def _attach(parent: ModuleType | None, full: str, module: ModuleType) -> None:
    """Let `from . import b` find a module that is half done; Python asks `sys.modules` there."""
    name = full.rpartition(".")[2]
    if parent is not None and name not in vars(parent):
        setattr(parent, name, module)


def _listed(module: ModuleType, names: Sequence[str]) -> list[str]:
    listed = [name for name in names if name != "*"]
    return [*listed, *getattr(module, "__all__", ())] if "*" in names else listed


def _absolute(name: str, space: Mapping[str, Any] | None, level: int) -> str:
    """Give the full name of a relative one."""
    package = str((space or {}).get("__package__") or "")
    if not package:
        raise ImportError("attempted relative import with no known parent package")
    parts = package.split(".")
    if level > len(parts):
        raise ImportError("attempted relative import beyond top-level package")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name}" if name else base
