"""The build hooks as functions; how builders call them is in test_sample_distribution.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plugin_projects import mkfiles
from pylightnix.plugins.entries import InvalidEntryPoints
from pylightnix.plugins.setuptools import finalize, write_entry_points

OURS = '[project]\nname = "x"\ndynamic = ["entry-points"]\n[tool.pylightnix.plugins]\n'
POINTS = "[shop]\na = m:A\nb = m:B\n"


def distribution(points: object = None) -> Any:
    return SimpleNamespace(entry_points=points)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return mkfiles(tmp_path, {"pyproject.toml": OURS, "plugins.ini": POINTS})


@pytest.mark.parametrize(
    "known",
    [None, {}, {"shop": ["a = m:A"]}, "[shop]\na = m:A\n"],
    ids=["none", "no", "dict", "text"],
)
def test_committed_entry_points_are_added_once(known: object, project: Path) -> None:
    dist = distribution(known)
    finalize(dist)
    finalize(dist)
    assert dist.entry_points == {"shop": ["a = m:A", "b = m:B"]}


@pytest.mark.parametrize("text", [None, "[tool", "[tool.x]\n", "[tool.pylightnix]\n"])
def test_other_projects_are_left_alone(text: str | None, project: Path) -> None:
    (project / "pyproject.toml").unlink()
    if text is not None:
        (project / "pyproject.toml").write_text(text)
    dist = distribution()
    finalize(dist)
    write_entry_points(SimpleNamespace(distribution=dist), "x", str(project / "x"))
    assert dist.entry_points is None
    assert not (project / "entry_points.txt").exists()


def test_a_project_that_would_lose_them_is_refused(project: Path) -> None:
    (project / "plugins.ini").unlink()
    with pytest.raises(InvalidEntryPoints, match="write it with `pylightnix plugins entrypoints`"):
        finalize(distribution())
    (project / "pyproject.toml").write_text(OURS.replace("dynamic", "keywords"))
    with pytest.raises(InvalidEntryPoints, match="dynamic"):
        finalize(distribution())


def test_they_are_written_again_after_scripts_took_their_place(project: Path) -> None:
    pytest.importorskip("setuptools", reason="its writer of entry points is used")
    written: list[str] = []
    command = SimpleNamespace(
        distribution=distribution({"console_scripts": ["s = m:s"]}),
        write_or_delete_file=lambda what, path, text, force: written.extend([path, text]),
    )
    write_entry_points(command, "pylightnix-plugins.txt", "meta/pylightnix-plugins.txt")
    assert written == [
        "meta/entry_points.txt",
        "[console_scripts]\ns = m:s\n\n[shop]\na = m:A\nb = m:B\n",
    ]


def test_the_hook_of_hatchling_adds_to_what_is_there(project: Path) -> None:
    pytest.importorskip("hatchling", reason="the hook is a class of its")
    from pylightnix.plugins.hatchling import PluginsHook, hatch_register_metadata_hook

    assert hatch_register_metadata_hook() is PluginsHook
    hook = PluginsHook(str(project), {"file": "plugins.ini"})
    metadata: dict[str, Any] = {"entry-points": {"other": {"c": "m:C"}}}
    hook.update(metadata)
    assert metadata["entry-points"] == {"other": {"c": "m:C"}, "shop": {"a": "m:A", "b": "m:B"}}
    with pytest.raises(InvalidEntryPoints, match="unknown settings: fil"):
        PluginsHook(str(project), {"fil": "x"}).update({})
