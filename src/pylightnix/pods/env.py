"""A stage that makes an environment out of a lock, the same at every place.

uv installs copies, never links into its cache, which others may change. What it notes about this
machine's day and paths is taken out, and byte code is made in a form that says nothing of either.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from functools import partial

from pylightnix.core.config import mkconfig
from pylightnix.core.errors import InvalidValue, PodError
from pylightnix.core.refs import DRef, isdref
from pylightnix.engine.build import Build, build_outpath, build_path, build_wrapper
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register

from .interpreter import Interpreter, find_interpreter
from .lock import LOCK, Stage, link_folders, pod_lock
from .uv import run_uv, sources, uv_version

# What uv writes beside packages, and that differs from day to day.
_NOTES = (".lock", ".gitignore", "CACHEDIR.TAG")
_DATED = ("uv_cache.json", "direct_url.json")


class EnvFailed(PodError):
    """An environment could not be made of its lock."""

    def __init__(self, step: str, words: str) -> None:
        super().__init__(step, words)
        self.step, self.words = step, words

    def __str__(self) -> str:
        return f"the environment could not be made; `{self.step}` says:\n{self.words}"


def pod_env(
    requirements: str | Iterable[str] | Stage | DRef,
    python: str | os.PathLike[str] | None = None,
    find_links: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    *,
    wheels_only: bool = False,
) -> Stage:
    """Make a stage of a Python environment that has certain packages.

    It depends on the lock's contents, the interpreter (version, ABI, platform, its program's hash)
    and the version of uv, and on nothing else.

    Args:
        requirements: a lock: a stage that `pod_lock` made, its DRef, or the text of one, with
            hashes. Or requirements, which are locked first.
        python: a path or a version; by default the interpreter that runs this.
        find_links: folders of wheels; then nothing else is asked, and no network is used.
        wheels_only: whether packages that have no wheel are refused. To make one of its source runs
            the code of its author, with all that this process may do.

    Returns:
        A stage; its artifact is the environment: `bin/python`, `lib`, `pyvenv.cfg`.

    Raises (the stage):
        NoInterpreter: there is no such Python.
        NoExtra: uv is not installed.
    Raises (its builder):
        EnvFailed: uv could not install what the lock says; it says why.

    Concept: an environment as a value, known by what it is made from (Dolstra 2006, chapter 2).
    """
    folders = link_folders(find_links)
    lock = _lock_of(requirements, python, folders, wheels_only)

    def env(*, r: Registry) -> DRef:
        """Make an environment."""
        found = find_interpreter(python)
        pinned = lock(r=r) if callable(lock) else lock
        config = {
            "name": "pod-env",
            "lock": pinned,
            "python": found.identity,
            "uv": uv_version(),
        }
        work = partial(_make, found, sources(folders, wheels_only=wheels_only))
        return register(r, mkconfig(config), match_only(), build_wrapper(work))

    return env


def _lock_of(
    requirements: str | Iterable[str] | Stage | DRef,
    python: str | os.PathLike[str] | None,
    folders: Sequence[str],
    wheels_only: bool,
) -> Stage | str:
    if callable(requirements) or isdref(requirements):
        return requirements  # type: ignore[return-value]
    if isinstance(requirements, str) and "--hash=" in requirements:
        return requirements
    if not isinstance(requirements, Iterable):
        raise InvalidValue(f"pod_env takes requirements or a lock, not {requirements!r:.100}")
    return pod_lock(requirements, python, folders, wheels_only=wheels_only)


def _make(python: Interpreter, where: Sequence[str], b: Build) -> None:
    """Make the environment in the output folder."""
    out = os.fspath(build_outpath(b))
    text = _lock_text(b)
    _uv(["venv", "--quiet", "--relocatable", "--allow-existing", *_exactly(python), out])
    if text.strip():
        lock = f"{out}/{LOCK}"
        with open(lock, "w", encoding="utf-8") as file:
            file.write(text)
        words = ["pip", "sync", "--quiet", "--python", f"{out}/bin/python", "--require-hashes"]
        words += ["--link-mode", "copy", "--no-compile-bytecode", *where, lock]
        _uv(words)
        os.unlink(lock)
    forget_the_day(out)
    if tuple(map(int, python.version.split(".")[:2])) >= (3, 9):
        words = ["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        # Not checked: packages hold files for other versions, which never compile.
        subprocess.run(
            [python.path, *words, "-s", out, "-p", "/pod", f"{out}/lib"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )


def _lock_text(b: Build) -> str:
    from pylightnix.core.config import config_dict

    lock = config_dict(b.config)["lock"]
    if not isdref(lock):
        return str(lock)
    with open(build_path(b, [DRef(lock), LOCK]), encoding="utf-8") as file:
        return file.read()


def _exactly(python: Interpreter) -> list[str]:
    return ["--no-project", "--no-python-downloads", "--python", python.path]


def _uv(words: list[str]) -> None:
    status, said = run_uv(words)
    if status:
        raise EnvFailed("uv " + " ".join(words[:2]), said.strip())


def forget_the_day(out: str) -> None:
    """Take out what tells when and where an environment was made."""
    for name in _NOTES:
        if os.path.lexists(f"{out}/{name}"):
            os.unlink(f"{out}/{name}")
    for folder, _, files in os.walk(f"{out}/lib"):
        dated = [name for name in files if name in _DATED and folder.endswith(".dist-info")]
        for name in dated:
            os.unlink(f"{folder}/{name}")
        if dated and "RECORD" in files:
            _unlist(f"{folder}/RECORD", dated)


def _unlist(record: str, names: Sequence[str]) -> None:
    with open(record, encoding="utf-8") as file:
        lines = file.readlines()
    kept = [line for line in lines if line.split(",")[0].rpartition("/")[2] not in names]
    with open(record, "w", encoding="utf-8") as file:
        file.writelines(kept)
