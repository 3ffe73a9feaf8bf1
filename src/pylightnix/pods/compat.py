"""The interface of older pods: folders `pods/<name>`, a template, errors of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pylightnix.core.errors import InvalidValue, PodError

from .client import Pod
from .failures import RemoteError
from .offers import PodListener
from .source import POD

__all__ = (
    "FOLDER",
    "Loaded",
    "PodListener",
    "PyPodError",
    "PyPodNotFound",
    "PyPodNotStartedError",
    "PyPodResponseError",
    "folder_of",
    "make_folder",
    "needed",
)

FOLDER, REQUIREMENTS, VENV = "pods", "requirements.txt", "venv"
TEMPLATE = '''\
"""
The functions of this pod: everything in the global scope can be called by its client.
"""


# What follows is only for running this file by itself.
if __name__ == "__main__":
    from pypods.pods import PodListener

    pl = PodListener()
    msg = pl.read_stdin()
    if msg:
        try:
            pl.write_stdout(globals()[msg["name"]](*msg["args"], **msg["kwargs"]))
        except Exception as e:
            pl.write_stderr(str(e))
'''


class PyPodError(PodError):
    """Anything that goes wrong with a pod that was loaded by `PodLoader`."""


class PyPodNotFound(PyPodError):
    """There is no such pod, or its folder holds no pod.py."""

    def __init__(self, name: str, folder: str) -> None:
        super().__init__(name, folder)
        self.name, self.folder = name, folder

    def __str__(self) -> str:
        return f"there is no pod {self.name}: {self.folder} has no {POD}"


class PyPodNotStartedError(PyPodError):
    """A pod could not be started: its environment, or the import of its pod.py, failed."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(name, cause)
        self.name, self.cause = name, cause

    def __str__(self) -> str:
        return f"the pod {self.name} could not be started: {self.cause}"


class PyPodResponseError(PyPodError):
    """A function of a pod raised; the `RemoteError` with its type and traceback is the cause."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class Loaded:
    """What a loaded pod is in its client's namespace: an object with its functions."""

    def __init__(self, pod: Pod) -> None:
        for name in dir(pod):
            setattr(self, name, _calling(getattr(pod, name)))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"this pod has no function {name}: it has {sorted(vars(self))}")


def _calling(function: Any) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except RemoteError as error:
            raise PyPodResponseError(error.message) from error

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = function.__signature__  # type: ignore[attr-defined]
    return call


def folder_of(name: str, here: str) -> str:
    """Say where a pod of this name is.

    Raises:
        InvalidValue: it is no identifier.
    """
    if not (name.isidentifier() and name.isascii()):
        raise InvalidValue(f"the name of a pod must be an identifier, not {name!r:.100}")
    return f"{here}/{FOLDER}/{name}"


def make_folder(folder: str) -> None:
    """Make a pod's folder with a pod.py to fill in; nothing if the folder is there."""
    if os.path.isdir(folder):
        return
    os.makedirs(folder)
    for name, text in ((POD, TEMPLATE), (REQUIREMENTS, ""), (".gitignore", f"{VENV}\n")):
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)


def needed(folder: str) -> list[str]:
    """Give the requirements of a pod, without the listener's own package: the agent has it."""
    try:
        with open(f"{folder}/{REQUIREMENTS}", encoding="utf-8") as file:
            lines = [line.split("#")[0].strip() for line in file]
    except FileNotFoundError:
        return []
    names = [line.replace("=", " ").replace("<", " ").replace(">", " ").split() for line in lines]
    return [
        line
        for line, parts in zip(lines, names, strict=True)
        if parts and parts[0].lower() != "pypods"
    ]


def show_environment(folder: str, env: str) -> None:
    """Let `venv` in a pod's folder be its environment in the store."""
    link = f"{folder}/{VENV}"
    if os.path.islink(link):
        if os.readlink(link) == env:
            return
        os.unlink(link)
    if not os.path.lexists(link):  # an older pod's own folder stays as it is, and is not used
        os.symlink(env, link)
