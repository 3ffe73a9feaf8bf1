"""Configs: what may be in one, and what can be asked of it."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import pytest

from pylightnix.core.config import (
    config_cattrs,
    config_deps,
    config_dict,
    config_hash,
    config_name,
    config_promises,
    mkconfig,
    parse_config,
    selfref,
)
from pylightnix.core.confscan import MAX_BYTES, MAX_ISSUES, InvalidConfig
from pylightnix.core.refs import DRef, InvalidName, mkdref, mkname, mkrref

A, B = mkdref("a" * 32, "a"), mkdref("b" * 32, "b")
R = mkrref("1" * 32, "a" * 32, "a")


def issues_of(fields: object) -> tuple[str, ...]:
    with pytest.raises(InvalidConfig) as caught:
        mkconfig(fields)  # type: ignore[arg-type]
    str(caught.value).encode()  # whatever is wrong, the error can be printed
    return caught.value.issues


class Float64(float):
    """As numpy has them: a float by inheritance that prints itself in another way."""

    def __repr__(self) -> str:
        return f"Float64({float(self)})"


class Int64(int):
    pass


class Str(str):
    pass


class Place:
    """A path that is no pathlib path."""

    def __init__(self, text: object) -> None:
        self.text = text

    def __fspath__(self) -> object:
        return self.text


# --- what may be in a config


def test_everything_that_json_has_may_be_in_a_config() -> None:
    fields = {"s": "é", "b": True, "i": -3, "f": 0.1, "n": None, "l": [[], {}], "d": {"": {"k": 1}}}
    assert config_dict(mkconfig(fields)) == fields


def test_the_canonical_bytes_are_sorted_and_have_no_spaces() -> None:
    assert (
        mkconfig({"b": [1, 2.5], "a": {"é": None}}).canonical
        == '{"a":{"é":null},"b":[1,2.5]}'.encode()
    )


def test_a_path_counts_as_its_text() -> None:
    config = mkconfig({"p": Path("a/b"), "q": PurePosixPath("/x"), "r": Place("here")})
    assert config_dict(config) == {"p": "a/b", "q": "/x", "r": "here"}


def test_a_path_is_checked_like_any_text() -> None:
    assert config_deps(mkconfig({"p": Place(str(A))})) == {A}
    assert issues_of({"p": Place(str(R)), "q": Place("\ud800")})[1:] == (
        "config.q: a lone surrogate is not text",
    )


def test_a_checked_name_counts_as_its_text() -> None:
    config = mkconfig({mkname("key"): mkname("value"), "name": mkname("hello")})
    assert config_dict(config) == {"key": "value", "name": "hello"}
    assert config_name(config) == "hello"


def test_any_mapping_may_be_the_config_itself() -> None:
    for mapping in (OrderedDict(a=1), MappingProxyType({"a": 1})):
        assert mkconfig(mapping) == mkconfig({"a": 1})


def test_integers_may_be_huge() -> None:
    assert config_dict(mkconfig({"i": 2**10_000 - 1, "j": -(2**9_000)}))["i"] == 2**10_000 - 1


def test_changing_the_dictionary_afterwards_changes_no_config() -> None:
    inner = [1]
    config = mkconfig({"l": inner})
    before = config_hash(config)
    inner.append(2)
    config_dict(config)["l"].append(3)
    assert config_hash(config) == before
    assert config_dict(config) == {"l": [1]}


def test_configs_are_values() -> None:
    config = mkconfig({"a": 1, "name": "x", "d": A})
    assert pickle.loads(pickle.dumps(config)) == config
    assert len({config, mkconfig({"name": "x", "d": str(A), "a": 1})}) == 1
    with pytest.raises(AttributeError):
        config.canonical = b"{}"  # type: ignore[misc]


# --- what may not


REFUSED: list[tuple[object, str]] = [
    ((1, 2), "tuple is not allowed; use a list"),
    (b"x", "bytes is not allowed; use `mkfile` and depend on it"),
    ({1}, "set is not allowed; use a sorted list"),
    (frozenset(), "frozenset is not allowed"),
    (bytearray(), "bytearray is not allowed"),
    (len, "builtin_function_or_method is not allowed"),
    (lambda: 0, "function is not allowed"),
    (1j, "complex is not allowed"),
    (object, "type is not allowed"),
    (..., "ellipsis is not allowed"),
    (OrderedDict(), "collections.OrderedDict is not allowed"),
    (float("nan"), "nan is not a finite number"),
    (float("inf"), "inf is not a finite number"),
    (float("-inf"), "-inf is not a finite number"),
    ("\ud800", "a lone surrogate is not text"),
    ("a\udfffb", "a lone surrogate is not text"),
    (2**10_000, "an integer of more than 10,000 bits"),
    (-(2**10_000), "an integer of more than 10,000 bits"),
    (Place(b"x"), "a path of bytes is not allowed; use a path of str"),
    (Place(Str("x")), f"a path of {__name__}.Str is not allowed; use a path of str"),
    (Float64(1.5), f"{__name__}.Float64 is not allowed"),
    (Int64(1), f"{__name__}.Int64 is not allowed"),
    (Str("x"), f"{__name__}.Str is not allowed"),
    (str(R), f"{R} is a realization; a config says how to make things: use its DRef"),
    (R, f"{R} is a realization; a config says how to make things: use its DRef"),
]


@pytest.mark.parametrize(
    ("value", "why"),
    REFUSED,
    ids=[why for _, why in REFUSED],
)
def test_what_has_no_one_form_is_refused_with_its_place(value: object, why: str) -> None:
    assert issues_of({"a": {"b": [0, 0, 0, value]}}) == (f"config.a.b[3]: {why}",)
    assert issues_of({"a": value}) == (f"config.a: {why}",)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (1, "config.a[1]: a key must be str, not int"),
        (None, "config.a[None]: a key must be str, not NoneType"),
        (b"k", "config.a[b'k']: a key must be str, not bytes"),
        (Str("k"), f"config.a['k']: a key must be str, not {__name__}.Str"),
        ("\ud800", "config.a.?: a lone surrogate is not text"),
        (
            str(R),
            f"config.a.{R}: {R} is a realization; a config says how to make things: use its DRef",
        ),
    ],
)
def test_a_bad_key_is_refused(key: object, why: str) -> None:
    assert issues_of({"a": {key: 0}}) == (why,)


def test_every_bad_place_is_named_at_once() -> None:
    fields = {"a": {"b": [0, (), 1]}, 5: 1, "c": float("nan"), "d": [[{"e": b""}]], "\ud800": {0}}
    assert [issue.split(": ")[0] for issue in issues_of(fields)] == [
        "config.a.b[1]",
        "config[5]",
        "config.c",
        "config.d[0][0].e",
        "config.?",
        "config.?",
    ]


def test_after_a_hundred_bad_places_the_rest_is_only_hinted_at() -> None:
    found = issues_of({"a": [()] * 1000})
    assert len(found) == MAX_ISSUES + 1
    assert found[-1] == "... and more"


@pytest.mark.parametrize("value", [None, [], "config", 1, {1}, [("a", 1)], A])
def test_only_a_mapping_is_a_config(value: object) -> None:
    (issue,) = issues_of(value)
    assert issue.startswith("config: expected a dictionary, got ")


def nested(levels: int) -> Mapping[str, object]:
    value: object = 0
    for _ in range(levels - 1):
        value = [value]
    return {"a": value}


def test_64_levels_are_allowed_and_65_are_not() -> None:
    assert config_dict(mkconfig(nested(64))) == nested(64)
    (issue,) = issues_of(nested(65))
    assert issue == "config.a" + "[0]" * 63 + ": deeper than 64 levels"


def test_what_is_very_deep_is_refused_like_what_is_deep() -> None:
    (issue,) = issues_of(nested(100_000))
    assert issue.endswith("deeper than 64 levels")


def test_a_list_that_holds_itself_is_refused() -> None:
    once: list[object] = []
    once.append(once)
    assert issues_of({"a": once}) == ("config.a" + "[0]" * 63 + ": deeper than 64 levels",)
    twice: dict[str, object] = {}
    twice.update(left=twice, right=[twice])
    assert issues_of({"a": twice})[-1] == "... and more"


@pytest.mark.parametrize("leaf", [[0], ["x" * 10], [()]], ids=["numbers", "texts", "bad ones"])
@pytest.mark.parametrize("kind", [list, dict])
def test_what_is_shared_2_to_the_60_times_is_refused_at_once(kind: type, leaf: object) -> None:
    value = leaf
    for _ in range(60):
        value = [value, value] if kind is list else {"l": value, "r": value}
    assert issues_of({"a": value})[-1].startswith(("config: over the limit", "... and more"))


def test_what_is_shared_a_few_times_counts_each_time() -> None:
    shared = {"k": [A, "x"]}
    config = mkconfig({"a": shared, "b": [shared, shared], "c": {"d": shared}})
    assert config == mkconfig(
        {"a": {"k": [str(A), "x"]}, "b": [{"k": [A, "x"]}] * 2, "c": {"d": {"k": [A, "x"]}}}
    )
    assert config_deps(config) == {A}


def test_a_bad_value_is_named_in_every_place_where_it_is_shared() -> None:
    shared = [{1}]
    assert [i.split(": ")[0] for i in issues_of({"a": [shared, shared], "b": shared})] == [
        "config.a[0][0]",
        "config.a[1][0]",
        "config.b[0]",
    ]


def test_a_config_has_at_most_a_mebibyte_of_canonical_bytes() -> None:
    room = MAX_BYTES - len(b'{"a":""}')
    assert len(mkconfig({"a": "x" * room}).canonical) == MAX_BYTES
    assert len(mkconfig({"a": "é" * (room // 2)}).canonical) == MAX_BYTES
    for text in (
        "x" * (room + 1),
        "é" * (room // 2 + 1),
        '"' * (room // 2 + 1),
        "x" * 3 * MAX_BYTES,
    ):
        (issue,) = issues_of({"a": text})
        assert issue.startswith(
            "config: over the limit of 1048576 bytes; put large data into a file"
        )


@pytest.mark.parametrize(
    "value",
    [
        [0] * 600_000,
        ["x" * 2**19] * 1000,
        [["x"] * 1000] * 1000,
        {str(i): "" for i in range(200_000)},
    ],
    ids=["numbers", "one text many times", "one list many times", "keys"],
)
def test_what_is_too_large_is_refused_without_being_written_out(value: object) -> None:
    assert len(issues_of({"a": value})) == 1


# --- the name


def test_without_a_name_the_name_is_unnamed() -> None:
    assert config_name(mkconfig({})) == "unnamed"
    assert config_dict(mkconfig({})) == {}


@pytest.mark.parametrize(
    "name", ["", "a b", "hello\n", "a.txt", "../x", "a" * 129, None, 1, [], {}]
)
def test_a_bad_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidName):
        mkconfig({"name": name})


def test_only_the_outermost_name_is_the_name() -> None:
    assert config_name(mkconfig({"a": {"name": "no name!"}})) == "unnamed"


# --- dependencies


def test_derivations_anywhere_are_dependencies() -> None:
    c = mkdref("c" * 32, "c")
    fields = {"a": A, "b": {"x": [[str(B)]]}, "c": {str(c): {}}}
    assert config_deps(mkconfig(fields)) == {A, B, c}
    assert mkconfig({"x": [c, B, A, B]}).deps == (A, B, c)
    assert config_deps(mkconfig({DRef(A): 1})) == {A}


@pytest.mark.parametrize("text", [f"{A} ", f"see {A}", A[5:], A.upper(), f"{A}/x", f"rref:{A[5:]}"])
def test_a_text_that_only_looks_like_a_derivation_is_no_dependency(text: str) -> None:
    assert config_deps(mkconfig({"a": text})) == frozenset()


def test_a_dref_and_its_text_give_the_same_config() -> None:
    assert mkconfig({"a": A}) == mkconfig({"a": str(A)})
    assert type(mkconfig({"a": str(A)}).deps[0]) is DRef


# --- paths inside references


@pytest.mark.parametrize("head", [selfref, str(A), A], ids=["selfref", "text", "dref"])
@pytest.mark.parametrize("part", ["..", ".", "", "a/b", "/etc", "../x", "a\0b"])
def test_a_path_does_not_lead_out_of_its_reference(head: object, part: str) -> None:
    (issue,) = issues_of({"out": [[head, "usr", part]]})
    assert issue == f"config.out[0][2]: {part!r} cannot be a part of a path inside a reference"


@pytest.mark.parametrize("part", [1, None, [], {}, True])
def test_the_parts_of_a_promise_are_texts(part: object) -> None:
    (issue,) = issues_of({"out": [selfref, part]})
    assert issue.startswith("config.out[1]: ")


def test_a_surrogate_in_a_path_is_named_once() -> None:
    assert issues_of({"a": [selfref, "\ud800"]}) == ("config.a[1]: a lone surrogate is not text",)


@pytest.mark.parametrize(
    "value", [[A, B], [A, 1, ".."], [A, ["..", "x"]], ["..", A], ["x", "../y"], [str(A), "", B]]
)
def test_a_list_that_is_not_a_path_holds_anything(value: list[object]) -> None:
    assert config_dict(mkconfig({"a": value}))["a"] == value


def test_promises_are_found_wherever_they_are() -> None:
    fields = {
        "z": [selfref, "a", "b.txt"],
        "a": {"x": [[[selfref, "c"]], {"y": [selfref]}]},
        "not": [f'["{selfref}"', ["x", selfref]],
    }
    assert config_promises(mkconfig(fields)) == [[selfref, "c"], [selfref], [selfref, "a", "b.txt"]]


def test_most_configs_promise_nothing() -> None:
    assert config_promises(mkconfig({"a": [A, "b"], "b": selfref, selfref: [1]})) == []


# --- attributes


def test_fields_are_had_as_attributes() -> None:
    fields = config_cattrs(mkconfig({"lr": 0.1, "d": {"k": [1]}, "out": [selfref, "x"]}))
    assert (fields.lr, fields.d, fields.out) == (0.1, {"k": [1]}, [selfref, "x"])


def test_self_references_become_references_to_the_derivation_itself() -> None:
    config = mkconfig({"a": [selfref, "x"], "b": {"c": [[selfref], 1, "t"]}, "d": [], "e": selfref})
    fields = config_cattrs(config, A)
    assert fields.a == [A, "x"]
    assert fields.b == {"c": [[A], 1, "t"]}
    assert (fields.d, fields.e) == ([], selfref)


# --- reading one back


def test_a_config_is_read_back_from_its_bytes() -> None:
    config = mkconfig({"a": [A, 1.0], "name": "x"})
    assert parse_config(config.canonical) == config


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"{} ",
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":1.50}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\\u00e9"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"name":"a b"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
    ids=lambda raw: f"{raw!r:.40}",
)
def test_bytes_that_no_config_has_are_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse_config(raw)


def test_the_error_names_every_place_and_survives_a_trip() -> None:
    with pytest.raises(InvalidConfig) as caught:
        mkconfig({"a": {1}, "b": [()]})
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert str(again).splitlines() == [
        "this config cannot be hashed:",
        "  config.a: set is not allowed; use a sorted list",
        "  config.b[0]: tuple is not allowed; use a list",
        "a config holds str, bool, int, finite float, None, list, dict with str keys, and paths",
    ]
