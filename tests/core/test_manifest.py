"""Manifests by example: what one looks like, and what is none."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from pylightnix.core.codec import canonical_json
from pylightnix.core.manifest import (
    Entry,
    Manifest,
    context_prefix,
    encode_manifest,
    parse_manifest,
    rref_of,
)
from pylightnix.core.refs import DRef
from strategies import node, results

EMPTY = sha256(b"").hexdigest()
DREF, DEP = node(1), node(0)
ENTRIES: tuple[Entry, ...] = (
    ("b", "d"),
    ("b/c", "x", 0, EMPTY),
    ("a", "f", 3, sha256(b"abc").hexdigest()),
    ("l", "l", "../a"),
)
MANIFEST = Manifest(DREF, {DEP: results(DEP, (2, 1))}, ENTRIES)


def test_entries_and_contexts_are_sorted_whatever_their_order() -> None:
    value = json.loads(encode_manifest(MANIFEST))
    assert [entry[0] for entry in value["entries"]] == ["a", "b", "b/c", "l"]
    assert value["context"] == {DEP: sorted(results(DEP, (1, 2)))}


def test_entries_are_sorted_by_the_bytes_of_their_path() -> None:
    # UTF-16 puts the second one first, and so would an order by parts put "a/b" before "a-b".
    paths = ["\U0001f600", "\uffff", "a/b", "a-b", "a", "B", "é", "z"]
    entries: list[Entry] = [(path, "d") for path in paths]
    value = json.loads(encode_manifest(Manifest(DREF, {}, entries)))
    found = [entry[0] for entry in value["entries"]]
    assert found == sorted(paths, key=str.encode)
    assert found == ["B", "a", "a-b", "a/b", "z", "é", "\uffff", "\U0001f600"]


def test_a_manifest_of_nothing_has_bytes_too() -> None:
    manifest = Manifest(DREF, {}, ())
    raw = encode_manifest(manifest)
    assert raw == f'{{"context":{{}},"dref":"{DREF}","entries":[],"version":1}}'.encode()
    assert parse_manifest(raw) == manifest


def test_the_name_of_a_realization_is_the_hash_of_its_manifest() -> None:
    raw = encode_manifest(MANIFEST)
    digest = sha256(b"pylightnix-realization-v1\0" + raw).hexdigest()
    assert rref_of(raw, DREF) == f"rref:{digest[:32]}-{DREF[5:]}"


def test_a_context_that_lists_nothing_differs_from_no_context() -> None:
    assert context_prefix(DREF, {}) != context_prefix(DREF, {DEP: ()})


def forged(**fields: object) -> bytes:
    """A canonical manifest with some of its fields changed."""
    value = {"context": {}, "dref": str(DREF), "entries": [["a", "d"]], "version": 1}
    return canonical_json({**value, **fields})


def test_the_forger_writes_manifests() -> None:
    assert parse_manifest(forged()) == Manifest(DREF, {}, (("a", "d"),))


@pytest.mark.parametrize(
    "field",
    [
        {"version": 2},
        {"version": True},
        {"version": 1.0},
        {"version": "1"},
        {"version": None},
        {"extra": 1},
        {"dref": "bad"},
        {"dref": None},
        {"dref": "rref:" + DREF[5:]},
        {"context": []},
        {"context": None},
        {"context": {"bad": []}},
        {"context": {str(DEP): None}},
        {"context": {str(DEP): "rref"}},
        {"context": {str(DEP): {}}},
        {"context": {str(DEP): ["bad"]}},
        {"context": {str(DEP): [1]}},
        {"context": {str(DEP): list(map(str, results(DEP, (2, 1))))}},
        {"context": {str(DEP): list(map(str, results(DREF, (1,))))}},
        {"entries": None},
        {"entries": {}},
        {"entries": "ad"},
        {"entries": [["b", "d"], ["a", "d"]]},
        {"entries": [["a", "d"], ["a", "d"]]},
    ],
    ids=str,
)
def test_a_field_that_cannot_be_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        parse_manifest(forged(**field))


@pytest.mark.parametrize(
    "entry",
    [
        [],
        None,
        "a",
        ["a"],
        ["a", "d", 1],
        ["a", "D"],
        [1, "d"],
        ["a", "l"],
        ["a", "l", 1],
        ["a", "l", "t", 1],
        ["a", "l", "\\ud800"],
        ["a", "f", 0],
        ["a", "f", 0, EMPTY, 1],
        ["a", "f", -1, EMPTY],
        ["a", "f", 1.0, EMPTY],
        ["a", "f", True, EMPTY],
        ["a", "f", "0", EMPTY],
        ["a", "f", 0, EMPTY[:-1]],
        ["a", "f", 0, EMPTY.upper()],
        ["a", "f", 0, "g" * 64],
        ["a", "s", 0, EMPTY],
        ["", "d"],
        ["/a", "d"],
        ["a/", "d"],
        ["a//b", "d"],
        ["a/./b", "d"],
        ["..", "d"],
        ["a/../../b", "d"],
        ["a\0b", "d"],
        [".pylightnix", "d"],
        [".pylightnix/build.json", "f", 0, EMPTY],
    ],
    ids=lambda entry: f"{entry!r:.30}",
)
def test_an_entry_that_cannot_be_is_refused(entry: object) -> None:
    raw = forged(entries=[entry]).replace(b"\\\\ud800", b"\\ud800")
    with pytest.raises(ValueError):
        parse_manifest(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        forged() + b"\n",
        forged()[:-1],
        forged().replace(b":1}", b": 1}"),
        forged().replace(b'"a"', b'"\\u0061"'),
        forged().replace(b'{"context":{},', b'{"context":{},"context":{},'),
    ],
    ids=lambda raw: f"{raw!r:.30}",
)
def test_bytes_that_no_manifest_has_are_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse_manifest(raw)


def test_our_own_folder_is_reserved_at_the_top_only() -> None:
    raw = forged(entries=[[".pylightnixes", "d"], ["a/.pylightnix", "d"]])
    assert len(parse_manifest(raw).entries) == 2


def test_a_manifest_keeps_types_when_read_back() -> None:
    manifest = parse_manifest(encode_manifest(MANIFEST))
    assert type(manifest.dref) is DRef
    assert {type(dep) for dep in manifest.context} == {DRef}
    assert {type(entry) for entry in manifest.entries} == {tuple}
