"""Small trees, stages and probes that several tests share."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from pylightnix import (
    Build,
    Config,
    DRef,
    Matcher,
    RRef,
    Store,
    build_context,
    build_outpath,
    build_wrapper,
    config_hash,
    match_latest,
    match_only,
    mkconfig,
    mkdref,
    mkdrv,
)
from pylightnix.store.check import Fault, faults
from pylightnix.store.fsys import delete_tree
from pylightnix.store.objects import put_derivation, put_realization
from pylightnix.store.provenance import Provenance
from pylightnix.store.query import drefs, rrefs
from pylightnix.store.scratch import Scratch

TESTS = Path(__file__).parent


# Trees


@dataclass(frozen=True)
class Link:
    """A symlink, by its text."""

    target: str


@dataclass(frozen=True)
class Program:
    """An executable file."""

    text: str = "#!/bin/sh\n"


Tree: TypeAlias = "Mapping[str, str | bytes | Link | Program | None]"
"""Path -> contents; None is a folder."""


def plant(folder: str | Path, tree: Tree) -> Path:
    """Make a folder that holds this."""
    top = Path(folder)
    top.mkdir(exist_ok=True)
    for name, what in tree.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match what:
            case None:
                path.mkdir(exist_ok=True)
            case Link(target):
                path.symlink_to(target)
            case Program(text):
                path.write_text(text)
                path.chmod(0o755)
            case bytes():
                path.write_bytes(what)
            case _:
                path.write_text(what)
    return top


def below(folder: str | Path) -> list[str]:
    """Every path below a folder, sorted; links are not followed."""
    found = []
    for home, folders, files in os.walk(folder):
        found += [os.path.relpath(os.path.join(home, name), folder) for name in (*folders, *files)]
    return sorted(found)


@contextmanager
def nested(top: Path, depth: int) -> Iterator[None]:
    """Folders in folders, however long the path gets; deleted in the end: few programs can."""
    fd = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    try:
        yield
    finally:
        delete_tree(str(top))


@contextmanager
def in_memory(otherwise: Path) -> Iterator[Path]:
    """A folder that is never written to a disk, if there is such a place; deleted in the end."""
    made = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else otherwise))
    try:
        yield made
    finally:
        delete_tree(str(made))


# Objects, without an engine


def derivation(name: str = "thing", **fields: object) -> tuple[DRef, Config]:
    """A config and its reference; nothing is written."""
    config = mkconfig({"name": name, **fields})
    return mkdref(config_hash(config), config.name), config


def provenance(stop: str = "2024-05-01T10:00:01.000000+00:00") -> Provenance:
    return Provenance(stop, stop, 1.0, "host", "user", "3.11", "1.0", "tests:builder")


def put(
    store: Store,
    tree: Tree,
    name: str = "thing",
    *,
    context: Mapping[DRef, list[RRef]] | None = None,
    stop: str = "2024-05-01T10:00:01.000000+00:00",
    **fields: object,
) -> RRef:
    """Put a realization that holds this tree, as the engine would."""
    dref, config = derivation(name, **fields)
    put_derivation(store, dref, config)
    with Scratch(store) as scratch:
        folder = plant(scratch.new(), tree)
        return put_realization(store, dref, context or {}, str(folder), provenance(stop))


def foreign(source: Store, target: Store) -> None:
    """Copy all objects into another store, as a plain copy program does."""
    for path in sorted(Path(source.objects).iterdir()):
        subprocess.run(["cp", "-a", path, target.objects], check=True)


# Stages


def write_text(b: Build, text: str) -> None:
    (build_outpath(b) / "text").write_text(text)


def text_of(store: Store, rref: RRef) -> str:
    return (Path(store.objects) / rref[38:] / rref[5:37] / "text").read_text()


def constant(name: str, *deps: DRef, text: str = "", **fields: object) -> DRef:
    """A stage whose builder always makes the same: its text, and what it was given."""

    def build(b: Build) -> None:
        chosen = sorted(str(rref) for rrefs in build_context(b).values() for rref in rrefs)
        write_text(b, "\n".join([text, *chosen]))

    config = mkconfig({"name": name, "deps": list(deps), "text": text, **fields})
    return mkdrv(config, match_only(), build_wrapper(build))


def noisy(
    name: str,
    *deps: DRef,
    journal: Path | None = None,
    matcher: Matcher | None = None,
    **fields: object,
) -> DRef:
    """A stage whose builder makes something else every time and writes its name into a journal."""

    def build(b: Build) -> None:
        if journal is not None:
            note(journal, name)
        write_text(b, os.urandom(8).hex())

    config = mkconfig({"name": name, "deps": list(deps), **fields})
    return mkdrv(config, matcher or match_latest(), build_wrapper(build))


def note(journal: Path, line: str) -> None:
    """Add a line, whole, however many processes do."""
    fd = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(fd, f"{line}\n".encode())
    finally:
        os.close(fd)


def lines_of(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def chain(length: int, *, name: str = "link") -> DRef:
    """A stage that needs a stage that needs a stage ...; the builders do nothing."""
    dref: DRef | None = None
    for i in range(length):
        config = mkconfig({"name": name, "i": i, "dep": dref})
        dref = mkdrv(config, match_only(), _EMPTY)
    assert dref is not None
    return dref


_EMPTY = build_wrapper(lambda b: None)


# What is left in a store


def all_faults(store: Store) -> list[Fault]:
    """What is wrong with the realizations that the store's look-ups show."""
    return [f for dref in drefs(store) for rref in rrefs(store, dref) for f in faults(store, rref)]


def strangers(store: Store) -> list[str]:
    """What is in `store-v1` beside derivations, their configs and realizations."""
    known = {f"{dref[5:]}" for dref in drefs(store)}
    strange = []
    for home in sorted(os.listdir(store.objects)):
        if home not in known:
            strange.append(home)
            continue
        good = {
            rref[5:37] for dref in drefs(store) if dref[5:] == home for rref in rrefs(store, dref)
        }
        inside = set(os.listdir(f"{store.objects}/{home}")) - good - {"config.json"}
        strange += [f"{home}/{name}" for name in sorted(inside)]
    return strange


def scratch_left(store: Store) -> list[str]:
    """What builders left in `var/tmp`."""
    return sorted(os.listdir(f"{store.var}/tmp"))


# Processes


def in_child(function: Callable[[], object]) -> int:
    """Run a function in a forked child; gives 0, 1 if it raised, or minus the signal."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def all_at_once(functions: Sequence[Callable[[], object]]) -> list[int]:
    """Run functions in as many forked children, started together; gives as `in_child`."""
    reader, writer = os.pipe()
    pids = []
    for function in functions:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(writer)
                os.read(reader, 1)  # ends when the parent closes its end
                function()
                status = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(status)
        pids.append(pid)
    os.close(reader)
    os.close(writer)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def python(
    code: str,
    *args: str,
    optimize: int | None = None,
    before: Sequence[str] = (),
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter that finds this module.

    Args:
        optimize: 1 takes the asserts out of it; by default as in this process.
        before: a program that is to start the interpreter, with its arguments.
    """
    level = sys.flags.optimize if optimize is None else optimize
    here = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return subprocess.run(
        [*before, sys.executable, *(["-O"] * level), "-c", code, *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, here)), **env},
    )


@contextmanager
def unflushed() -> Iterator[None]:
    """Make flushing free: it takes most of the time, and only a power cut tells the difference."""
    from pylightnix.store import syscalls

    real = syscalls._call

    def call(name: str, *args: object) -> None:
        if name != "syncfs":
            real(name, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda fd: None)
        patch.setattr(syscalls, "_call", call)
        yield


@contextmanager
def stopping_at(point: int, stop: Callable[[], None]) -> Iterator[list[str]]:
    """Call `stop` at the given one (from 0) of all calls that write; gives the calls made."""
    seen: list[str] = []

    def guarded(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if name == "open" and not (isinstance(args[1], int) and args[1] & os.O_CREAT):
                return real(*args, **kwargs)
            seen.append(name)
            if len(seen) == point + 1:
                stop()
            return real(*args, **kwargs)

        return call

    from pylightnix.store import syscalls

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            patch.setattr(os, name, guarded(name, getattr(os, name)))
        patch.setattr(syscalls, "_call", guarded("_call", syscalls._call))
        yield seen


WRITES = (
    "open",
    "mkdir",
    "write",
    "pwrite",
    "ftruncate",
    "rename",
    "link",
    "symlink",
    "unlink",
    "rmdir",
    "chmod",
    "fchmod",
    "utime",
    "fsync",
    "removexattr",
)


def acl_of(path: Path) -> dict[str, int]:
    """Path -> mode, of everything below, links left out."""
    return {
        name: (path / name).lstat().st_mode & 0o7777
        for name in below(path)
        if not (path / name).is_symlink()
    }
