"""The pass under `python -O` means something: the library's asserts are off in it, ours are on.

pytest rewrites the asserts of test modules, of conftest.py and of what conftest.py registers into
`if not ...: raise`, and that is why they outlive -O. Asserts that a test hands to a child
interpreter do not: let the child print.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HELPERS = sorted(p.stem for p in Path(__file__).parents[1].glob("*.py"))  # conftest among them
CARELESS = "def positive(x):\n    assert x > 0\n    return x\n"


@pytest.fixture
def careless(tmp_path: Path) -> ModuleType:
    """A library whose check of its input is an assert, imported as any library is."""
    path = tmp_path / "careless.py"
    path.write_text(CARELESS)
    spec = importlib.util.spec_from_file_location("careless", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_asserts_of_a_test_hold_in_every_pass() -> None:
    with pytest.raises(AssertionError):
        assert sys.flags.optimize not in (0, 1)


@pytest.mark.parametrize("helper", HELPERS)
def test_the_helpers_are_rewritten_like_the_tests(helper: str) -> None:
    spec = importlib.util.find_spec(helper)
    assert spec is not None
    assert type(spec.loader).__name__ == "AssertionRewritingHook"


def test_an_assert_that_guards_a_library_is_gone_in_the_optimized_pass(
    careless: ModuleType,
) -> None:
    if sys.flags.optimize:
        assert careless.positive(-1) == -1
    else:
        with pytest.raises(AssertionError):
            careless.positive(-1)


def test_programs_that_tests_start_run_in_the_same_mode() -> None:
    child = [sys.executable, "-c", "import sys; print(sys.flags.optimize)"]
    done = subprocess.run(child, capture_output=True, text=True, check=True)
    assert int(done.stdout) == sys.flags.optimize
