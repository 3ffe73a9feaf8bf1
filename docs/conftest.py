"""What the examples of some documents need, and not every machine has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandboxes import needs_tenants

NEEDS: dict[str, Callable[[], None]] = {"howto/tenants.md": needs_tenants}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a document's examples where they cannot work, and say why."""
    for name, needs in NEEDS.items():
        if item.path.match(name):
            needs()
