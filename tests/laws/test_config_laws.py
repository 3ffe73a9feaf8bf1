"""Laws of configs and their bytes: what counts, and what does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pylightnix.core.codec import canonical_json, parse_json
from pylightnix.core.config import (
    config_deps,
    config_dict,
    config_hash,
    config_name,
    mkconfig,
    parse_config,
)
from pylightnix.core.confscan import InvalidConfig
from pylightnix.core.refs import DRef
from strategies import configs, drefs, jsons, rrefs, shuffled, texts

DREF = re.compile("dref:[0-9a-f]{32}-[A-Za-z0-9_-]{1,128}", re.ASCII)


def told_apart(value: object) -> object:
    """A value with its types written out: 1, 1.0 and True differ, the order of keys is gone."""
    if isinstance(value, dict):
        return "dict", frozenset((key, told_apart(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", tuple(told_apart(item) for item in value)
    return type(value).__name__, repr(value)


def strings_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)
    elif isinstance(value, str):
        yield value


@given(configs(), st.data())
def test_the_order_of_keys_does_not_count(fields: dict[str, object], data: st.DataObject) -> None:
    other = data.draw(st.composite(lambda draw: shuffled(draw, fields))())
    assert isinstance(other, dict)
    assert config_hash(mkconfig(other)) == config_hash(mkconfig(fields))
    assert mkconfig(other) == mkconfig(fields)


@given(configs(), configs())
@example({"a": 1}, {"a": 1.0})
@example({"a": 1}, {"a": True})
@example({"a": 0.0}, {"a": -0.0})
@example({"a": None}, {})
@example({"a": [1, 2]}, {"a": [2, 1]})
@example({"a": [[1], 2]}, {"a": [1, [2]]})
@example({"a": "1"}, {"a": 1})
@example({"a": "é"}, {"a": "e\u0301"})
@example({"name": "unnamed"}, {})
def test_everything_else_counts(one: dict[str, object], two: dict[str, object]) -> None:
    same = told_apart(one) == told_apart(two)
    assert (config_hash(mkconfig(one)) == config_hash(mkconfig(two))) == same


@given(configs(), jsons(), jsons(), texts().filter(lambda key: key != "name"))
def test_a_change_of_one_value_changes_the_hash(
    fields: dict[str, object], old: object, new: object, key: str
) -> None:
    before, after = mkconfig({**fields, key: old}), mkconfig({**fields, key: new})
    assert (before == after) == (told_apart(old) == told_apart(new))
    assert (config_hash(before) == config_hash(after)) == (before == after)


@given(configs())
def test_the_text_of_a_config_is_what_a_json_library_would_write(fields: dict[str, object]) -> None:
    assert mkconfig(fields).canonical == canonical_json(fields)


@given(configs())
def test_a_config_gives_back_what_it_was_made_of(fields: dict[str, object]) -> None:
    config = mkconfig(fields)
    assert told_apart(config_dict(config)) == told_apart(fields)
    assert list(config_dict(config)) == sorted(fields)
    assert config_name(config) == fields.get("name", "unnamed")
    assert mkconfig(config_dict(config)) == config
    assert parse_config(config.canonical) == config


@given(configs(), st.lists(drefs(), max_size=3))
def test_the_dependencies_are_the_derivations_among_the_strings(
    fields: dict[str, object], more: list[DRef]
) -> None:
    full: dict[str, object] = {**fields, "more": [*more], "deep": {str(dref): [] for dref in more}}
    wanted = {text for text in strings_in(full) if DREF.fullmatch(text)}
    assert config_deps(mkconfig(full)) == wanted
    assert list(mkconfig(full).deps) == sorted(wanted)


@given(jsons(), rrefs().map(str), st.sampled_from(["value", "list", "key"]))
def test_a_realization_is_refused_wherever_it_stands(beside: object, rref: str, where: str) -> None:
    inside: object = {"value": rref, "list": [beside, [rref]], "key": {rref: beside}}[where]
    with pytest.raises(InvalidConfig, match="is a realization"):
        mkconfig({"a": {"beside": beside, "inside": inside}})


@given(jsons(), jsons())
def test_canonical_bytes_differ_where_values_do(one: object, two: object) -> None:
    assert (canonical_json(one) == canonical_json(two)) == (told_apart(one) == told_apart(two))


@given(jsons())
def test_canonical_bytes_are_json_of_the_same_value(value: object) -> None:
    raw = canonical_json(value)
    assert told_apart(parse_json(raw)) == told_apart(value)
    assert canonical_json(parse_json(raw)) == raw
    assert told_apart(json.loads(raw)) == told_apart(value)


@given(
    st.binary(max_size=30)
    | jsons().map(lambda value: json.dumps(value).encode())
    | configs().map(lambda value: json.dumps(value, ensure_ascii=False, indent=1).encode())
)
def test_bytes_are_a_config_only_if_a_config_has_them(raw: bytes) -> None:
    try:
        config = parse_config(raw)
    except ValueError:
        return
    assert config.canonical == raw
