"""The how-to for authors of plugins: its example is found as it says, and works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from plugin_projects import mkdist, mkfiles
from pylightnix import instantiate, realize, rref2path, use_store
from pylightnix.cli import main
from pylightnix.core.errors import PluginError
from pylightnix.plugins import discover, matcher, stage
from pylightnix.plugins.entries import ini_text
from pylightnix.plugins.settings import mksettings, require_dynamic, settings_in
from pylightnix.store.layout import Store

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "write-a-plugin.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_is_found_as_it_says_and_works(
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = next(block for block in blocks("python") if "src/greetings" in block)
    project = mkfiles(tmp_path / "p", {"src/greetings/__init__.py": source})
    (points,) = blocks("ini")
    found = discover(str(project / "src"))
    assert ini_text(found.entries) == points

    monkeypatch.setenv("HOME", str(tmp_path))
    info = mkdist(project / "src", "greetings", {})
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(project / "src"))
    with use_store(store):
        rref = realize(instantiate(stage("card"), to="Ann"))
        assert (rref2path(rref) / "card").read_text() == "Dear Ann!"
        assert matcher("newest-card", n=2) is not None
        capsys.readouterr()
        assert main(["cards"]) == 0
        assert capsys.readouterr().out == "1\n"


def test_its_pyproject_files_are_what_the_hooks_want() -> None:
    hatch, setup = map(tomllib.loads, blocks("toml"))
    for table in (hatch, setup):
        require_dynamic(table)
    settings = settings_in(setup)
    assert settings is not None
    assert (settings.file, settings.where, settings.exclude) == ("plugins.ini", "src", ("tests",))
    hook = hatch["tool"]["hatch"]["metadata"]["hooks"]["pylightnix-plugins"]
    assert mksettings(hook, "it").file == "plugins.ini"
    with pytest.raises(PluginError, match="dynamic"):
        require_dynamic({"project": {}})
