"""A store with something in it, made anew for each test, and the program as a function."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.shop import Done, Run, Shop, open_shop
from pylightnix.cli import main


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that names a store which is not there yet."""
    root = tmp_path / "root"
    monkeypatch.setenv("PYLIGHTNIX_ROOT", str(root))
    monkeypatch.setenv("PYLIGHTNIX_DURABILITY", "none")
    monkeypatch.setenv("TZ", "UTC")
    return root


@pytest.fixture
def own_shop(nowhere: Path) -> Shop:
    """A store with something in it, which the environment names, to change at will."""
    return open_shop()


@pytest.fixture(scope="session")
def common_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same for all tests that only look at it: making one takes longer than most of these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYLIGHTNIX_ROOT", str(tmp_path_factory.mktemp("shop") / "root"))
        return open_shop()


@pytest.fixture
def shop(common_shop: Shop, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A store with something in it, which the environment names, to look at only."""
    monkeypatch.setenv("PYLIGHTNIX_ROOT", common_shop.root)
    return common_shop


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The program, in this process."""

    def call(*words: str) -> Done:
        capsys.readouterr()
        status = main(words)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return call
