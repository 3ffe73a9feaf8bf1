"""Modules that a builder is only going to import, for where they cannot be found.

Code that goes by value takes along what its names mean by now. What an import inside a function, or
at the top of a module that such an import brings, is going to mean over there, is told by its byte
code. The text of the modules that it names goes along, and so does that of all they import.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple, TypeAlias

_LONGEST = 256
Knows: TypeAlias = Callable[[str, str], bool]


class Text(NamedTuple):
    """A module's text: of a folder that is a package without one, nothing."""

    file: str
    source: bytes
    is_package: bool


def packed_with_texts(thing: object, knows: Knows) -> tuple[bytes, Mapping[str, Text]]:
    """Pack with cloudpickle; gives the bytes, and the modules that what is packed may import.

    Args:
        thing: what to pack.
        knows: tells whether a module, of this name and file, is found where it is unpacked.
    """
    import cloudpickle

    functions: list[FunctionType] = []

    class Noting(cloudpickle.CloudPickler):  # type: ignore[misc]
        def reducer_override(self, found: object) -> object:
            how = super().reducer_override(found)
            if isinstance(found, FunctionType) and how is not NotImplemented:
                functions.append(found)  # it goes by value
            return how

    file = io.BytesIO()
    Noting(file).dump(thing)
    return file.getvalue(), _texts(functions, knows)


def _texts(functions: Iterable[FunctionType], knows: Knows) -> dict[str, Text]:
    """The modules that functions import, and that these import, as far as they are not known."""
    found: dict[str, Text] = {}
    looked: set[str] = set()
    todo: list[str] = []
    for function in functions:
        todo += _imports(function.__code__, function.__globals__.get("__package__"))
    while todo:
        name = todo.pop()
        if name in looked:
            continue
        looked.add(name)
        todo += _above(name)
        text = _text(name, knows)
        if text is not None:
            found[name] = text
            package = name if text.is_package else name.rpartition(".")[0]
            with suppress(SyntaxError, ValueError):  # over there its import tells what is wrong
                todo += _imports(_compiled(text), package)
    return found


def _compiled(text: Text) -> CodeType:
    """Compile a module to look at it; what Python warns of is told where it is imported."""
    from warnings import catch_warnings, simplefilter

    with catch_warnings():
        simplefilter("ignore")
        return compile(text.source, text.file, "exec", dont_inherit=True)


def _above(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _text(name: str, knows: Knows) -> Text | None:
    """Read a module; None of one that is known, is not there, or is no text."""
    spec = _spec(name)
    if spec is None:
        return None
    is_package = spec.submodule_search_locations is not None
    if spec.has_location and spec.origin is not None:
        file = os.path.abspath(spec.origin)
        if not file.endswith(".py") or knows(name, file):
            return None
        with suppress(OSError), open(file, "rb") as source:
            return Text(file, source.read(), is_package)
        return None
    folders = list(spec.submodule_search_locations or ())
    known = all(knows(name, f"{folder}/__init__.py") for folder in folders)
    return None if known else Text(f"{folders[0]}/__init__.py", b"", True)


def where(name: str) -> str | None:
    """Tell in which file a module is that this process would import by a name, said by anybody."""
    plain = len(name) < _LONGEST and all(map(str.isidentifier, name.split(".")))
    spec = _spec(name) if plain else None
    return spec.origin if spec is not None and spec.has_location else None


def _spec(name: str) -> ModuleSpec | None:
    """Find a module and run nothing of it, nor of the packages that it is in."""
    if name == "__main__":
        return None
    if name in sys.modules:
        return getattr(sys.modules[name], "__spec__", None)
    parent, path = name.rpartition(".")[0], None
    if parent:
        above = _spec(parent)
        path = None if above is None else above.submodule_search_locations
        if path is None:
            return None
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            spec: ModuleSpec | None = None if find is None else find(name, path)
        except KeyError:  # a folder of modules inside another one, which Python wants imported
            spec = ModuleSpec(name, None, is_package=True)
        if spec is not None:
            if spec.origin is None and spec.submodule_search_locations is not None:
                spec.submodule_search_locations = _folders(name, sys.path if path is None else path)
            return spec
    return None


def _folders(name: str, path: Iterable[str]) -> list[str]:
    """A package of several folders, as Python would tell if the one above it were imported."""
    tail = name.rpartition(".")[2]
    return [folder for top in path if os.path.isdir(folder := os.path.abspath(f"{top}/{tail}"))]


def _imports(code: CodeType, package: str | None) -> Iterator[str]:
    """Give the names of all modules that code, or code inside of it, may import.

    Of `from a import b` nobody knows whether `a.b` is one.
    """
    from dis import get_instructions
    from importlib.util import resolve_name

    loaded: list[object] = [0, None]
    for step in get_instructions(code):
        if step.opname == "IMPORT_NAME":
            level, parts = loaded[-2:]
            with suppress(ImportError):  # of no package, or beyond the top of it: it fails there
                name = resolve_name("." * int(str(level)) + str(step.argval), package)
                yield name
                yield from (f"{name}.{part}" for part in parts or () if part != "*")  # type: ignore[attr-defined]
        elif step.opname != "EXTENDED_ARG":
            loaded.append(step.argval)
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield from _imports(item, package)


class Unpacked:
    """Finds modules by the text that came along; a stateful handle, put into `sys.meta_path`."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self._texts = texts

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module."""
        text = self._texts.get(name)
        if text is None:
            return None
        spec = ModuleSpec(name, self, origin=text.file, is_package=text.is_package)  # type: ignore[arg-type]
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(os.path.dirname(text.file))
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module."""
        import linecache
        from importlib.util import decode_source

        text = self._texts[module.__name__]
        with suppress(SyntaxError, UnicodeDecodeError):
            # For tracebacks: where the file is seen, though not read, Python does not ask us.
            lines = decode_source(text.source).splitlines(keepends=True)
            linecache.cache[text.file] = (len(text.source), None, lines, text.file)
        exec(compile(text.source, text.file, "exec", dont_inherit=True), vars(module))  # noqa: S102
