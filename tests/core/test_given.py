"""What is given by name is refused by name."""

from __future__ import annotations

import pytest

from pylightnix.core.errors import InvalidValue
from pylightnix.core.given import artifact_path
from pylightnix.core.outlook import lasting


def test_a_path_inside_a_realization_does_not_lead_out() -> None:
    assert artifact_path("the file", "a/b.txt") == "a/b.txt"
    for path in ("../x", "/x", "a//b", "."):
        with pytest.raises(InvalidValue, match="inside a realization"):
            artifact_path("the file", path)


def test_durations_are_read_by_people() -> None:
    assert [lasting(s) for s in (0.0, 12.0, 75.0, 7260.0)] == [
        "0 s",
        "12 s",
        "1 min 15 s",
        "2 h 1 min",
    ]
