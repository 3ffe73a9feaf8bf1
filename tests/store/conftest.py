"""What tests of the store get beside what every test gets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MEMORY = "/dev/shm"


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the tests' folders, tmpfs usually."""
    if not os.access(SHARED_MEMORY, os.W_OK):
        pytest.skip(f"there is no {SHARED_MEMORY} to write to")
    if os.stat(SHARED_MEMORY).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip(f"{SHARED_MEMORY} is the file system of the other tests")
    made = Path(tempfile.mkdtemp(dir=SHARED_MEMORY))
    yield made
    for home, folders, _ in os.walk(made):
        for folder in folders:
            if not os.path.islink(f"{home}/{folder}"):
                os.chmod(f"{home}/{folder}", 0o700)
    shutil.rmtree(made)
