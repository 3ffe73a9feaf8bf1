"""What the tests of stages share: a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stages.servers import WebServer, web_server


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server
