"""uv: which one it is, and how it locks requirements and installs what a lock says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from .failures import NoExtra


class Uv:
    """Environments by uv."""

    name = "uv"

    def __init__(self, wheels_only: bool = False) -> None:
        self._only = ["--no-build"] if wheels_only else []

    def version(self) -> str:
        """Tell its version: it is part of what an environment depends on."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("uv")
        except PackageNotFoundError:
            status, said = run([uv_program(), "--version"])
            return said.split()[1] if not status else "unknown"

    def find(self, wanted: str) -> tuple[int, str]:
        """Find an interpreter; its path is what is said last."""
        words = ["python", "find", "--no-project", "--no-python-downloads", "--system", wanted]
        return run([uv_program(), *words])

    def lock(self, python: str, folders: Sequence[str], asked: str, lock: str) -> tuple[int, str]:
        """Pin what a file asks for."""
        words = ["pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate"]
        words += ["--no-emit-find-links", "--no-emit-index-url", "--no-python-downloads"]
        words += ["--python", python, *self._only, *sources(folders), "--output-file", lock, asked]
        return run([uv_program(), *words])

    def prepare(self, python: str, out: str) -> tuple[int, str]:
        """Make an environment without packages."""
        words = ["venv", "--quiet", "--relocatable", "--allow-existing", "--no-project"]
        return run([uv_program(), *words, "--no-python-downloads", "--python", python, out])

    def install(self, out: str, folders: Sequence[str], lock: str) -> tuple[int, str]:
        """Install what a lock says: copies, as a link into a cache would be a hole in the store."""
        words = ["pip", "sync", "--quiet", "--python", f"{out}/bin/python", "--require-hashes"]
        words += ["--link-mode", "copy", "--no-compile-bytecode", *self._only]
        return run([uv_program(), *words, *sources(folders), lock])


def found() -> bool:
    """Tell whether uv is installed."""
    try:
        uv_program()
    except NoExtra:
        return False
    return True


def uv_program() -> str:
    """Give the path of uv: the one that was installed beside us, or else the first on the path.

    Raises:
        NoExtra: there is none.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        path = shutil.which("uv")
        if path is None:
            raise NoExtra("uv", str(error)) from error
        return path


def run(argv: Sequence[str]) -> tuple[int, str]:
    """Run a program to its end; gives its status, and what it said."""
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def sources(find_links: Sequence[str]) -> list[str]:
    """Say where packages come from: the folders given and nothing else, or uv's own settings."""
    if not find_links:
        return []
    return ["--offline", "--no-index", *(f"--find-links={folder}" for folder in find_links)]
