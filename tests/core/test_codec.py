"""The canonical bytes of a value."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core import codec
from pylightnix.core.codec import canonical_json, json_text, parse_json


def test_keys_are_sorted_and_nothing_is_padded_or_escaped() -> None:
    value = {"b": [1, 2.0, None], "a": {"é": "\n", "": True}, "B": -0.0}
    assert canonical_json(value) == '{"B":-0.0,"a":{"":true,"é":"\\n"},"b":[1,2.0,null]}'.encode()


def test_the_bytes_are_those_of_the_specification() -> None:
    value = {"z": ["\x00\x7f\u2028\U0001f600", 1e16, 1e-7, 2**70], "a": {"b": {}, "a": []}}
    by_the_book = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
    assert canonical_json(value) == by_the_book


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_what_has_no_bytes_is_an_error(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1}, b"x", object(), {(): 1}])
def test_what_json_does_not_have_is_an_error(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[1] 2", b"[" * 100_000, b"9" * 10_000])
def test_what_is_not_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(data)


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_alone_is_encoded_as_it_is_inside_of_a_value(text: str) -> None:
    assert json_text(text).encode() == canonical_json(text)


def test_without_the_part_in_c_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_json", None)
    spec = spec_from_file_location("pylightnix.core.without_c", codec.__file__)
    assert spec is not None and spec.loader is not None
    plain = module_from_spec(spec)
    spec.loader.exec_module(plain)
    for text in ("", "\x00\x1f\x7f\u2028", 'a"\\/\n', "\U0001f600é"):
        assert plain.json_text(text) == json_text(text)
