"""Which interpreter does a realizer's work elsewhere, and what it finds by its name there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import ModuleType

from pylightnix.core.errors import RealizeError
from pylightnix.core.value import value
from pylightnix.sandbox.system import outermost, python_paths

_OURS = "pylightnix"
_ALONE = ("-s", "-P")  # not -I, which would ignore PYTHONHASHSEED
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_NEEDED = ("pyrsistent", "_pyrsistent_version", "cloudpickle", "typing_extensions")
# Landlock hides the folder in which this library lies, so that no path finds it. What it needs
# comes behind all that the interpreter has itself: an environment may have another version.
_START = """\
import sys
from importlib import util
class Lent:
    def __init__(self, files):
        self.files = files
    def find_spec(self, name, path=None, target=None):
        file = self.files.get(name)
        return file and util.spec_from_file_location(name, file)
sys.path[:] = {path}
sys.meta_path.insert(0, Lent({ours!r}))
sys.meta_path.append(Lent({needed!r}))
from pylightnix.engine.inside import main
main()
"""


class OtherPython(RealizeError):
    """A builder cannot go into an environment of another version of Python."""

    def __init__(self, here: str, there: str) -> None:
        super().__init__(here, there)
        self.here, self.there = here, there

    def __str__(self) -> str:
        return (
            f"the builder's code is of Python {self.here}, its environment's is {self.there}: "
            "make the environment with the Python that runs this, or call a pod (see `pod_open`)"
        )


@value
class Python:
    """An interpreter.

    Attributes:
        command: its program, its options, and what it runs.
        shown: paths that it needs to see.
        knows: tells whether it finds a module, of this name and file, by the name.
    """

    command: tuple[str, ...]
    shown: tuple[str, ...]
    knows: Callable[[str, str], bool]

    def strangers(self) -> Iterator[ModuleType]:
        """Give the modules of this process that it does not find: their code has to go along."""
        for name, module in tuple(sys.modules.items()):
            file = getattr(module, "__file__", None) if type(module) is ModuleType else None
            if name != "__main__" and isinstance(file, str) and not self.knows(name, file):
                yield module


def this_python(seen: Iterable[str]) -> Python:
    """Give the interpreter that runs this: it finds what is found here, if that is seen.

    Args:
        seen: further paths that are seen there.
    """
    lent = _lent()
    shown = (*python_paths(), *map(_whole, lent.values()))
    visible = outermost((*seen, *shown))
    path = [name for name in map(os.path.abspath, filter(None, sys.path)) if _below(name, visible)]
    command = [sys.executable, *_ALONE, "-S"]
    return Python(_command(command, repr(path), lent), shown, lambda _, file: _below(file, visible))


def python_of(env: str, function: object) -> Python:
    """Give the interpreter of an environment: it finds what was installed there.

    Args:
        env: path of the environment.
        function: what is to run there. Its own package goes along even if it is installed here.

    Raises:
        OtherPython: code of this Python would not run there.
    """
    home, version = _told(env)
    here = ".".join(map(str, sys.version_info[:2]))
    if version.split(".")[:2] != here.split("."):
        raise OtherPython(here, version)
    lent = _lent()
    shown = (*_prefix(home), *map(_whole, lent.values()))
    packages = os.listdir(f"{env}/lib/python{here}/site-packages")
    there = {*lent, *sys.stdlib_module_names, *(name.split(".")[0] for name in packages)}
    own = str(getattr(function, "__module__", "")).split(".")[0]
    command = [f"{env}/bin/python", *_ALONE]
    knows = partial(_installed, there, own)
    return Python(_command(command, "sys.path", lent), shown, knows)


def _installed(there: set[str], own: str, name: str, file: str) -> bool:
    """Tell whether a module is meant that an environment has, or ought to have."""
    top = name.split(".")[0]
    # What is installed here is no part of the user's program: if it is missing there, say so.
    return top in there or (top != own and not _INSTALLED.isdisjoint(file.split("/")))


def interpreter_paths(env: str) -> tuple[str, ...]:
    """Give what a sandbox has to show for an environment's interpreter to start."""
    return _prefix(_told(env)[0])


def _prefix(home: str) -> tuple[str, ...]:
    prefix = os.path.dirname(home)
    # Of one that was installed below /usr the system's own paths are shown anyway.
    return (prefix,) if prefix.count("/") > 1 else ()


def _told(env: str) -> tuple[str, str]:
    """Where the interpreter of an environment is installed, and which version it is."""
    with open(f"{env}/pyvenv.cfg", encoding="utf-8") as file:
        said = dict(line.split(" = ", 1) for line in file.read().splitlines() if " = " in line)
    return said["home"], said.get("version_info") or said.get("version", "")


def _lent() -> dict[str, str]:
    """This library and what it needs -> the file that is imported."""
    from importlib.util import find_spec

    found = ((name, find_spec(name)) for name in (_OURS, *_NEEDED))
    return {name: spec.origin for name, spec in found if spec is not None and spec.origin}


def _whole(file: str) -> str:
    """All of a package of which this is the first file."""
    return os.path.dirname(file) if os.path.basename(file).startswith("__init__.") else file


def _command(python: Iterable[str], path: str, lent: dict[str, str]) -> tuple[str, ...]:
    needed = {name: file for name, file in lent.items() if name != _OURS}
    start = _START.format(path=path, ours={_OURS: lent[_OURS]}, needed=needed)
    optimized = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    return (*python, "-B", *optimized, "-c", start)


def _below(path: str, visible: Iterable[str]) -> bool:
    real = os.path.realpath(path)
    return any(f"{name}/".startswith(f"{top}/") for top in visible for name in (path, real))
