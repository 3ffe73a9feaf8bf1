"""Times as text."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from pylightnix.store import clock


def test_it_is_iso_8601_in_utc_and_of_this_moment() -> None:
    before = datetime.now(UTC)
    texts = clock.iso_now(), clock.iso_second_now()
    after = datetime.now(UTC)
    exact, rough = map(datetime.fromisoformat, texts)
    assert before <= exact <= after
    assert before.replace(microsecond=0) <= rough <= after
    assert all(text.endswith("+00:00") for text in texts)


@pytest.mark.parametrize("now_ns", [0, 1, 999_999_999, 10**9, 1_700_000_000_123_456_789])
def test_microseconds_are_always_six_digits(now_ns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: now_ns)
    text = clock.iso_now()
    moment = datetime.fromtimestamp(now_ns // 10**9, UTC)
    micros = now_ns % 10**9 // 1000
    assert text == moment.replace(microsecond=micros).isoformat(timespec="microseconds")
    assert len(text) == len("2000-01-01T00:00:00.000000+00:00")
