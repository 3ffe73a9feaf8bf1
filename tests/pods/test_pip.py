"""Environments on a machine without uv: made by venv and pip, with the same hashes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pylightnix import BuildFailed, Store, instantiate, realize, rref2path
from pylightnix.pods import EnvFailed, NoExtra, Unlockable, pip, pod_env, pod_lock
from pylightnix.pods.installer import SlowPip
from wheels_for_tests import sdist, wheel

SCRIPT = "[console_scripts]\nshout = shouting:main\n"
SHOUTING = "import sys\n\n\ndef main():\n    print('LOUD', sys.prefix)\n"


@pytest.fixture(autouse=True)
def without_uv(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    try:
        pip.Pip().version()
    except NoExtra as error:
        pytest.skip(str(error))
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    with pytest.warns(SlowPip, match="by venv and pip"):
        yield


def made(store: Store, wheels: Path, *asked: str) -> Path:
    env = pod_env(list(asked), find_links=wheels)
    return rref2path(realize(instantiate(env, store=store)), store)


def run(*argv: str) -> str:
    env = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout


def test_pip_pins_what_uv_pins(
    current: Store, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["needy", "greet<2"]
    closure = instantiate(pod_lock(asked, find_links=wheels))
    ours = (rref2path(realize(closure)) / "requirements.lock").read_text()
    monkeypatch.undo()
    theirs = realize(closure, force_rebuild=True)
    assert (rref2path(theirs) / "requirements.lock").read_text() == ours
    assert ours.count("--hash=sha256:") == 2


def test_an_environment_by_pip_holds_what_the_lock_says(current: Store, wheels: Path) -> None:
    env = made(current, wheels, "needy")
    say = "import needy, greet, sys; print(greet.VERSION, sys.prefix)"
    assert run(f"{env}/bin/python", "-I", "-c", say) == f"1.0 {env}\n"
    assert not list(env.rglob("pip"))


def test_it_is_the_same_to_the_byte_at_two_places_and_names_neither(
    tmp_path: Path, wheels: Path
) -> None:
    files = {"shouting.py": SHOUTING, "shouting-1.dist-info/entry_points.txt": SCRIPT}
    wheel(wheels, "shouting", "1", files)
    stores = [
        Store.open(tmp_path / name, create=True, durability="none")
        for name in ("one", "another/and/longer" * 9)
    ]
    one, other = (made(store, wheels, "needy", "shouting") for store in stores)
    assert one.name == other.name  # which is the hash of all its entries
    for path in one.rglob("*"):
        inside = not path.is_symlink() and path.is_file() and ".pylightnix" not in path.parts
        assert not inside or str(tmp_path).encode() not in path.read_bytes(), path
    assert any(path.suffix == ".pyc" for path in one.rglob("*"))
    for env in (one, other):
        assert run(f"{env}/bin/shout") == f"LOUD {env}\n"


def test_a_file_that_has_another_hash_is_not_installed(current: Store, wheels: Path) -> None:
    lock = f"greet==1.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(BuildFailed, match="pip could not install packages") as caught:
        realize(instantiate(pod_env(lock, find_links=wheels)))
    assert isinstance(caught.value.__cause__, EnvFailed)
    assert "HASHES" in caught.value.__cause__.words.upper()


def test_what_pip_cannot_meet_is_said_in_its_words(current: Store, wheels: Path) -> None:
    with pytest.raises(BuildFailed, match="No matching distribution found for greet>7") as caught:
        realize(instantiate(pod_lock(["greet>7"], find_links=wheels)))
    assert isinstance(caught.value.__cause__, Unlockable)


def test_another_installer_is_another_environment(
    current: Store, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closure = instantiate(pod_env([]))
    monkeypatch.undo()
    assert instantiate(pod_env([])).targets != closure.targets


def test_without_either_the_error_names_the_extra(
    current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> tuple[str, str]:
        raise NoExtra("uv", "uv is not installed, and there is no pip")

    monkeypatch.setattr(pip, "_pip", missing)
    with pytest.raises(NoExtra, match=r"Install pylightnix\[pods\]"):
        instantiate(pod_env([]))
    assert os.environ["PATH"] == ""


@pytest.mark.parametrize("by_place", [False, True])
def test_where_only_wheels_are_wanted_pip_builds_nothing(
    by_place: bool, current: Store, tmp_path: Path
) -> None:
    path = sdist(tmp_path / "sources", tmp_path / "was-built")
    asked = [f"builds @ {path.as_uri()}" if by_place else "builds"]
    with pytest.raises(BuildFailed):
        realize(instantiate(pod_lock(asked, find_links=path.parent, wheels_only=True)))
    assert not (tmp_path / "was-built").exists()
    with pytest.raises(BuildFailed):
        realize(instantiate(pod_lock(asked, find_links=path.parent)))
    assert (tmp_path / "was-built").exists()
