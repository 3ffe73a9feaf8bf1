"""Which program makes environments: uv, or pip where there is no uv."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Protocol

from . import uv


class SlowPip(UserWarning):
    """There is no uv: environments are made by venv and pip."""


class Installer(Protocol):
    """A program that locks and installs; what it does gives its status, and what it said."""

    name: str

    def version(self) -> str: ...

    def find(self, wanted: str) -> tuple[int, str]: ...

    def lock(
        self, python: str, folders: Sequence[str], asked: str, lock: str
    ) -> tuple[int, str]: ...

    def prepare(self, python: str, out: str) -> tuple[int, str]: ...

    def install(self, out: str, folders: Sequence[str], lock: str) -> tuple[int, str]: ...


def installer(wheels_only: bool = False) -> Installer:
    """Give the best that is here.

    Args:
        wheels_only: whether it refuses to build packages.

    Raises:
        NoExtra: there is neither (when it is used).

    Effects: warns (`SlowPip`) where there is no uv.
    """
    if uv.found():
        return uv.Uv(wheels_only)
    from .pip import Pip

    warnings.warn(
        "uv is not installed: environments are made by venv and pip, which takes several times "
        "as long. Install pylightnix[pods], or uv",
        SlowPip,
        stacklevel=3,
    )
    return Pip(wheels_only)
