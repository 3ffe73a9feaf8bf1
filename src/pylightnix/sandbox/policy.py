"""What sandboxed code may see and use, as a value."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyrsistent import pmap

from pylightnix.core.errors import InvalidValue

BACKENDS = ("bubblewrap", "unshare", "landlock", "rlimits")  # best first
REQUIREMENTS = frozenset({"fs", "net", "pid", "ipc", "kernel", "memory", "cpu", "pids", "file"})
_NEEDED = frozenset({"fs", "net", "pid"})


class InvalidPolicy(InvalidValue):
    """A policy says something that no sandbox could do; every such place is named."""

    def __init__(self, issues: tuple[str, ...]) -> None:
        super().__init__(issues)
        self.issues = issues

    def __str__(self) -> str:
        return f"this cannot be a policy: {'; '.join(self.issues)}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What sandboxed code may see and use. What it does not grant is denied.

    Attributes:
        network: whether there is one; without it not even the host's abstract sockets are there.
        ro: absolute paths of the host that it sees, at the same place, beside what it is given
            anyway.
        rw: absolute paths that it sees and may change.
        memory_bytes: for all its processes together where there are cgroups; else for each.
        cpu_s: processor time, over the life of the sandboxed process.
        wall_s: time for each call, or for the whole build.
        pids: processes and threads at once; None for any number.
        file_bytes: the size of each file that it writes.
        env: environment variables, beside what it is given anyway.
        backend: `auto`, or one of `BACKENDS`.
        require: what must be enforced for it to run at all, of `REQUIREMENTS`: `fs` no other file,
            `net` no network, `pid` no other process, `ipc` no abstract socket or System V
            object of the host, `kernel` no ptrace, mount or namespace; and the limits `memory`,
            `cpu`, `pids`, `file`. A limit that is given is required too.

    Raises:
        InvalidPolicy: a field is not what it should be.
        TypeError: there is no such field.
    """

    network: bool = False
    ro: Iterable[str | os.PathLike[str]] = ()
    rw: Iterable[str | os.PathLike[str]] = ()
    memory_bytes: int | None = None
    cpu_s: float | None = None
    wall_s: float | None = None
    pids: int | None = 64
    file_bytes: int | None = None
    env: Mapping[str, str] = field(default_factory=pmap)
    backend: str = "auto"
    require: Iterable[str] = _NEEDED

    def __post_init__(self) -> None:
        issues = tuple(_issues(self))
        if issues:
            raise InvalidPolicy(issues)
        put = object.__setattr__
        put(self, "ro", _paths(self.ro))
        put(self, "rw", _paths(self.rw))
        put(self, "env", pmap(self.env))
        put(self, "require", frozenset(self.require))

    @property
    def limits(self) -> frozenset[str]:
        """The limits that are given, by their words in `REQUIREMENTS`."""
        given = {
            "memory": self.memory_bytes,
            "cpu": self.cpu_s,
            "pids": self.pids,
            "file": self.file_bytes,
        }
        return frozenset(word for word, limit in given.items() if limit is not None)

    @property
    def wanted(self) -> frozenset[str]:
        """All that must be enforced; a network that is granted need not be denied."""
        granted = {"net"} if self.network else set()
        return (frozenset(self.require) | self.limits) - granted

    def as_config(self) -> dict[str, object]:
        """Give what can change a result, for the config of a derivation: what is granted.

        Limits, back-ends and requirements can only make a build fail.
        """
        return {
            "env": dict(sorted(self.env.items())),
            "network": self.network,
            "ro": sorted(str(path) for path in self.ro),
            "rw": sorted(str(path) for path in self.rw),
        }


def _paths(paths: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(os.path.normpath(path) for path in paths))


def _issues(policy: Policy) -> Iterable[str]:
    if not isinstance(policy.network, bool):
        yield f"network is True or False, not {policy.network!r:.50}"
    yield from _path_issues("ro", policy.ro)
    yield from _path_issues("rw", policy.rw)
    for name in ("memory_bytes", "pids", "file_bytes"):
        yield from _limit_issues(name, getattr(policy, name), (int,))
    for name in ("cpu_s", "wall_s"):
        yield from _limit_issues(name, getattr(policy, name), (int, float))
    yield from _env_issues(policy.env)
    if policy.backend not in ("auto", *BACKENDS):
        yield f"backend {policy.backend!r:.50} is unknown: choose auto or {', '.join(BACKENDS)}"
    yield from _require_issues(policy.require)


def _path_issues(name: str, paths: object) -> Iterable[str]:
    if isinstance(paths, str | bytes) or not isinstance(paths, tuple | list | set | frozenset):
        yield f"{name} is a list of paths, not {paths!r:.50}"
        return
    for path in paths:
        if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
            yield f"{name} has {path!r:.50}, which is no path"
        elif not os.path.isabs(path) or "\0" in str(path):
            yield f"{name} has {os.fspath(path)!r:.200}, which is not an absolute path"


def _limit_issues(name: str, limit: object, kinds: tuple[type, ...]) -> Iterable[str]:
    if limit is None:
        return
    number = isinstance(limit, kinds) and not isinstance(limit, bool)
    if not number or not math.isfinite(limit) or limit <= 0:  # type: ignore[arg-type, operator]
        yield f"{name} is a number above 0, or None for no limit, not {limit!r:.50}"


def _env_issues(env: object) -> Iterable[str]:
    if not isinstance(env, Mapping):
        yield f"env maps names to values, not {env!r:.50}"
        return
    for name, text in env.items():
        if not isinstance(name, str) or not name or {"=", "\0"} & set(name):
            yield f"env has {name!r:.50}, which cannot be the name of a variable"
        elif not isinstance(text, str) or "\0" in text:
            yield f"env has {text!r:.50} for {name}, which is no text"


def _require_issues(require: object) -> Iterable[str]:
    if isinstance(require, str) or not isinstance(require, Iterable):
        yield f"require is a set of words, not {require!r:.50}"
        return
    unknown = sorted(str(word) for word in set(require) - REQUIREMENTS)
    if unknown:
        known = ", ".join(sorted(REQUIREMENTS))
        yield f"require has {', '.join(unknown)}, which is unknown: choose among {known}"
