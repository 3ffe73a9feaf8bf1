"""Programs in sandboxes, and handles that do not outlive a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any, TypeAlias

import pytest

from pylightnix.sandbox.handle import Ended
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import Sandboxed, start
from pylightnix.sandbox.system import system_paths
from sandboxes import needs

Run: TypeAlias = Callable[..., tuple[Ended, str]]


@pytest.fixture(params=["bubblewrap", "unshare"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each sandbox that isolates fully."""
    name: str = request.param
    needs(name)
    return name


@pytest.fixture(params=["bubblewrap", "unshare", "landlock"])
def any_backend(request: pytest.FixtureRequest) -> str:
    """Each sandbox that hides files."""
    name: str = request.param
    needs(name)
    return name


@pytest.fixture
def launch() -> Iterator[Callable[..., Sandboxed]]:
    """Start programs with what the machine offers; they are killed in the end."""
    started: list[Sandboxed] = []

    def launched(policy: Policy, *argv: str, ro: Any = (), **given: Any) -> Sandboxed:
        given.setdefault("env", {"PATH": "/usr/bin:/bin"})
        child = start(policy, argv, ro=(*system_paths(), *ro), **given)
        started.append(child)
        return child

    yield launched
    for child in started:
        child.__exit__(None, None, None)


@pytest.fixture
def run(launch: Callable[..., Sandboxed]) -> Run:
    """Run a program to its end; gives how it ended, and all that it said."""

    def ran(policy: Policy, *argv: str, **given: Any) -> tuple[Ended, str]:
        child = launch(policy, *argv, stdout=PIPE, stderr=STDOUT, **given)
        stdout = child.stdout
        said = stdout.read().decode() if stdout is not None else ""
        return child.finish(20.0 if policy.wall_s is None else None), said + child.trouble

    return ran


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A folder by its real path."""
    return tmp_path.resolve()
