"""A stage that pins requirements: exact versions with the hashes of their files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from pylightnix.core.config import mkconfig
from pylightnix.core.errors import InvalidValue, PodError
from pylightnix.core.refs import DRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.matchers import match_latest
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper
from pylightnix.store.ingest import hash_path

from .installer import installer
from .interpreter import Interpreter, find_interpreter

Stage: TypeAlias = Callable[..., DRef]
LOCK, ASKED = "requirements.lock", "requirements.in"


class Unlockable(PodError):
    """Requirements that no set of packages meets, or that cannot be read."""

    def __init__(self, requirements: tuple[str, ...], program: str, words: str) -> None:
        super().__init__(requirements, program, words)
        self.requirements, self.program, self.words = requirements, program, words

    def __str__(self) -> str:
        return (
            f"{', '.join(self.requirements)} cannot be locked; {self.program} says:\n{self.words}"
        )


def pod_lock(
    requirements: str | Iterable[str],
    python: str | os.PathLike[str] | None = None,
    find_links: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    *,
    wheels_only: bool = False,
) -> Stage:
    """Make a stage that pins requirements, with all that they need in turn.

    What it finds today is kept: the same requirements give the same lock until the stage is built
    again with `force_rebuild`. With folders of wheels their contents count as well.

    Args:
        requirements: as in a requirements file: a text of lines, or a list of them.
        python: of the environment: a path or a version; by default the one that runs this.
        find_links: folders of wheels; then nothing else is asked, and no network is used.
        wheels_only: whether packages that have no wheel are refused. To make one of its source runs
            the code of its author, with all that this process may do.

    Returns:
        A stage; its artifact is the file `requirements.lock`.

    Raises (the stage):
        NoInterpreter: there is no such Python.
    Raises (its builder):
        Unlockable: uv (or pip, where there is no uv) cannot read or meet the requirements; it says
            why.
        NoExtra: neither is installed.

    Effects: warns (`SlowPip`) where there is no uv.
    """
    lines, folders = requirement_lines(requirements), link_folders(find_links)

    def lock(*, r: Registry) -> DRef:
        """Pin requirements."""
        found = find_interpreter(python)
        identity = {key: found.identity[key] for key in ("version", "abi", "platform")}
        wheels = [hash_path(r.store, folder) for folder in folders]
        # Where it may build, what it finds can be another version.
        more = {"wheels_only": True} if wheels_only else {}
        asked = {"name": "pod-lock", "requirements": lines, "python": identity, "wheels": wheels}
        work = partial(_lock, lines, found, folders, wheels_only)
        return register(r, mkconfig({**asked, **more}), match_latest(), build_wrapper(work))

    return lock


def requirement_lines(requirements: str | Iterable[str]) -> list[str]:
    """Give the lines that say something, each once, in order of the alphabet.

    Raises:
        InvalidValue: an option is among them.
    """
    lines = requirements.splitlines() if isinstance(requirements, str) else list(requirements)
    if not all(isinstance(line, str) for line in lines):
        raise InvalidValue(f"requirements are texts, not {requirements!r:.100}")
    said = {line.split(" #")[0].strip() for line in lines}
    options = sorted(line for line in said if line.startswith("-"))
    if options:
        raise InvalidValue(f"requirements hold options ({', '.join(options)}): leave them out")
    return sorted(line for line in said if line and not line.startswith("#"))


def link_folders(
    find_links: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> list[str]:
    """Give absolute paths of folders with wheels."""
    one = isinstance(find_links, (str, os.PathLike))
    folders: Iterable[str | os.PathLike[str]] = [find_links] if one else find_links  # type: ignore[list-item,assignment]
    return [os.path.abspath(folder) for folder in folders]


def _lock(
    lines: Sequence[str],
    python: Interpreter,
    folders: Sequence[str],
    wheels_only: bool,
    b: Build,
) -> None:
    out = os.fspath(build_outpath(b))
    asked, lock = f"{out}/{ASKED}", f"{out}/{LOCK}"
    with open(asked, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    if not lines:
        open(lock, "w", encoding="utf-8").close()
        return
    program = installer(wheels_only)
    status, said = program.lock(python.path, folders, asked, lock)
    if status:
        raise Unlockable(tuple(lines), program.name, said.strip())
