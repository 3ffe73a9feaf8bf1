"""venv and pip, for machines without uv: the same environments, in several times as long."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from .failures import NoExtra
from .uv import run

_OLDEST = (22, 3)  # knows of --python, and of --report
# How uv starts the scripts of an environment that may be moved.
_MOVABLE = b"""#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
' '''
"""
_QUIET = ["--quiet", "--disable-pip-version-check", "--no-input"]


class Pip:
    """Environments by venv and pip."""

    name = "pip"

    def __init__(self, wheels_only: bool = False) -> None:
        self._only = ["--only-binary=:all:"] if wheels_only else []

    def version(self) -> str:
        """Tell its version: it is part of what an environment depends on."""
        return _pip()[1]

    def find(self, wanted: str) -> tuple[int, str]:
        """Find an interpreter; its path is what is said last."""
        path = shutil.which(f"python{wanted}") or shutil.which(wanted)
        return (0, path) if path else (1, f"no python{wanted} is on the path")

    def lock(self, python: str, folders: Sequence[str], asked: str, lock: str) -> tuple[int, str]:
        """Pin what a file asks for, each package by the one file that is for this interpreter."""
        report = f"{lock}.json"
        words = ["install", *_QUIET, "--dry-run", "--ignore-installed", "--report", report]
        status, said = self._taken(python, asked, [*words, *_sources(folders)])
        if not status:
            with open(report, encoding="utf-8") as file:
                lines = sorted(_pinned(json.load(file)["install"]))
            os.unlink(report)
            with open(lock, "w", encoding="utf-8") as file:
                file.writelines(lines)
        return status, said

    def prepare(self, python: str, out: str) -> tuple[int, str]:
        """Make an environment without packages, that may be moved."""
        made = run([python, "-I", "-m", "venv", "--without-pip", "--symlinks", out])
        if not made[0]:
            for name in os.listdir(f"{out}/bin"):
                if name.lower().startswith("activate"):
                    os.unlink(f"{out}/bin/{name}")  # names this place
            with open(f"{out}/pyvenv.cfg", encoding="utf-8") as file:
                lines = [line for line in file if not line.startswith(("command", "executable"))]
            with open(f"{out}/pyvenv.cfg", "w", encoding="utf-8") as file:
                file.writelines(lines)
        return made

    def install(self, out: str, folders: Sequence[str], lock: str) -> tuple[int, str]:
        """Install what a lock says, and nothing that it does not say."""
        words = ["install", *_QUIET, "--require-hashes", "--no-deps", "--no-compile"]
        words += ["--no-warn-script-location", *_sources(folders)]
        python = f"{out}/bin/python"
        made = self._taken(python, lock, words)
        if not made[0]:
            scripts = set(_freed_scripts(f"{out}/bin", python))
            for folder, _, files in os.walk(f"{out}/lib"):
                if "RECORD" in files and folder.endswith(".dist-info"):
                    _without_digests(f"{folder}/RECORD", scripts)
        return made

    def _taken(self, python: str, asked: str, words: Sequence[str]) -> tuple[int, str]:
        if self._only:  # pip builds what is named by its place, whatever it was told
            with open(asked, encoding="utf-8") as file:
                places = [line.strip() for line in file if "@" in line or "/" in line]
            if places:
                return 1, f"only wheels are wanted, and no places: {', '.join(places)}"
        argv = [_pip()[0], "-I", "-m", "pip", "--python", python, *words]
        return run([*argv, *self._only, "-r", asked])


@lru_cache(maxsize=1)
def _pip() -> tuple[str, str]:
    """An interpreter that has pip, and the version of that."""
    bases = (sys.executable, getattr(sys, "_base_executable", sys.executable))
    for python in dict.fromkeys(bases):
        status, said = run([python, "-I", "-m", "pip", "--version"])
        match = re.match(r"pip (\d+)\.(\d+)\S*", said)
        if not status and match and (int(match[1]), int(match[2])) >= _OLDEST:
            return python, match[0].split()[1]
    wanted = ".".join(map(str, _OLDEST))
    raise NoExtra("uv", f"uv is not installed, and {sys.executable} has no pip {wanted} or later")


def _sources(folders: Sequence[str]) -> list[str]:
    return ["--no-index", *(f"--find-links={folder}" for folder in folders)] if folders else []


def _pinned(packages: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The lines of a lock."""
    for package in packages:
        about, source = package["metadata"], package["download_info"]
        name = re.sub(r"[-_.]+", "-", about["name"]).lower()
        pin = f"{name} @ {source['url']}" if package.get("is_direct") else None
        digest = source.get("archive_info", {}).get("hashes", {}).get("sha256")
        digest = digest or _digest(source["url"])
        yield f"{pin or name + '==' + about['version']} \\\n    --hash=sha256:{digest}\n"


def _digest(url: str) -> str:
    """The hash of a local file: pip reports none of these."""
    from hashlib import sha256
    from urllib.parse import unquote, urlsplit

    with open(unquote(urlsplit(url).path), "rb") as file:
        return sha256(file.read()).hexdigest()


def _freed_scripts(folder: str, python: str) -> Iterator[str]:
    """Let scripts find the interpreter beside them; gives their names."""
    first = f"#!{python}".encode()
    for name in os.listdir(folder):
        path = f"{folder}/{name}"
        if os.path.islink(path):
            continue
        with open(path, "rb") as file:
            line, rest = file.readline(), file.read()
        # pip writes what is too long for a first line as a script of the shell, in three.
        if line.startswith(first) or (line == b"#!/bin/sh\n" and first[2:] in rest[:4096]):
            if line == b"#!/bin/sh\n":
                rest = rest.split(b"\n", 2)[2]
            with open(path, "wb") as file:
                file.write(_MOVABLE + rest)
            yield name


def _without_digests(record: str, scripts: set[str]) -> None:
    """Take out what a list of files says of scripts that were changed."""
    with open(record, encoding="utf-8") as file:
        lines = file.readlines()
    with open(record, "w", encoding="utf-8") as file:
        for line in lines:
            path = line.split(",")[0]
            changed = "/bin/" in path and path.rpartition("/")[2] in scripts
            file.write(f"{path},,\n" if changed else line)
