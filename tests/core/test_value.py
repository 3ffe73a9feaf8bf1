"""Values: frozen, equal by their fields, and as good as data classes."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass

import pytest

from pylightnix.core.value import changed, value


@value
class Point:
    """A place."""

    x: int
    y: int = 0
    names: tuple[str, ...] = ()

    @property
    def sum(self) -> int:
        return self.x + self.y


@value
class Other:
    x: int
    y: int = 0
    names: tuple[str, ...] = ()


@value
class Stubborn:
    x: int

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "stubborn"


@value
class Nothing:
    """Has no fields."""


@dataclass(frozen=True, slots=True)
class Model:
    x: int
    y: int = 0
    names: tuple[str, ...] = ()


def test_fields_can_be_given_by_place_and_by_name() -> None:
    assert Point(1, 2) == Point(y=2, x=1) == Point(1, y=2, names=())


def test_a_missing_or_an_unknown_field_is_an_error() -> None:
    with pytest.raises(TypeError, match="x"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="z"):
        Point(1, z=2)  # type: ignore[call-arg]


def test_nothing_can_be_set_or_deleted() -> None:
    point = Point(1)
    for name in ("x", "z"):
        with pytest.raises(AttributeError, match=name):
            setattr(point, name, 2)
    with pytest.raises(AttributeError, match="x"):
        del point.x
    assert point == Point(1)


def test_equal_fields_of_another_class_are_not_equal() -> None:
    others: list[object] = [Other(1), (1, 0, ())]
    assert Point(1) not in others


def test_hash_and_text_are_those_of_a_data_class() -> None:
    point, model = Point(1, 2, ("a",)), Model(1, 2, ("a",))
    assert hash(point) == hash(model)
    assert repr(point) == repr(model).replace("Model", "Point")


@pytest.mark.parametrize("one", [Point(1, 2, ("a",)), Nothing()])
def test_a_value_survives_pickling_and_copying(one: object) -> None:
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == copy.copy(one) == one


def test_methods_of_its_own_are_kept() -> None:
    assert Point(1, 2).sum == 3
    one = Stubborn(1)
    assert one != one
    assert repr(one) == "stubborn"
    assert Point.__doc__ == "A place."
    assert Point.__module__ == __name__


def test_another_value_differs_by_what_was_changed_alone() -> None:
    assert changed(Point(1, 2, ("a",)), y=5) == Point(1, 5, ("a",))
    with pytest.raises(TypeError, match="z"):
        changed(Point(1), z=1)


def test_a_value_without_fields_is_equal_to_its_like() -> None:
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert repr(Nothing()).endswith("Nothing()")
