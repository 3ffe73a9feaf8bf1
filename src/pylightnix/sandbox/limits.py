"""Limits for all processes of a sandbox together: control groups, version 2 or else 1."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from pylightnix.core.value import value

CONTROLLERS = ("memory", "pids", "cpu")
_PREFIX = "pylightnix-"
_FORSAKEN_S = 60.0


@value
class Home:
    """A folder in which groups can be made: of one controller (version 1), or of several (2)."""

    folder: str
    version: int
    controllers: tuple[str, ...]


def homes(proc: str = "/proc") -> tuple[Home, ...]:
    """Find where this process may make groups for memory, number of processes and processor time.

    Args:
        proc: where to read what is mounted, and where this process belongs.
    """
    found: dict[str, Home] = {}
    try:
        with open(f"{proc}/self/cgroup", encoding="utf-8") as file:
            ours = [line.rstrip("\n").split(":", 2) for line in file]
        with open(f"{proc}/self/mounts", encoding="utf-8") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return ()
    for _, place, kind, options, *_ in mounts:
        if kind == "cgroup2":
            home = _second(place, next((path for _, names, path in ours if not names), "/"))
        elif kind == "cgroup":
            home = _first(place, set(options.split(",")), ours)
        else:
            continue
        if home is not None:
            for controller in home.controllers:
                known = found.get(controller)
                if known is None or known.version < home.version:
                    found[controller] = home
    return tuple(dict.fromkeys(found.values()))


def _first(place: str, options: set[str], ours: list[list[str]]) -> Home | None:
    names = {"memory": "memory", "pids": "pids", "cpuacct": "cpu"}
    controllers = tuple(ours_ for theirs, ours_ in names.items() if theirs in options)
    if not controllers:
        return None
    path = next((path for _, named, path in ours if options & set(named.split(","))), "/")
    folder = os.path.normpath(f"{place}/{path}")
    folder = folder if os.path.isdir(folder) else place
    return Home(folder, 1, controllers) if os.access(folder, os.W_OK) else None


def _second(place: str, path: str) -> Home | None:
    """The nearest folder, at ours or above, whose children have controllers and that is ours."""
    folder = os.path.normpath(f"{place}/{path}")
    while folder.startswith(place):
        with suppress(OSError), open(f"{folder}/cgroup.subtree_control", encoding="utf-8") as file:
            given = set(file.read().split())
            controllers = tuple(name for name in CONTROLLERS if name in given)
            procs = f"{folder}/cgroup.procs"
            if controllers and os.access(folder, os.W_OK) and os.access(procs, os.W_OK):
                return Home(folder, 2, controllers)
        folder = os.path.dirname(folder)
    return None


def needed(known: tuple[Home, ...], limits: frozenset[str]) -> tuple[Home, ...]:
    """Give the homes in which these limits can be set."""
    return tuple(home for home in known if limits & set(home.controllers))


class Group:
    """Control groups of one sandbox; a stateful handle.

    Args:
        wanted: where to make them; see `needed`.
        memory_bytes: together; None for no limit.
        pids: together; None likewise.

    Raises:
        OSError: they cannot be made.
    """

    def __init__(
        self, wanted: tuple[Home, ...], memory_bytes: int | None, pids: int | None
    ) -> None:
        name = f"{_PREFIX}{os.getpid()}-{os.urandom(6).hex()}"
        self._folders: dict[str, tuple[str, int]] = {}
        self._made: list[str] = []
        for home in wanted:
            _sweep(home.folder)
            folder = f"{home.folder}/{name}"
            os.mkdir(folder)
            self._made.append(folder)
            for controller in home.controllers:
                self._folders[controller] = folder, home.version
        try:
            self._limit(memory_bytes, pids)
        except OSError:
            self.remove()
            raise

    def _limit(self, memory_bytes: int | None, pids: int | None) -> None:
        if memory_bytes is not None and "memory" in self._folders:
            folder, version = self._folders["memory"]
            if version == 2:
                _put(f"{folder}/memory.max", memory_bytes)
                with suppress(OSError):  # no swap in this kernel
                    _put(f"{folder}/memory.swap.max", 0)
            else:
                _put(f"{folder}/memory.limit_in_bytes", memory_bytes)
                with suppress(OSError):  # likewise
                    _put(f"{folder}/memory.memsw.limit_in_bytes", memory_bytes)
        if pids is not None and "pids" in self._folders:
            _put(f"{self._folders['pids'][0]}/pids.max", pids)

    @property
    def entrances(self) -> tuple[str, ...]:
        """Files that a process writes 0 to for it to belong here; it may have one thread only.

        A process that is moved from outside, or as a whole, waits until no other process of the
        machine forks or ends, which takes 20 ms.
        """
        files = {1: "tasks", 2: "cgroup.procs"}
        return tuple(
            f"{folder}/{files[version]}" for folder, version in dict(self._folders.values()).items()
        )

    def memory_bytes(self) -> int:
        """How much memory was used at most; 0 if nobody knows."""
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            if (number := self._number("memory", name)) is not None:
                return number
        return 0

    def cpu_s(self) -> float:
        """How much processor time was used; 0 if nobody knows."""
        if (number := self._number("cpu", "cpuacct.usage")) is not None:
            return number / 1e9
        fields = self._fields("cpu", "cpu.stat")
        return fields.get("usage_usec", 0) / 1e6

    def out_of_memory(self) -> bool:
        """Whether the kernel ended something for its memory."""
        names = ("memory.events", "memory.oom_control")
        return any(self._fields("memory", name).get("oom_kill", 0) for name in names)

    def _number(self, controller: str, name: str) -> int | None:
        folder, _ = self._folders.get(controller, ("", 0))
        try:
            with open(f"{folder}/{name}", encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def _fields(self, controller: str, name: str) -> dict[str, int]:
        folder, _ = self._folders.get(controller, ("", 0))
        try:
            with open(f"{folder}/{name}", encoding="ascii") as file:
                return {key: int(number) for key, number in (line.split() for line in file)}
        except (OSError, ValueError):
            return {}

    def kill(self) -> None:
        """Kill all that belongs here, and what it starts meanwhile."""
        for folder in self._made:
            try:
                _put(f"{folder}/cgroup.kill", 1)
            except OSError:
                for pid in _members(folder):
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Kill what is left, and take the groups away."""
        until_s = time.monotonic() + 2.0
        while self._made and time.monotonic() < until_s:
            for folder in tuple(self._made):
                try:
                    os.rmdir(folder)
                    self._made.remove(folder)
                except FileNotFoundError:
                    self._made.remove(folder)
                except OSError:
                    self.kill()
            if self._made:
                time.sleep(0.002)


def _members(folder: str) -> Iterator[int]:
    with suppress(OSError), open(f"{folder}/cgroup.procs", encoding="ascii") as file:
        yield from [int(line) for line in file]


def _put(path: str, number: int) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(str(number))


def _sweep(folder: str) -> None:
    """Take away what processes left that were killed; a group with members cannot be taken."""
    for name in os.listdir(folder):
        if not name.startswith(_PREFIX):
            continue
        path = f"{folder}/{name}"
        pid = name[len(_PREFIX) :].split("-", 1)[0]
        with suppress(OSError):
            if not os.path.exists(f"/proc/{pid}") and _age_s(path) > _FORSAKEN_S:
                os.rmdir(path)


def _age_s(path: str) -> float:
    return time.time() - os.stat(path).st_mtime
