"""What builders ask of the process's environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from pylightnix.engine import build as _build
from pylightnix.engine import run as _run
from pylightnix.engine.build import Build

from .ambient import environment


def build_environ(b: Build, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give an environment for child processes: this process's, with the fields of the config added.

    Texts and numbers are added as text; a DRef, `[dref, ...]` and `[selfref, ...]` as paths of the
    system; what is neither is left out.

    Args:
        b: the build.
        env: what to start from; by default the environment of this process.
    """
    return _build.build_environ(b, environment() if env is None else env)


def build_run(
    b: Build,
    argv: Sequence[str | os.PathLike[str]],
    *,
    check: bool = True,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a program to its end; its output goes to the build's log (`pylightnix log REF`).

    Args:
        b: the build.
        argv: the program and its arguments; no shell is involved.
        check: a status other than 0 is an error.
        cwd: working folder; by default that of this process.
        env: added to the environment of this process.

    Returns:
        The exit status; negative for the signal that ended it.

    Raises:
        ProgramFailed: it could not be started, or its status was not 0 and `check` is set.
    """
    return _run.build_run(b, argv, check=check, cwd=cwd, env={**environment(), **(env or {})})
