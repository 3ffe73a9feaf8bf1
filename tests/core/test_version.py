"""One version, in two places."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pylightnix
from pylightnix.core.version import VERSION


def test_the_library_and_its_package_agree_on_the_version() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == VERSION
    assert pylightnix.__version__ == VERSION
