"""Projects on disk, and folders that stand for a path of installed distributions."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from cli.shop import Done, Run
from plugin_projects import mkdist, mkfiles
from pylightnix.cli import main
from pylightnix.plugins import Index


class Install(Protocol):
    """Puts a distribution into the folder that is on the path."""

    def __call__(
        self, name: str, points: Mapping[str, list[str]], files: Mapping[str, str] = ...
    ) -> Path: ...


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the index is kept: in nobody's own home."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def site(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on `sys.path` for distributions; what is imported from it is forgotten again."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    def put(
        name: str, points: Mapping[str, list[str]], files: Mapping[str, str] | None = None
    ) -> Path:
        mkfiles(site, files or {})
        return mkdist(site, name, points)

    return put


@pytest.fixture
def index(site: Path, tmp_path: Path) -> Index:
    """An index of that folder alone."""
    return Index([str(site)], str(tmp_path / "index.txt"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], home: Path) -> Run:
    """The program, in this process."""

    def call(*words: str) -> Done:
        capsys.readouterr()
        status = main(words)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return call
