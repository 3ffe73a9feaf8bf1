"""Whoever builds, what comes out is the same: GNU Hello, and an experiment 300 wide."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pylightnix import DRef, RRef, Store, instantiate, realize_context, rref2path
from stages_for_stories import ANSWERS, configured, experiment, hello
from stages_for_tests import all_faults, strangers
from stories.test_hello import TARBALL, needed

__all__ = ["needed"]
WIDTH = 300


@contextmanager
def serial() -> Iterator[dict[str, Any]]:
    yield {}


@contextmanager
def threads() -> Iterator[dict[str, Any]]:
    yield {"executor": "threads", "jobs": 4}


@contextmanager
def processes() -> Iterator[dict[str, Any]]:
    yield {"jobs": 2}


@contextmanager
def dask() -> Iterator[dict[str, Any]]:
    pytest.importorskip("distributed", reason="the extra `dask` is missing")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are not ours to mend
        yield {"executor": "dask:", "jobs": 2}


@contextmanager
def slurm() -> Iterator[dict[str, Any]]:
    pytest.importorskip("submitit", reason="the extra `slurm` is missing")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        yield {"executor": "slurm:local", "jobs": 8}


ELSEWHERE = [threads, processes, dask, slurm]
# A batch job takes a good part of a second to start: of these there are fewer, unless asked for.
FEW = WIDTH if os.environ.get("PYLIGHTNIX_TEST_WIDE") else 16


def everything(
    folder: Path, options: dict[str, Any], stage: Any, *args: Any
) -> tuple[Store, Mapping[DRef, tuple[RRef, ...]]]:
    """Realize a stage in a store of its own."""
    store = Store.open(folder, create=True, durability="none")
    _, found = realize_context(instantiate(stage, *args, store=store), **options)
    return store, found


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=lambda make: make.__name__)
@pytest.mark.slow
def test_a_wide_experiment_comes_out_the_same_everywhere(elsewhere: Any, tmp_path: Path) -> None:
    width = FEW if elsewhere is slurm else WIDTH
    _, alone = everything(tmp_path / "alone", {}, experiment, width)
    with elsewhere() as options:
        store, found = everything(tmp_path / "root", options, experiment, width)
    assert len(found) == width + 2
    assert found == alone
    assert [*all_faults(store), *strangers(store)] == []


@pytest.fixture(scope="session")
def hello_alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[str]]:
    """GNU Hello by one worker, and what its stage takes; once for all processes that run tests."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "hello-root"
    store, learned = everything(root, {}, configured, str(TARBALL))
    (cache,) = [rref for (rref,) in learned.values() if rref.endswith("-configured")]
    args = [str(TARBALL), f"{rref2path(cache, store)}/{ANSWERS}"]
    return everything(root, {}, hello, *args)[1], args


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=lambda make: make.__name__)
@pytest.mark.slow
@pytest.mark.usefixtures("needed")
def test_hello_comes_out_the_same_everywhere(
    elsewhere: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    wanted, args = request.getfixturevalue("hello_alone")  # not where it cannot be built
    with elsewhere() as options:
        store, found = everything(tmp_path / "root", options, hello, *args)
    assert found == wanted
    program = next(rref for (rref,) in found.values() if rref.endswith("-hello"))
    path = rref2path(program, store) / "hello"
    assert subprocess.run([path], capture_output=True, check=True).stdout == b"Hello, world!\n"


@pytest.mark.parametrize("round_", range(3))
def test_two_coordinators_on_fifty_stages_build_nothing_twice(
    round_: int, store: Store, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    journal.touch()
    program = (
        "import sys; from pathlib import Path\n"
        "from pylightnix import instantiate, realize, Store, use_store\n"
        "from stages_for_stories import fifty\n"
        "with use_store(Store.open(sys.argv[1])):\n"
        "    print(realize(instantiate(fifty, Path(sys.argv[2])), jobs=2))\n"
    )
    argv = [sys.executable, "-c", program, os.path.dirname(store.objects), os.fspath(journal)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    both = [subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outs[0] == outs[1]
    lines = journal.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 50
    assert [*all_faults(store), *strangers(store)] == []
