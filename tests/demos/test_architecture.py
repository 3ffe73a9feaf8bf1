"""What ARCHITECTURE.md names is there, and its floors are those that the machine keeps."""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "pylightnix"
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
FLOORS = (
    "core",
    "imports",
    "plugins",
    "sandbox",
    "store",
    "engine",
    "executors",
    "stages",
    "api",
    "tenants",
    "pipelines",
    "ipython",
    "web",
    "cli",
)


def test_the_floors_are_those_of_the_import_linter() -> None:
    rules = ConfigParser()
    rules.read(ROOT / ".importlinter")
    kept = rules["importlinter:contract:floors"]["layers"].replace("|", "").split()
    drawn = re.findall(r"^ \d (\w+)", TEXT, re.MULTILINE)
    assert drawn == kept == list(reversed(FLOORS))


def test_every_room_in_the_picture_is_there() -> None:
    rows = re.findall(r"^ \d (\w+) +(.*?)  ", TEXT, re.MULTILINE)
    rooms = [(floor, room) for floor, found in rows for room in found.split() if room != "..."]
    assert len(rooms) > 30
    missing = [
        f"{floor}/{room}" for floor, room in rooms if not [*(PACKAGE / floor).glob(f"{room}.py")]
    ]
    assert missing == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+\.pyi?)`", TEXT))))
def test_every_file_that_is_named_is_there(path: str) -> None:
    assert (PACKAGE / path).is_file()


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(rf"`((?:{'|'.join(FLOORS)})(?:\.\w+)+)`", TEXT)))
)
def test_every_function_that_is_named_is_there(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    if (PACKAGE / f"{name.replace('.', '/')}.py").is_file():
        import_module(f"pylightnix.{name}")
    else:
        assert hasattr(import_module(f"pylightnix.{module}"), attribute)
