"""Errors: one root, a category each, and fit for a trip between processes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeAlias

import pytest

from pylightnix.core import errors
from pylightnix.core.config import mkconfig
from pylightnix.core.errors import InstantiateError, InvalidValue, PylightnixError
from pylightnix.core.graph import topological
from pylightnix.core.refs import DRef, RRef, mkname

CATEGORIES = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not PylightnixError
]


Provocation: TypeAlias = tuple[Callable[..., object], object]

# One of every error that the ground floor raises: what is called, and with what.
PROVOCATIONS: list[Provocation] = [
    (DRef, "bad"),
    (RRef, "bad"),
    (mkname, "a.b"),
    (mkconfig, {"a": (), "b": {1}}),
    (mkconfig, {"name": "a.b"}),
    (topological, {"a": ["b"], "b": ["a"]}),
]


@pytest.fixture(params=PROVOCATIONS, ids=lambda provocation: str(provocation[0].__name__))
def error(request: pytest.FixtureRequest) -> PylightnixError:
    provoke, argument = request.param
    with pytest.raises(PylightnixError) as caught:
        provoke(argument)
    return caught.value


@pytest.mark.parametrize("kind", CATEGORIES)
def test_every_category_comes_from_the_root(kind: type[Exception]) -> None:
    assert issubclass(kind, PylightnixError)


def test_a_wrong_value_is_a_value_error_for_whoever_does_not_know_us() -> None:
    assert issubclass(InvalidValue, ValueError)
    assert not issubclass(InstantiateError, ValueError)


def test_an_error_keeps_fields_and_text_when_pickled(error: PylightnixError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)
    assert again.args == error.args


def test_the_text_of_an_error_is_a_sentence_of_its_own(error: PylightnixError) -> None:
    assert str(error) not in ("", str(error.args))
    assert len(str(error).split()) > 5


def test_errors_survive_the_way_back_from_a_worker() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for provoke, argument in PROVOCATIONS:
            with pytest.raises(PylightnixError) as here:
                provoke(argument)
            there = pool.submit(provoke, argument).exception(timeout=60)
            assert type(there) is here.type
            assert str(there) == str(here.value)
