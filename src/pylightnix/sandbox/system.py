"""What a program needs of the machine to run at all: paths to be granted read-only."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable

# /etc as a whole has host keys and password hashes: only what programs are started with.
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/nix/store",
)
_NETWORK = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/gai.conf",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/pki",
)


def system_paths(*, network: bool = False) -> tuple[str, ...]:
    """Give the paths of the machine's programs and libraries that are there.

    Args:
        network: with what names and certificates are looked up by.
    """
    wanted = _SYSTEM + (_NETWORK if network else ())
    return tuple(path for path in wanted if os.path.exists(path))


def python_paths() -> tuple[str, ...]:
    """Give what this very interpreter runs from: prefixes, standard library, its packages.

    Where it was installed straight below `/`, only its own folders are given.
    """
    known = sysconfig.get_paths()
    program = os.path.realpath(sys.executable)
    wanted = [sys.executable, program, *(known[key] for key in ("stdlib", "platstdlib"))]
    wanted += [known["purelib"], known["platlib"]]
    if sys.prefix != sys.base_prefix:
        wanted.append(sys.prefix)
    wanted.append(sys.base_prefix if _of_python_alone() else os.path.dirname(program))
    return outermost(path for path in wanted if path and os.path.exists(path))


def _of_python_alone() -> bool:
    return len(sys.base_prefix.strip("/").split("/")) > 1


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Leave out what lies below another one of the paths, and what is there twice."""
    kept: list[str] = []
    # By parts: as texts, /a-b would come between /a and /a/c.
    for path in sorted({os.path.normpath(path) for path in paths}, key=lambda p: p.split("/")):
        if not kept or not path.startswith(kept[-1].rstrip("/") + "/"):
            kept.append(path)
    return tuple(kept)
