"""Folders of pipelines, written down in the tests."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

import pytest

Write: TypeAlias = Callable[[dict[str, str]], Path]


@pytest.fixture(autouse=True)
def yaml_is_here() -> None:
    """Skip where PyYAML is missing."""
    if find_spec("yaml") is None:
        pytest.skip("PyYAML is not installed: pip install 'pylightnix[pipelines]'")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files below a folder; gives the folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip(), encoding="utf-8")
        return tmp_path

    return write
