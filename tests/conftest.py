"""What every test gets: profiles of hypothesis, no store of the user's, probes of the machine."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pylightnix import Store, use_store
from pylightnix.api import ambient

# The helper modules beside this file too: what pytest rewrites keeps its asserts under `python -O`.
pytest.register_assert_rewrite(*(p.stem for p in Path(__file__).parent.glob("*.py")))

# A shared machine stalls now and then; a time limit per example would only make the laws flaky.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("everyday", _PATIENT, max_examples=50)
settings.register_profile("ci", _PATIENT, max_examples=200, print_blob=True)
settings.register_profile("long", _PATIENT, max_examples=5_000, print_blob=True)
settings.load_profile("everyday")  # another one: --hypothesis-profile=long


def pytest_configure() -> None:
    """Let Ctrl-C be Ctrl-C: a shell starts what runs in its background with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the tests, nine thousand, out of the way of whoever collects garbage later.

    IPython does with every shell that ends, and each time it looked at all of them for 0.4 s.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_report_header() -> str:
    asserts = "compiled away (python -O)" if not __debug__ else "on"
    return f"uid {os.geteuid()}, the library's asserts are {asserts}"


@pytest.fixture(scope="session", autouse=True)
def no_store_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a test without a store of its own would land: in nobody's home, and not there yet."""
    root = tmp_path_factory.mktemp("ambient") / "_pylightnix"
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("PYLIGHTNIX_")]:
            patch.delenv(name)
        patch.setenv("PYLIGHTNIX_ROOT", str(root))
        yield root


@pytest.fixture
def nonroot() -> None:
    """Skip where we are root; `make test` runs the suite as nobody as well."""
    if os.geteuid() == 0:
        pytest.skip(
            "root is not held back by permissions; the non-root pass of `make test` runs this"
        )


@pytest.fixture(autouse=True)
def nothing_stays_in_use() -> Iterator[None]:
    """A process holds what it uses until it ends; one that runs a thousand tests lets go."""
    yield
    ambient._let_go()
    ambient._Process.live.clear()
    ambient._Process.indexes.clear()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store; nothing is flushed, since no test cuts the power."""
    return Store.open(tmp_path / "root", create=True, durability="none")


@pytest.fixture
def current(store: Store) -> Iterator[Store]:
    """An empty store that published functions use."""
    with use_store(store):
        yield store
