"""A pod's worker, without an environment of its own; wheels; what this machine lacks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pylightnix.pods.agentfile import agent_text
from pylightnix.pods.client import Pod
from pylightnix.pods.pool import Pool
from pylightnix.pods.process import Program
from wheels_for_tests import greetings

LACKING = [name for name in ("uv", "bson") if find_spec(name) is None]


@pytest.fixture(autouse=True)
def the_extra() -> None:
    if LACKING:
        pytest.skip(f"pods need {LACKING}: pip install pylightnix[pods]")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of tiny wheels."""
    return greetings(tmp_path / "wheels")


@pytest.fixture(scope="session")
def agent_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("agent") / "agent.py"
    path.write_text(agent_text())
    return path


Opener = Callable[..., Any]


@pytest.fixture
def opened(tmp_path: Path, agent_file: Path) -> Iterator[Opener]:
    """Open a pod of this source text with this interpreter: `with opened(text, ...) as p:`."""

    @contextmanager
    def open_source(text: str, workers: int = 1, **more: Any) -> Iterator[Pod]:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        (folder / "pod.py").write_text(text)
        python = more.pop("python", sys.executable)
        log = str(tmp_path / "pod.log")
        pool = Pool(Program(python, str(agent_file), str(folder), "demo", log, **more), workers)
        with Pod(pool, "demo", pool.open()) as pod:
            yield pod

    yield open_source
