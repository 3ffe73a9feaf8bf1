"""Which interpreter an environment is for: what of it changes what is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256

from pylightnix.core.errors import PodError
from pylightnix.core.value import value

from .installer import installer

_ASK = (
    "import sys, json, importlib.machinery as m, sysconfig; "
    "print(json.dumps([getattr(sys, '_base_executable', sys.executable), "
    "'.'.join(map(str, sys.version_info[:3])), m.EXTENSION_SUFFIXES[0], sysconfig.get_platform()]))"
)


class NoInterpreter(PodError):
    """There is no Python such as was asked for."""

    def __init__(self, wanted: str, cause: str) -> None:
        super().__init__(wanted, cause)
        self.wanted, self.cause = wanted, cause

    def __str__(self) -> str:
        return f"there is no Python {self.wanted!r} here: {self.cause}"


@value
class Interpreter:
    """A Python that environments are made for.

    Attributes:
        path: of its program, links followed; it is no part of its identity.
        version: as in `3.11.7`.
        abi: what its extension modules end in.
        platform: as `sysconfig.get_platform` says it.
        sha256: of the program: 64 hex digits.
    """

    path: str
    version: str
    abi: str
    platform: str
    sha256: str

    @property
    def identity(self) -> dict[str, str]:
        """What an environment depends on."""
        named = ("version", "abi", "platform", "sha256")
        return {name: getattr(self, name) for name in named}


def find_interpreter(python: str | os.PathLike[str] | None) -> Interpreter:
    """Find a Python and what identifies it.

    Args:
        python: a path, or what uv understands (`3.12`, `pypy`); None is the one that runs this.

    Raises:
        NoInterpreter: it is not here; nothing is downloaded.
    """
    if python is None:
        from importlib.machinery import EXTENSION_SUFFIXES
        from sysconfig import get_platform

        base = getattr(sys, "_base_executable", sys.executable)
        version = ".".join(map(str, sys.version_info[:3]))
        return _made(base, version, EXTENSION_SUFFIXES[0], get_platform())
    wanted = os.fspath(python)
    program = wanted if os.sep in wanted else _found(wanted)
    try:
        done = subprocess.run(
            [program, "-I", "-c", _ASK], capture_output=True, text=True, check=True
        )
        return _made(*json.loads(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NoInterpreter(wanted, str(error)) from error


def _found(wanted: str) -> str:
    status, said = installer().find(wanted)
    if status:
        raise NoInterpreter(wanted, said.strip())
    return said.strip().splitlines()[-1]


def _made(path: str, version: str, abi: str, platform: str) -> Interpreter:
    real = os.path.realpath(path)
    with open(real, "rb") as file:
        digest = sha256(file.read()).hexdigest()
    return Interpreter(real, version, abi, platform, digest)
