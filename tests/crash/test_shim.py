"""The shim sees what it must see; a proof by it would prove nothing otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from prove import shim
from prove.shim import Call, kind_of
from prove.worker import run_all

WHY = shim.unavailable()


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    if WHY:
        pytest.skip(WHY)
    job = {"points": 0, "seed": 1, "share": 0, "shares": 1, "shapes": [0, 1]}
    return run_all("points", [job])[0]


CALLS = (
    "open write pwrite rename renameat2 symlink unlink unlinkat rmdir mkdir chmod fchmod "
    "utimensat futimens fsync syncfs flock read readlink stat lstat opendir fdopendir"
)


@pytest.mark.parametrize("name", CALLS.split())
def test_the_shim_sees_every_kind_of_call(seen: dict[str, Any], name: str) -> None:
    assert name in seen["calls"]


def test_every_call_of_a_run_can_go_wrong_in_several_ways(seen: dict[str, Any]) -> None:
    assert seen["possible"] > 10_000


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"store-v1/{'0' * 32}-x", "derivation"),
        (f"store-v1/{'0' * 32}-x/config.json", "config"),
        (f"store-v1/{'0' * 32}-x/{'1' * 32}", "realization"),
        (f"store-v1/{'0' * 32}-x/{'1' * 32}/a/b", "artifact"),
        ("var/locks/collector", "collector's lock"),
        ("var/locks/ab", "build lock"),
        ("var/tmp/host-1-ab/0/a", "inside output"),
        (".", "folder of the store"),
    ],
)
def test_a_path_is_of_a_kind(path: str, kind: str) -> None:
    assert kind_of(path) == kind
    assert Call("open", path).site == f"open {kind}"
