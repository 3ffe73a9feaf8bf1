"""The reference lists what is published, all of it and nothing else."""

from __future__ import annotations

import re
from argparse import _SubParsersAction
from inspect import signature
from pathlib import Path

import pytest

import pylightnix
from pylightnix import plugins, tenants
from pylightnix.cli.parser import make_parser

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
API = (REFERENCE / "api.md").read_text(encoding="utf-8")
CALLS: dict[str, str] = dict(re.findall(r"^\| `(\w+)\(([^`]*)\)`", API, re.MULTILINE))


def test_every_published_name_has_its_line_and_only_one() -> None:
    assert sorted(re.findall(r"^\| `(\w+)", API, re.MULTILINE)) == sorted(pylightnix.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_the_arguments_shown_are_those_of_the_function(name: str) -> None:
    shown = [part.partition("=")[0] for part in CALLS[name].split(", ") if part not in ("", "...")]
    taken = list(signature(getattr(pylightnix, name)).parameters)
    assert shown == [parameter for parameter in taken if parameter in shown]
    assert taken[: len(shown)] == shown or "=" in CALLS[name]


def test_every_name_of_plugins_has_its_line_and_only_one() -> None:
    page = (REFERENCE / "plugins.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)", page, re.MULTILINE)) == sorted(plugins.__all__)


def test_every_name_of_tenants_has_its_line_and_only_one() -> None:
    page = (REFERENCE / "tenants.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)", page, re.MULTILINE)) == sorted(tenants.__all__)


def test_every_command_has_its_line_and_only_one() -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^## Commands\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    actions = make_parser()._actions
    (commands,) = [action for action in actions if isinstance(action, _SubParsersAction)]
    assert sorted(re.findall(r"^\| `([\w-]+)", table, re.MULTILINE)) == sorted(commands.choices)
