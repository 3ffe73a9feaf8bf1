"""The sample project in demos/: installed, used from Python and from the shell, and removed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_projects import ROOT, Environment, mkenvironment, settle

USE = """
import json
from pylightnix import (build_outpath, build_wrapper, instantiate, mkconfig, mkdrv, realize,
                        rref2path, store_initialize)
from pylightnix.plugins import matcher, stage

letter = realize(instantiate(stage("letter"), to="Bob"))

def notes(r, length):
    def write(build):
        (build_outpath(build) / "letter.txt").write_text("x" * length)
    return mkdrv(mkconfig({"name": "notes"}), matcher("shortest"), build_wrapper(write), r)

for length in (3, 1, 2):
    best = realize(instantiate(notes, length=length), force_rebuild=True)
print(json.dumps([(rref2path(letter) / "letter.txt").read_text(),
                  (rref2path(best) / "letter.txt").read_text()]))
"""
MISSING = """
from pylightnix.plugins import NoSuchPlugin, matcher, stage

for missing in (lambda: stage("letter"), lambda: matcher("shortest")):
    try:
        missing()
    except NoSuchPlugin as error:
        print(error)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    yield mkenvironment(tmp_path_factory.mktemp("demo") / "env")


def copied(folder: Path) -> Path:
    skipped = shutil.ignore_patterns("__pycache__", "build", "dist")
    return Path(shutil.copytree(ROOT / "demos" / "plugin", folder / "plugin", ignore=skipped))


@pytest.mark.slow
def test_its_plugins_ini_is_up_to_date(environment: Environment, tmp_path: Path) -> None:
    environment.cli("plugins", "check", copied(tmp_path))


@pytest.mark.slow
def test_it_works_and_when_it_is_gone_the_store_is_unharmed(
    environment: Environment, tmp_path: Path
) -> None:
    cli = environment.cli
    assert cli("letters", "Ann", check=False).returncode == 2
    environment.install(copied(tmp_path))

    cli("init")
    assert "letters" in cli("--help").stdout
    assert "Print all letters" in cli("letters", "--help").stdout
    assert cli("letters", check=False).returncode == 1
    rref = cli("realize", "plugin:letter", "to=Ann").stdout.strip()
    assert cli("letters", "Ann").stdout == "Dear Ann,\nall is well.\n"
    told = environment.run("-c", USE).stdout
    assert json.loads(told) == ["Dear Bob,\nall is well.\n", "x"]
    assert cli("letters").stdout == "Dear Ann,\nall is well.\n\nDear Bob,\nall is well.\n"
    assert cli("plugins", "doctor").stdout.splitlines()[-1] == "all is well"

    settle(environment.site)
    cli("plugins", "list")
    environment.pip("uninstall", "-q", "-y", "pylightnix-paperwork")

    gone = "the distribution pylightnix-paperwork 1.0 had it"
    lost = cli("letters", "Ann", check=False)
    assert (lost.returncode, lost.stdout) == (3, "")
    assert gone in lost.stderr
    lost = cli("realize", "plugin:letter", "to=Ann", check=False)
    assert lost.returncode == 3
    assert gone in lost.stderr
    assert environment.run("-c", MISSING).stdout.count(gone) == 2
    assert "gone" in cli("plugins", "doctor").stdout
    cli("verify")
    assert cli("cat", rref, "letter.txt").stdout == "Dear Ann,\nall is well.\n"
    assert "commands of plugins" not in cli("--help").stdout
