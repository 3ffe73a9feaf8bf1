"""Failures as values."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from pylightnix import (
    BuildFailed,
    BuildsFailed,
    DRef,
    Failed,
    Failure,
    InvalidValue,
    PromiseBroken,
    Realized,
    Store,
    autostage,
    build_run,
    given,
    instantiate,
    realize_either,
    selfref,
)

pytestmark = pytest.mark.usefixtures("current")


@autostage(version="1")
def good() -> None: ...


@autostage(version="1")
def bad(build: Any = given) -> None:
    build_run(build, ["echo", "just before"])
    raise ZeroDivisionError("oh")


@autostage(version="1")
def above(bad: Any = bad, good: Any = good) -> None: ...


@autostage(version="1")
def top(above: Any = above) -> None: ...


def test_success_is_a_value() -> None:
    closure = instantiate(good)
    match realize_either(closure):
        case Realized(result, context):
            assert context[closure.targets[0]] == (result,)
        case other:
            pytest.fail(str(other))


def test_a_failure_is_a_value_that_tells_all() -> None:
    match realize_either(instantiate(top)):
        case Failure(dref, error, traceback, log, skipped):
            assert dref.endswith("-bad")
            assert isinstance(error, BuildFailed)
            assert 'raise ZeroDivisionError("oh")' in traceback
            assert log is not None
            assert "just before\n" in log.read_text()
            assert [each[38:] for each in skipped] == ["above", "top"]
        case other:
            pytest.fail(str(other))


def test_a_failure_is_known_by_the_name_of_the_event_too_and_travels() -> None:
    found = realize_either(instantiate(bad))
    assert isinstance(found, Failed)
    again = pickle.loads(pickle.dumps(found))
    assert (again.dref, again.traceback, again.log) == (found.dref, found.traceback, found.log)


def test_with_keep_going_the_first_of_several_is_told() -> None:
    other: Any = autostage(name="other", version="1", x=2)(lambda x: 1 / 0)

    def both() -> list[DRef]:
        return [top(), other()]

    found = realize_either(instantiate(both), keep_going=True)
    assert isinstance(found, Failure)
    assert isinstance(found.error, BuildsFailed)
    assert len(found.error.errors) == 2
    assert found.dref in (found.error.errors[0].dref, found.error.errors[1].dref)  # type: ignore[attr-defined]


def test_a_broken_promise_is_a_failure() -> None:
    empty = autostage(name="empty", version="1", out=[selfref, "x"])(lambda out: None)
    found = realize_either(instantiate(empty))
    assert isinstance(found, Failure)
    assert isinstance(found.error, PromiseBroken)
    assert found.log is None


def test_a_wrong_question_is_still_an_error(current: Store) -> None:
    with pytest.raises(InvalidValue):
        realize_either(instantiate(good), jobs=-1)
