"""Listeners: what happens, told to people and to programs."""

from __future__ import annotations

import io
import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

import stages_for_workers as stages
from pylightnix import (
    Build,
    BuildFailed,
    Built,
    CutOff,
    DRef,
    Event,
    Failed,
    Fetched,
    Finished,
    Hit,
    InvalidValue,
    LogLine,
    Planned,
    Progress,
    Queued,
    RRef,
    Skipped,
    Started,
    Waiting,
    instantiate,
    progress,
    realize,
)
from pylightnix.api.listeners import listener_for
from pylightnix.api.telling import as_json, as_line

A, B = (DRef(f"dref:{hash_}-{name}") for hash_, name in (("a" * 32, "apple"), ("b" * 32, "bean")))
R = RRef(f"rref:{'c' * 32}-{'a' * 32}-apple")

EVENTS: dict[Event, tuple[str | None, str | None]] = {
    Planned(A, 1.0): (None, None),
    Queued(A, 1.0): (None, None),
    Started(A, 1.0): ("started", "started"),
    Waiting(A, "process 7", 1.0): ("waits for process 7", "waits for process 7"),
    Progress(A, "data.tgz", 1024, 4096, 1.0): (None, "data.tgz: 1.0 KiB of 4.0 KiB"),
    Progress(A, "data.tgz", 1024, None, 1.0): (None, "data.tgz: 1.0 KiB"),
    LogLine(A, "x\x1b[31m", 1.0): (None, "> x\\u001b[31m"),
    Hit(A, (R,), 1.0): (None, "the store has it"),
    CutOff(A, (R,), 1.0): ("not built again: what it needs came out the same",) * 2,
    Fetched(A, (R,), "elsewhere", 2.0, 1.0): ("fetched from elsewhere in 2.000 s",) * 2,
    Built(A, (R,), 75.0, 1.0): ("built in 1 min 15 s",) * 2,
    Failed(A, "no", 1.0): ("failed: no",) * 2,
    Skipped(A, B, 1.0): ("skipped, because bean bbbbbbbb failed",) * 2,
    Finished(A, (R,), 1.0): (None, None),
}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class NobodyReads(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_each_event_is_a_line_or_none(event: Event) -> None:
    for verbose, said in zip((False, True), EVENTS[event], strict=True):
        assert as_line(event, verbose) == (None if said is None else f"apple aaaaaaaa: {said}")


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_each_event_is_an_object_of_json(event: Event) -> None:
    told = json.loads(as_json(event))
    assert list(told) == sorted(told)
    assert (told["event"], told["dref"], told["time_s"]) == (type(event).__name__, A, 1.0)
    assert {*told} - {"event"} == {*type(event).__annotations__}


def heard(kind: str, stream: io.StringIO, *, verbose: bool = False) -> str:
    with listener_for(kind, stream, verbose) as listener:
        for event in EVENTS:
            listener(event)
    return stream.getvalue()


def test_plain_lines_are_what_is_worth_a_line() -> None:
    lines = heard("plain", io.StringIO()).splitlines()
    assert lines == [line for event in EVENTS if (line := as_line(event)) is not None]
    assert len(heard("plain", io.StringIO(), verbose=True).splitlines()) == len(lines) + 4


def test_json_is_all_of_it() -> None:
    lines = heard("json", io.StringIO()).splitlines()
    assert [json.loads(line)["event"] for line in lines] == [
        type(event).__name__ for event in EVENTS
    ]


def test_nothing_is_nothing() -> None:
    assert heard("none", io.StringIO()) == ""


def test_where_there_is_no_terminal_there_are_plain_lines() -> None:
    assert heard("auto", io.StringIO()) == heard("plain", io.StringIO())


def test_a_terminal_that_can_do_nothing_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert heard("auto", Terminal()) == heard("plain", io.StringIO())


def test_without_rich_there_are_plain_lines_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylightnix.api.bars", None)
    monkeypatch.setenv("TERM", "xterm")
    plain = heard("plain", io.StringIO())
    assert heard("auto", Terminal()) == plain
    advice, _, rest = heard("bars", io.StringIO()).partition("\n")
    assert "pip install 'pylightnix[progress]'" in advice
    assert rest == plain


def test_work_goes_on_when_nobody_reads_any_more() -> None:
    for kind in ("plain", "json"):
        heard(kind, NobodyReads())


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidValue, match="choose auto, bars"), listener_for("loud"):
        pass


@pytest.mark.usefixtures("current")
def test_a_realize_is_told_line_by_line() -> None:
    stream = io.StringIO()
    with listener_for("plain", stream, verbose=True) as listener:
        realize(instantiate(stages.solitary, stages.speak), jobs=2, on_event=listener)
    told = [line.partition(": ")[2] for line in stream.getvalue().splitlines()]
    assert told[0] == "started"
    assert {"> a line by python", "> a line by a child", "> a complaint"} == set(told[1:-1])
    assert told[-1].startswith("built in ")


# With rich


def screen(
    width: int = 100, monkeypatch: pytest.MonkeyPatch | None = None, verbose: bool = False
) -> str:
    stream = Terminal()
    with listener_for("bars", stream, verbose, lambda dref: 10.0) as listener:
        for event in EVENTS:
            listener(event)
    return stream.getvalue()


def test_bars_keep_what_is_worth_a_line_and_sum_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    text = screen()
    assert "failed: no" in text
    assert text.endswith("1 built, 1 not needed after all, 1 failed or skipped\n")


def test_a_failed_build_leaves_the_terminal_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with pytest.raises(LookupError), listener_for("bars", stream) as listener:
        listener(Started(A, 1.0))
        raise LookupError
    assert stream.getvalue().rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in stream.getvalue()


def test_what_is_left_is_estimated() -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    from pylightnix.api.bars import State, summary

    known = State({A: 10.0, B: 30.0}.get)
    for dref in (A, B):
        known.note(Planned(dref, 0.0))
    assert known.left_s(0.0) == 40.0
    known.note(Started(A, 0.0))
    assert known.left_s(4.0) == 36.0
    known.note(Started(B, 4.0))
    assert known.left_s(4.0) == 18.0
    known.note(Built(A, (R,), 10.0, 10.0))
    assert known.left_s(10.0) == 24.0
    known.note(Failed(B, "no", 20.0))
    assert (known.left_s(20.0), summary(known)) == (0.0, "1 built, 1 failed or skipped")


def test_without_a_past_the_present_is_the_measure() -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    from pylightnix.api.bars import State, summary

    state = State()
    for dref in (A, B):
        state.note(Planned(dref, 0.0))
    assert state.left_s(0.0) is None
    state.note(Started(A, 0.0))
    state.note(Built(A, (R,), 6.0, 6.0))
    assert state.left_s(6.0) == 6.0
    state.note(CutOff(B, (R,), 6.0))
    assert (state.left_s(6.0), summary(state)) == (0.0, "1 built, 1 not needed after all")


def test_what_runs_is_drawn_and_what_is_too_much_is_counted() -> None:
    rich = pytest.importorskip("rich.console", reason="the extra `progress` is missing")
    from pylightnix.api.bars import ROWS, State, picture

    state = State(lambda dref: 5.0)
    for number in range(ROWS + 3):
        dref = DRef(f"dref:{number:032x}-node")
        state.note(Planned(dref, 0.0))
        state.note(Started(dref, 0.0))
    state.note(LogLine(DRef(f"dref:{0:032x}-node"), "epoch 3", 1.0))
    state.note(Progress(DRef(f"dref:{1:032x}-node"), "data.tgz", 1, 2, 1.0))
    state.note(Waiting(DRef(f"dref:{2:032x}-node"), "process 7", 1.0))
    console = rich.Console(file=io.StringIO(), width=100)
    console.print(picture(state))
    text = console.file.getvalue()
    for part in ("0/15", "epoch 3", "data.tgz 50%", "waits for process 7", "and 3 more", "left"):
        assert part in text


@pytest.mark.usefixtures("current")
def test_a_failure_is_told_once() -> None:
    stream = io.StringIO()
    with listener_for("plain", stream) as listener, pytest.raises(BuildFailed):
        realize(instantiate(stages.solitary, stages.fail), on_event=listener)
    assert stream.getvalue().count("failed:") == 1


# In a notebook, and from Python


class Page:
    """What a notebook shows of `display`: a part of a page that is changed."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Page:
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        self.shown.append(bundle)


@pytest.mark.usefixtures("current")
def test_in_a_notebook_a_part_of_the_page_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    page = Page()
    fake = ModuleType("IPython.display")
    fake.display = page.display  # type: ignore[attr-defined]
    fake.get_ipython = lambda: SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    for name, module in (("IPython", fake), ("IPython.display", fake)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "pylightnix.api.page", raising=False)
    realize(instantiate(stages.solitary, stages.speak), jobs=2, on_event=progress(verbose=True))
    assert "1 built" in page.shown[-1]["text/html"]
    assert page.shown[-1]["text/plain"].strip() == "1 built"
    assert "0/" in page.shown[0]["text/plain"]
    assert "> a line by a child" in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "pylightnix.api.page")


@pytest.mark.usefixtures("current")
def test_progress_begins_and_ends_with_the_work() -> None:
    stream = io.StringIO()
    listener = progress("plain", stream)
    closure = instantiate(stages.solitary, stages.fail)
    for _ in range(2):
        with pytest.raises(BuildFailed):
            realize(closure, on_event=listener)
    lines = [line.partition(": ")[2] for line in stream.getvalue().splitlines()]
    assert lines == ["started", "failed: ValueError: as was to be expected"] * 2
    listener(Started(A, 1.0))  # nothing is under way: it is told to nobody
    assert len(stream.getvalue().splitlines()) == 4


@pytest.mark.usefixtures("current")
def test_a_realize_within_a_realize_is_shown_with_the_outer_one() -> None:
    stream = io.StringIO()
    listener = progress("plain", stream)

    def act(b: Build) -> None:
        realize(instantiate(stages.inner), on_event=listener)

    realize(instantiate(stages.solitary, act), on_event=listener)
    said = [line.replace(":", "").split() for line in stream.getvalue().splitlines()]
    assert [(words[0], words[2]) for words in said] == [
        ("solitary", "started"),
        ("inner", "started"),
        ("inner", "built"),
        ("solitary", "built"),
    ]


def test_progress_of_an_unknown_kind_is_refused_at_once() -> None:
    with pytest.raises(InvalidValue, match="choose auto, bars"):
        progress("loud")


@pytest.mark.usefixtures("current")
def test_progress_on_a_terminal_ends_with_what_came_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    realize(instantiate(stages.diamond), on_event=progress(stream=stream))
    assert stream.getvalue().rstrip().endswith("4 built")
