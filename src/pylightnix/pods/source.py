"""A stage that holds a pod: its `pod.py`, the modules beside it, and its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from hashlib import sha256

from pylightnix.core.config import mkconfig
from pylightnix.core.errors import PodError
from pylightnix.core.refs import DRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper

from .env import pod_env
from .lock import Stage

POD = "pod.py"
_LEFT_OUT = ("venv", ".venv", "__pycache__", ".git")


class NoPod(PodError):
    """There is no pod.py where a pod should be, or it changed while it was copied."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(path, cause)
        self.path, self.cause = path, cause

    def __str__(self) -> str:
        return f"{self.path} is no pod ({self.cause}): give a folder with a pod.py, or the file"


def pod(
    source: str | os.PathLike[str], env: Stage | DRef | None = None, name: str | None = None
) -> Stage:
    """Make a stage of a pod: functions that run in an environment of their own.

    Args:
        source: a folder with a `pod.py`, or one such file. Every file counts, but for
            `venv`, `.venv`, `.git` and `__pycache__`.
        env: as `pod_env` made it; by default an environment without packages.
        name: an identifier, by default the folder's or the file's; modules beside `pod.py` can be
            imported as `pods.<name>.<module>`, or plainly.

    Returns:
        A stage; see `pod_open`.

    Raises (the stage):
        NoPod: there is none.
    """
    path = os.path.abspath(source)

    def held(*, r: Registry) -> DRef:
        """Hold a pod."""
        called = pod_name(path, name)
        files = listing(path)
        made = pod_env([]) if env is None else env
        config = {
            "name": f"pod-{called}",
            "pod": called,
            "env": made(r=r) if callable(made) else made,
            "source": {inside: digest for inside, (_, digest) in files.items()},
        }
        work = partial(_copy, path, {inside: file for inside, (file, _) in files.items()})
        return register(r, mkconfig(config), match_only(), build_wrapper(work))

    return held


def pod_name(path: str, name: str | None) -> str:
    """Give the name under which a pod's modules are imported.

    Raises:
        NoPod: it is no identifier.
    """
    stem = name or os.path.basename(path).removesuffix(".py")
    if not stem.isidentifier() or not stem.isascii():
        raise NoPod(path, f"{stem!r} is no identifier; pass name=")
    return stem


def listing(path: str) -> dict[str, tuple[str, str]]:
    """List a pod's files: path inside -> path outside, and 64 hex digits of its contents."""
    if os.path.isfile(path):
        return {POD: (path, _digest(path))}
    found: dict[str, tuple[str, str]] = {}
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(inner for inner in folders if inner not in _LEFT_OUT)
        for file in sorted(files):
            full = f"{folder}/{file}"
            if file not in _LEFT_OUT and not file.endswith(".pyc") and os.path.isfile(full):
                found[os.path.relpath(full, path)] = (full, _digest(full))
    if POD not in found:
        raise NoPod(path, "there is no pod.py")
    return found


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return sha256(file.read()).hexdigest()


def _copy(path: str, files: Mapping[str, str], b: Build) -> None:
    from pylightnix.core.config import config_dict

    out = os.fspath(build_outpath(b))
    expected = config_dict(b.config)["source"]
    for inside, file in files.items():
        with open(file, "rb") as old:
            contents = old.read()
        if sha256(contents).hexdigest() != expected[inside]:
            raise NoPod(path, f"{inside} changed meanwhile")
        os.makedirs(os.path.dirname(f"{out}/{inside}"), exist_ok=True)
        with open(f"{out}/{inside}", "wb") as new:
            new.write(contents)
