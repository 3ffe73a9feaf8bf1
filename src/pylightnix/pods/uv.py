"""uv: which one it is, and how it is called. It resolves requirements and installs wheels."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from .failures import NoExtra


def uv_program() -> str:
    """Give the path of uv: the one that was installed beside us, or else the first on the path.

    Raises:
        NoExtra: there is none.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        found = shutil.which("uv")
        if found is None:
            raise NoExtra("uv", str(error)) from error
        return found


def uv_version() -> str:
    """Tell uv's version: it is part of what an environment depends on."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("uv")
    except PackageNotFoundError:
        status, said = run_uv(["--version"])
        return said.split()[1] if not status else "unknown"


def run_uv(words: Sequence[str], cwd: str | None = None) -> tuple[int, str]:
    """Run uv to its end; gives its status, and what it said."""
    done = subprocess.run(
        [uv_program(), *words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def sources(find_links: Sequence[str], *, wheels_only: bool) -> list[str]:
    """Say where packages come from: the folders given and nothing else, or uv's own settings."""
    words = ["--no-build"] if wheels_only else []
    if not find_links:
        return words
    return [*words, "--offline", "--no-index", *(f"--find-links={path}" for path in find_links)]
