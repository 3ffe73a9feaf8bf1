"""Following logs: every line, once, in order, of the right build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pylightnix import Built, DRef, Event, Failed, LogLine, RRef, Started, Store
from pylightnix.engine import follow
from pylightnix.engine.follow import Follower

A = DRef(f"dref:{'a' * 32}-apple")
R = RRef(f"rref:{'c' * 32}-{'a' * 32}-apple")


class Desk:
    """A follower, what it was told, and the log that it follows."""

    def __init__(self, store: Store) -> None:
        self.heard: list[Event] = []
        self.follower = Follower(store, self.heard.append)
        self.log = Path(store.var, "logs", A)
        self.filed = Path(store.var, "logs", R)

    def write(self, text: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(text)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.heard if isinstance(event, LogLine)]


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def test_lines_are_told_when_they_end(desk: Desk) -> None:
    desk.follower.expect(A)
    desk.follower.poll()
    desk.write(b"one\ntw")
    desk.follower(Started(A, 0.0))
    desk.follower.poll()
    desk.follower.poll()
    assert desk.texts == ["one"]
    desk.write(b"o\r\n\xff\n")
    desk.follower.poll()
    assert desk.texts == ["one", "two", "\ufffd"]


def test_the_rest_is_told_before_the_end(desk: Desk) -> None:
    desk.follower.expect(A)
    desk.write(b"one\ntwo\n\nthree")
    desk.log.rename(desk.filed)
    desk.follower(Built(A, (R,), 1.0, 0.0))
    assert desk.texts == ["one", "two", "", "three"]
    assert isinstance(desk.heard[-1], Built)


def test_what_failed_is_told_to_its_last_line(desk: Desk) -> None:
    desk.follower.expect(A)
    desk.follower(Started(A, 0.0))
    desk.write(b"one\n")
    desk.follower.poll()
    desk.write(b"last words")
    desk.follower(Failed(A, "no", 0.0))
    assert desk.texts == ["one", "last words"]


def test_what_an_earlier_build_left_is_not_told(desk: Desk) -> None:
    desk.write(b"old\n")
    desk.follower.expect(A)
    desk.follower.poll()
    desk.follower(Failed(A, "it never began", 0.0))
    assert desk.texts == []
    desk.follower.expect(A)
    os.truncate(desk.log, 0)
    desk.write(b"new\n")
    desk.follower.poll()
    assert desk.texts == ["new"]


def test_each_build_of_a_series_has_its_own_lines(desk: Desk) -> None:
    desk.follower.expect(A)
    for number in range(3):
        desk.follower(Started(A, 0.0))
        desk.write(f"build {number}\n".encode())
        desk.log.rename(desk.filed)
        desk.follower(Built(A, (R,), 1.0, 0.0))
    assert desk.texts == ["build 0", "build 1", "build 2"]


def test_a_long_log_is_told_whole(desk: Desk) -> None:
    lines = [f"line {number}" for number in range(50_000)]
    desk.follower.expect(A)
    desk.write("\n".join(lines).encode())
    desk.follower(Failed(A, "no", 0.0))
    assert desk.texts == lines


def test_a_line_without_end_is_told_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LINE_BYTES", 1000)
    monkeypatch.setattr(follow, "CHUNK_BYTES", 600)
    desk.follower.expect(A)
    desk.write(b"x" * 3000)
    desk.follower(Failed(A, "no", 0.0))
    assert "".join(desk.texts) == "x" * 3000
    assert max(map(len, desk.texts)) <= 1600


def test_nothing_stays_open(desk: Desk) -> None:
    before = len(os.listdir("/proc/self/fd"))
    desk.follower.expect(A)
    desk.write(b"x\n")
    desk.follower.poll()
    assert len(os.listdir("/proc/self/fd")) == before + 1
    desk.follower.close()
    assert len(os.listdir("/proc/self/fd")) == before
    desk.follower.poll()
    assert desk.texts == ["x"]
