"""A stage that makes an environment out of a lock, the same at every place.

uv (or pip, where there is no uv) installs copies, never links into its cache, which others may
change. What it notes about this machine's day and paths is taken out, and byte code is made in a
form that says nothing of either.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from pylightnix.core.config import mkconfig
from pylightnix.core.errors import InvalidValue, PodError
from pylightnix.core.refs import DRef, isdref
from pylightnix.engine.build import Build, build_outpath, build_path
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper

from .installer import Installer, installer
from .interpreter import Interpreter, find_interpreter
from .lock import LOCK, Stage, link_folders, pod_lock

# What uv writes beside packages, and that differs from day to day.
_NOTES = (".lock", ".gitignore", "CACHEDIR.TAG")
_DATED = ("uv_cache.json", "direct_url.json")
# What does not compile is left: packages hold files for other versions.
_COMPILE = """\
import compileall, py_compile, sys
if sys.stdin.read():
    compileall.compile_dir(
        sys.argv[1] + "/lib", quiet=2, stripdir=sys.argv[1], prependdir="/pod",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
"""


class EnvFailed(PodError):
    """An environment could not be made of its lock."""

    def __init__(self, program: str, step: str, words: str) -> None:
        super().__init__(program, step, words)
        self.program, self.step, self.words = program, step, words

    def __str__(self) -> str:
        return f"{self.program} could not {self.step}; it says:\n{self.words}"


def pod_env(
    requirements: str | Iterable[str] | Stage | DRef,
    python: str | os.PathLike[str] | None = None,
    find_links: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    *,
    wheels_only: bool = False,
) -> Stage:
    """Make a stage of a Python environment that has certain packages.

    It depends on the lock's contents, the interpreter (version, ABI, platform, its program's hash)
    and the version of uv (or pip, where there is no uv), and on nothing else.

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
        NoExtra: neither uv nor pip is installed.
    Raises (its builder):
        EnvFailed: what the lock says could not be installed; the error says why.

    Effects: warns (`SlowPip`) where there is no uv.
    Concept: an environment as a value, known by what it is made from (Dolstra 2006, chapter 2).
    """
    folders = link_folders(find_links)
    lock = _lock_of(requirements, python, folders, wheels_only)

    def env(*, r: Registry) -> DRef:
        """Make an environment."""
        found = find_interpreter(python)
        pinned = lock(r=r) if callable(lock) else lock
        program = installer(wheels_only)
        config = {
            "name": "pod-env",
            "lock": pinned,
            "python": found.identity,
            program.name: program.version(),
        }
        work = partial(_make, found, folders, program)
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


def _make(python: Interpreter, folders: Sequence[str], program: Installer, b: Build) -> None:
    """Make the environment in the output folder."""
    out = os.fspath(build_outpath(b))
    text = _lock_text(b)
    with _byte_code(python, out):
        _well(program, "make an environment", program.prepare(python.path, out))
        if text.strip():
            lock = f"{out}/{LOCK}"
            with open(lock, "w", encoding="utf-8") as file:
                file.write(text)
            _well(program, "install packages", program.install(out, folders, lock))
            os.unlink(lock)
        forget_the_day(out)


@contextmanager
def _byte_code(python: Interpreter, out: str) -> Iterator[None]:
    """Have byte code made at the end of the block; its interpreter starts meanwhile."""
    if tuple(map(int, python.version.split(".")[:2])) < (3, 9):
        yield
        return
    argv, null = [python.path, "-I", "-c", _COMPILE, out], subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=null, stderr=null) as process:
        yield
        process.communicate(b"go")  # after an error it reads nothing, and does nothing


def _lock_text(b: Build) -> str:
    from pylightnix.core.config import config_dict

    lock = config_dict(b.config)["lock"]
    if not isdref(lock):
        return str(lock)
    with open(build_path(b, [DRef(lock), LOCK]), encoding="utf-8") as file:
        return file.read()


def _well(program: Installer, step: str, ended: tuple[int, str]) -> None:
    if ended[0]:
        raise EnvFailed(program.name, step, ended[1].strip())


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
