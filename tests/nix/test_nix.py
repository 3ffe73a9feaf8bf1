"""The Nix files parse, evaluate against a stub of nixpkgs, and agree with pyproject.toml."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

Nix: TypeAlias = Callable[..., str]

pytestmark = pytest.mark.skipif(
    shutil.which("nix-instantiate") is None,
    reason="there is no nix-instantiate here (on Debian: apt-get install nix-bin)",
)


@pytest.fixture
def nix(tmp_path: Path) -> Nix:
    """`nix-instantiate` with a store and a state of its own: any user, no daemon, nothing left."""
    rooms = {f"NIX_{kind}_DIR": str(tmp_path / kind) for kind in ("STORE", "STATE", "LOG", "CONF")}
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **rooms}

    def run(*arguments: str) -> str:
        command = ["nix-instantiate", *arguments]
        done = subprocess.run(command, cwd=HERE, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def evaluated(nix: Nix, file: str, attribute: str) -> object:
    stub = ("--arg", "pkgs", "import ./stub.nix")
    text = nix("--eval", "--strict", "--json", *stub, "-A", attribute, str(ROOT / file))
    value: object = json.loads(text)
    return value


def names(requirements: list[str]) -> set[str]:
    """The distributions that are asked for; of our own, those that its extras ask for."""
    found: set[str] = set()
    for requirement in requirements:
        name, _, extras = requirement.partition("[")
        if name == PROJECT["name"]:
            for extra in extras.rstrip("]").split(","):
                found |= names(PROJECT["optional-dependencies"][extra])
        else:
            found.add(re.split(r"[^A-Za-z0-9_-]", requirement, maxsplit=1)[0].lower())
    return found


@pytest.mark.parametrize("file", ["default.nix", "shell.nix"])
def test_it_parses(nix: Nix, file: str) -> None:
    assert "pkgs" in nix("--parse", str(ROOT / file))


def test_what_the_package_needs_to_run_is_what_pyproject_says(nix: Nix) -> None:
    dependencies = evaluated(nix, "default.nix", "dependencies")
    assert isinstance(dependencies, list)
    assert set(dependencies) == names(PROJECT["dependencies"])


def test_name_version_and_program_are_those_of_pyproject(nix: Nix) -> None:
    assert evaluated(nix, "default.nix", "pname") == PROJECT["name"]
    assert evaluated(nix, "default.nix", "version") == PROJECT["version"]
    assert evaluated(nix, "default.nix", "meta.mainProgram") in PROJECT["scripts"]


def test_an_environment_in_the_checkout_is_not_part_of_the_source(nix: Nix) -> None:
    source_taken, environment_taken = True, False
    assert evaluated(nix, "default.nix", "src") == [source_taken, environment_taken]


def test_the_shell_has_the_package_and_every_tool_of_the_dev_extra(nix: Nix) -> None:
    packages = evaluated(nix, "shell.nix", "packages")
    assert isinstance(packages, list)
    package, *tools = packages[0]
    assert package["pname"] == PROJECT["name"]
    assert set(tools) == names(PROJECT["optional-dependencies"]["dev"])
