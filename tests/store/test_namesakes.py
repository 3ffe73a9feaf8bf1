"""Derivations of the same name, and how long their builds took."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pylightnix import Store
from pylightnix.core.refs import RRef, rref2dref
from pylightnix.store.layout import drv_path, rref_path
from pylightnix.store.namesakes import LAST_BUILDS, durations, namesakes
from stages_for_tests import put


def touched(store: Store, rref: RRef, at_s: int) -> None:
    """Set when something was put into a derivation last."""
    os.utime(drv_path(store, rref2dref(rref)), (at_s, at_s))


def timed(store: Store, rref: RRef, seconds: object) -> RRef:
    """Say how long a build took."""
    path = Path(rref_path(store, rref)) / ".pylightnix" / "build.json"
    path.chmod(0o644)
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": seconds}))
    return rref


def test_those_that_got_something_last_come_first(store: Store) -> None:
    one, two, three = (put(store, {"f": "x"}, "a", i=i) for i in range(3))
    other = put(store, {"f": "x"}, "b")
    for rref, at_s in ((one, 30), (two, 10), (three, 20)):
        touched(store, rref, at_s)
    assert namesakes(store, ["a", "b", "c"]) == {
        "a": [rref2dref(one), rref2dref(three), rref2dref(two)],
        "b": [rref2dref(other)],
        "c": [],
    }


def test_names_that_are_not_of_the_store_are_ignored(store: Store) -> None:
    for name in ("lost+found", f"{'x' * 32}-a", f".in-{'1' * 28}-a"):
        os.mkdir(f"{store.objects}/{name}")
    assert namesakes(store, ["a"]) == {"a": []}


def test_durations_are_those_of_the_last_builds(store: Store) -> None:
    rrefs = [put(store, {"f": str(i)}, "a") for i in range(LAST_BUILDS + 2)]
    for i, rref in enumerate(rrefs):
        timed(store, rref, i)
        os.utime(rref_path(store, rref))  # changes the time of change, which orders them
    known = durations(store, rref2dref(rrefs[0]))
    assert sorted(known) == [2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize("lie", [None, "1", True, -1, float("nan"), float("inf"), [1]])
def test_what_is_no_duration_is_not_believed(store: Store, lie: object) -> None:
    rref = timed(store, put(store, {"f": "x"}, "a"), lie)
    assert durations(store, rref2dref(rref)) == []


def test_of_what_is_not_there_nothing_is_known(store: Store) -> None:
    rref = put(store, {"f": "x"}, "a")
    ours = Path(rref_path(store, rref)) / ".pylightnix"
    ours.chmod(0o755)
    (ours / "build.json").unlink()
    assert durations(store, rref2dref(rref)) == []
    assert durations(store, rref2dref(put(Store(store.objects, store.var), {}, "b"))) == [1.0]
    os.rename(drv_path(store, rref2dref(rref)), f"{store.var}/tmp/x")
    assert durations(store, rref2dref(rref)) == []
