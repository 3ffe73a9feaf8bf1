"""The shim (shim.c) from Python: compile it, and tell it what to do at which call."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
CHANGE, LOOK = 1, 2
_TRACED = 8192
ERRNOS = tuple(
    getattr(errno, name) for name in ("ENOSPC", "EIO", "EDQUOT", "EROFS", "EMFILE", "ESTALE")
)


class Action(IntEnum):
    """What to do at a call; the numbers are those of shim.c."""

    COUNT = 0
    KILL_BEFORE = 1
    KILL_AFTER = 2
    TORN = 3
    FAIL_ONCE = 4
    FAIL_ON = 5
    SHORT = 6
    STOP = 7
    CUT_BEFORE = 8
    CUT_AFTER = 9
    INTERRUPT = 10


class _Seen(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char * 24), ("path", ctypes.c_char * 232))


class _Shared(ctypes.Structure):
    _fields_ = (
        ("calls", ctypes.c_long),
        ("fired", ctypes.c_long),
        ("busy", ctypes.c_long),
        ("trace", _Seen * _TRACED),
    )


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was seen: its name without `64` and the like, and what it was about."""

    name: str
    path: str

    @property
    def site(self) -> str:
        """The call together with the kind of its path."""
        return f"{self.name} {kind_of(self.path)}"


_HEX = "[0-9a-f]"
_KINDS = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (rf"store-v1/{_HEX}{{32}}-[^/]+$", "derivation"),
        (rf"store-v1/{_HEX}{{32}}-[^/]+/config\.json$", "config"),
        (rf"store-v1/{_HEX}{{32}}-[^/]+/{_HEX}{{32}}$", "realization"),
        (rf"store-v1/{_HEX}{{32}}-[^/]+/{_HEX}{{32}}/\.pylightnix", "meta"),
        (rf"store-v1/{_HEX}{{32}}-[^/]+/{_HEX}{{32}}/", "artifact"),
        (rf"store-v1/{_HEX}{{32}}-[^/]+/\.in-{_HEX}+$", "incoming"),
        (rf"store-v1/{_HEX}{{32}}-[^/]+/\.in-{_HEX}+/", "inside incoming"),
        (r"store-v1$", "objects"),
        (r"var/tmp/[^/]+$", "scratch"),
        (r"var/tmp/[^/]+/\.alive$", "scratch mark"),
        (r"var/tmp/[^/]+/[^/]+$", "output"),
        (r"var/tmp/[^/]+/[^/]+/\.pylightnix", "output's meta"),
        (r"var/tmp/", "inside output"),
        (r"var/roots/\.live/", "live root"),
        (r"var/roots/\.links/", "linked folder"),
        (r"var/roots/", "root"),
        (r"var/locks/collector$", "collector's lock"),
        (r"var/locks/", "build lock"),
        (r"var/verified/", "note"),
        (r"var/logs/", "log"),
        (r"var/trash/[^/]+$", "trash"),
        (r"var/trash/", "inside trash"),
        (r"var/index\.sqlite", "index"),
    )
)


def kind_of(path: str) -> str:
    """Name what a path below the root of a store is."""
    for pattern, kind in _KINDS:
        if pattern.match(path):
            return kind
    return "folder of the store"


def unavailable() -> str | None:
    """Tell why the shim cannot be used here; None if it can."""
    if compiler() is None:
        return "no C compiler here (cc, gcc or clang)"
    return None


def compiler() -> str | None:
    """Find a C compiler."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def compiled(folder: Path) -> Path:
    """Compile the shim into a folder.

    Raises:
        RuntimeError: the compiler does not take it; its words are in the text.
    """
    target = folder / "shim.so"
    done = subprocess.run(
        [compiler() or "cc", "-shared", "-fPIC", "-O2", "-o", target, SOURCE, "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the shim does not compile here: {done.stderr.strip()[:500]}")
    return target


class Shim:
    """The shim that was loaded with this process; a stateful handle."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL(None)
        try:
            self._lib.shim_shared.restype = ctypes.POINTER(_Shared)
        except AttributeError:
            raise RuntimeError("this process was not started with the shim in LD_PRELOAD") from None
        self._lib.shim_arm.argtypes = (
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_long,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_uint,
        )
        self._shared = self._lib.shim_shared().contents

    def reset(self) -> None:
        """Forget what was counted."""
        self._lib.shim_reset()

    def arm(
        self,
        root: str,
        action: Action = Action.COUNT,
        at: int = 0,
        error: int = 0,
        classes: int = CHANGE,
        disk: int = -1,
        flags: int = 0,
    ) -> None:
        """Count calls below `root` from now on, in this process, and act at call number `at`."""
        self._lib.shim_arm(os.fsencode(root), action, at, error, classes, disk, flags)

    def disarm(self) -> None:
        """Let calls pass uncounted again."""
        self._lib.shim_disarm()

    @property
    def calls(self) -> int:
        """How many calls were counted."""
        return int(self._shared.calls)

    @property
    def fired(self) -> bool:
        """Whether the call was reached."""
        return bool(self._shared.fired)

    @property
    def busy(self) -> int:
        """How often a lock was found taken."""
        return int(self._shared.busy)

    def trace(self) -> list[Call]:
        """Give what was counted, in order."""
        return [self.seen(number) for number in range(1, min(self.calls, _TRACED) + 1)]

    def seen(self, number: int) -> Call:
        """Give one call by its number, from 1."""
        seen = self._shared.trace[number - 1]
        name = seen.name.decode().strip("_").removesuffix("_2").removesuffix("v2")
        return Call(name.removesuffix("64"), os.fsdecode(seen.path))
