"""Imports of a whole process that look into a folder first."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from pylightnix.imports.loading import found_first


def imported(folder: Path, name: str) -> object:
    """Import a module of a folder, and forget it again."""
    with found_first(str(folder)):
        try:
            return importlib.import_module(name).MARK
        finally:
            for known in [each for each in sys.modules if each.partition(".")[0] == "beside_it"]:
                del sys.modules[known]


@pytest.mark.parametrize("name", ["beside_it", "beside_it.inner"])
def test_two_versions_of_one_second_are_not_taken_for_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / "beside_it").mkdir()
    (tmp_path / "beside_it" / "__init__.py").touch()
    path = tmp_path.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for mark in ("one", "two"):
        path.write_text(f"MARK = {mark!r}")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        assert imported(tmp_path, name) == mark


def test_afterwards_all_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("MARK = 1")
    before = list(sys.path), list(sys.path_hooks), dict(sys.path_importer_cache)
    assert imported(tmp_path, "beside_it") == 1
    assert (list(sys.path), list(sys.path_hooks)) == before[:2]
    assert not [path for path in sys.path_importer_cache if path.startswith(str(tmp_path))]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("beside_it")
