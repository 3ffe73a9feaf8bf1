"""Stages that workers anywhere can import, and builders that misbehave.

Every build of a process of its own imports this anew: nothing that takes long may be imported here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pylightnix import (
    Build,
    DRef,
    RRef,
    build_context,
    build_wrapper,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    realize,
)
from pylightnix.engine.events import Progress


def note(journal: Path, line: str) -> None:
    """Add a line, whole, however many processes do."""
    fd = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(fd, f"{line}\n".encode())
    os.close(fd)


def node(
    name: str,
    *deps: DRef,
    journal: Path | None = None,
    act: Callable[[Build], object] | None = None,
    **fields: object,
) -> DRef:
    """A stage that tells a journal of every build, acts, and makes the same each time."""

    def build(b: Build) -> None:
        if journal is not None:
            note(journal, name)
        if act is not None:
            act(b)
        text = "\n".join(sorted(str(chosen) for chosen in build_context(b).values()))
        (b.make_outputs()[0] / "text").write_text(text)

    config = mkconfig({"name": name, "deps": list(deps), **fields})
    return mkdrv(config, match_only(), build_wrapper(build))


def diamond(journal: Path | None = None) -> DRef:
    base = node("base", journal=journal)
    left, right = node("left", base, journal=journal), node("right", base, journal=journal)
    return node("top", left, right, journal=journal)


def fan(width: int, journal: Path | None = None) -> DRef:
    leaves = [node("leaf", journal=journal, i=i) for i in range(width)]
    return node("top", *leaves, journal=journal)


def row(length: int, journal: Path, act: Callable[[Build], object] | None = None) -> list[DRef]:
    """Independent nodes."""
    return [node(f"node-{i}", journal=journal, act=act) for i in range(length)]


def broken(journal: Path, act: Callable[[Build], object], last: str = "") -> list[DRef]:
    """Two rows of two: in one the first node misbehaves, the other is sound."""
    bad = node("bad", journal=journal, act=act)
    good = node("good", journal=journal)
    return [node("above-bad", bad, journal=journal), node("above-good", good, journal=journal)]


def solitary(act: Callable[[Build], object], name: str = "solitary") -> DRef:
    return node(name, act=act)


def fail(b: Build) -> None:
    print("about to fail", flush=True)
    raise ValueError("as was to be expected")


def fail_with_a_cause(b: Build) -> None:
    try:
        raise KeyError("deep down")
    except KeyError as error:
        raise RuntimeError("on the surface") from error


def vanish(b: Build) -> None:
    """End the process as no program should."""
    b.make_outputs()
    print("last words", flush=True)
    os._exit(9)


def speak(b: Build) -> None:
    print("a line by python")
    os.system("echo a line by a child; echo a complaint >&2")


def program(b: Build) -> None:
    from pylightnix import build_run

    build_run(b, ["sh", "-c", "echo a line by a program"])


def wander(b: Build) -> None:
    """Leave traces in the process."""
    os.chdir("/")
    os.environ["WANDERER"] = "was here"
    sys.path.append("/wanderer")


def look_round(b: Build) -> None:
    (b.make_outputs()[0] / "seen").write_text(
        f"{os.getpid()} {os.getcwd()} {os.environ.get('WANDERER')} {'/wanderer' in sys.path}"
    )


def sleep(b: Build) -> None:
    b.make_outputs()
    print("asleep", flush=True)
    time.sleep(60)


def progress(b: Build) -> None:
    b.emit(Progress(b.dref, "half of it", 1, 2, time.monotonic()))


def inner() -> DRef:
    return node("inner")


def realize_inside(b: Build) -> None:
    """A stage that realizes another one."""
    rref: RRef = realize(instantiate(inner))
    (b.make_outputs()[0] / "inner").write_text(rref)


def other_each_time() -> DRef:
    """A stage that reads what is not an argument."""
    return node("fickle", process=os.getpid())


class Unimportable(Exception):
    """An error that cannot be copied."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("only one")

    def __reduce__(self) -> tuple[type, tuple[str]]:
        # Spelt out, since tblib, which comes with dask, teaches pickle to copy others of its kind.
        return (type(self), ("only one",))


def fail_strangely(b: Build) -> None:
    raise Unimportable(1, 2)
