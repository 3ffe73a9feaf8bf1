"""What every test of trust gets: a process that has not used a store yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from prove import crew


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    crew.new_process()
    yield
    crew.new_process()
