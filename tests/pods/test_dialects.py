"""What a pod and its host speak is what both have, and says the same whatever it is."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pylightnix.pods import dialects, documents
from pylightnix.pods.pool import Pool
from pylightnix.pods.process import Program

SOURCE = """
def echo(x):
    return x


def rows(n):
    yield from range(n)


def fail():
    raise ValueError("no " + "\\u00e4")


def make(kind, size):
    import numpy as np
    return np.arange(size, dtype=kind)
"""
VALUES = [
    (1, (2, "x")),
    {1, 2},
    frozenset({"a"}),
    1 << 200,
    -(1 << 63),
    (1 << 63) - 1,
    {(1, 2): "tuple", 3: "int", None: "none"},
    {"$": 1, "a\0b": 2},
    dt.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC),
    Path("/a/b"),
    b"\0\xff",
    bytearray(b"x"),
    "\ud800",
    list(range(1000)),
    [0.5] * 20,
    b"x" * 200_000,
    {"x": [{"y": [None, True, 1.5]}] * 3},
]

Talk = Callable[..., Any]


@pytest.fixture(params=["msgpack", "bson", "plain"])
def pool(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    agent_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pool]:
    """An open pool that speaks msgpack, PyMongo's BSON, or plain BSON on one side."""
    fast = dialects.spoken("msgpack", documents.encode, documents.decode)
    if request.param == "msgpack" and fast is None:
        pytest.skip("msgpack is not installed, or in plain Python only")
    python = sys.executable
    if request.param == "bson":
        monkeypatch.setitem(sys.modules, "msgpack", None)
    if request.param == "plain":
        python = getattr(sys, "_base_executable", sys.executable)
        if sys.prefix == sys.base_prefix:
            pytest.skip("not in a virtual environment: nothing lacks msgpack")
    (tmp_path / "pod.py").write_text(SOURCE)
    program = Program(python, str(agent_file), str(tmp_path), "demo", str(tmp_path / "log"))
    made = Pool(program, 1)
    try:
        told = made.open()
        assert told["codec"] == {"plain": "bson"}.get(request.param, request.param)
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_arrive_in_every_dialect(pool: Pool, value: Any) -> None:
    got = pool.call("echo", (value,), {})
    assert got == value and type(got) is type(value)
    assert list(pool.map("echo", [(value,)] * 3)) == [value] * 3


def test_streams_and_errors_arrive_in_every_dialect(pool: Pool) -> None:
    assert list(pool.stream("rows", (5,), {})) == [0, 1, 2, 3, 4]
    stream = pool.stream("rows", (10**9,), {})
    assert next(stream) == 0
    del stream  # cancelled, in the dialect too
    with pytest.raises(Exception, match="raised ValueError: no \u00e4"):
        pool.call("fail", (), {})


def test_arrays_arrive_in_every_dialect(pool: Pool) -> None:
    np = pytest.importorskip("numpy")
    for size in (3, 100_000):
        array = np.arange(size, dtype="float32").reshape(1, -1)
        try:
            got = pool.call("make", ("float32", size), {})
        except Exception as error:
            pytest.skip(f"this interpreter has no numpy: {error}")
        assert np.array_equal(got.reshape(1, -1), array)
        assert np.array_equal(pool.call("echo", (array,), {}), array)
