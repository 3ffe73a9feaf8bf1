"""Laws of manifests: no two realizations that differ share a name."""

from __future__ import annotations

import json

from hypothesis import assume, given
from hypothesis import strategies as st

from pylightnix.core.codec import canonical_json, json_text
from pylightnix.core.manifest import (
    Entry,
    Manifest,
    context_prefix,
    encode_manifest,
    parse_manifest,
    rref_of,
)
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import changed
from pylightnix.store.provenance import Provenance, encode_provenance
from strategies import (
    Tree,
    configs,
    drefs,
    entries_of,
    jsons,
    manifests,
    node,
    results,
    rrefs,
    tree_pairs,
)

DREF = node(0)


def meaning(manifest: Manifest) -> object:
    """What a manifest says, without the order in which it says it."""
    context = {dep: frozenset(rrefs) for dep, rrefs in manifest.context.items()}
    return manifest.dref, context, frozenset(manifest.entries)


@given(manifests())
def test_encoding_and_parsing_are_inverse(manifest: Manifest) -> None:
    raw = encode_manifest(manifest)
    assert meaning(parse_manifest(raw)) == meaning(manifest)
    assert encode_manifest(parse_manifest(raw)) == raw


@given(manifests())
def test_the_bytes_are_canonical_json_with_the_fields_of_the_specification(
    manifest: Manifest,
) -> None:
    raw = encode_manifest(manifest)
    value = json.loads(raw)
    assert raw == canonical_json(value)
    assert sorted(value) == ["context", "dref", "entries", "version"]
    assert value["version"] == 1


@given(manifests(), st.data())
def test_the_order_of_entries_and_of_the_context_does_not_count(
    manifest: Manifest, data: st.DataObject
) -> None:
    entries = data.draw(st.permutations(manifest.entries))
    context = {dep: manifest.context[dep][::-1] for dep in reversed([*manifest.context])}
    other = changed(manifest, entries=entries, context=context)
    assert encode_manifest(other) == encode_manifest(manifest)


@given(manifests(), manifests())
def test_manifests_that_differ_have_bytes_and_names_that_differ(
    one: Manifest, two: Manifest
) -> None:
    raws = encode_manifest(one), encode_manifest(two)
    assert (raws[0] == raws[1]) == (meaning(one) == meaning(two))
    assert (rref_of(raws[0], DREF) == rref_of(raws[1], DREF)) == (raws[0] == raws[1])


@given(tree_pairs())
def test_trees_that_differ_have_manifests_that_differ(pair: tuple[Tree, Tree]) -> None:
    one, two = pair
    raws = [encode_manifest(Manifest(DREF, {}, entries_of(tree))) for tree in pair]
    assert (raws[0] == raws[1]) == (dict(one) == dict(two))


@given(manifests(), st.data())
def test_each_entry_counts(manifest: Manifest, data: st.DataObject) -> None:
    assume(manifest.entries)
    at = data.draw(st.integers(0, len(manifest.entries) - 1))
    fewer = [entry for number, entry in enumerate(manifest.entries) if number != at]
    path = manifest.entries[at][0]
    other: Entry = (path, "d") if len(manifest.entries[at]) != 2 else (path, "l", "x")
    names = {
        rref_of(encode_manifest(changed(manifest, entries=entries)), manifest.dref)
        for entries in (manifest.entries, fewer, [*fewer, other])
    }
    assert len(names) == 3


@given(manifests(), drefs(), st.data())
def test_the_derivation_and_every_dependency_count(
    manifest: Manifest, dref: str, data: st.DataObject
) -> None:
    other = data.draw(drefs().filter(lambda other: other not in manifest.context))
    more = {**manifest.context, other: tuple(data.draw(st.lists(rrefs(other), max_size=2)))}
    raws = {
        encode_manifest(manifest),
        encode_manifest(changed(manifest, context=more)),
        encode_manifest(changed(manifest, dref=other)),
    }
    assert len(raws) == 2 + (other != manifest.dref)


@given(manifests())
def test_every_manifest_begins_with_the_prefix_of_its_context(manifest: Manifest) -> None:
    assert encode_manifest(manifest).startswith(context_prefix(manifest.dref, manifest.context))


@given(manifests(), st.data())
def test_no_manifest_begins_with_the_prefix_of_another_context(
    manifest: Manifest, data: st.DataObject
) -> None:
    context = dict(data.draw(st.just(manifest) | manifests()).context)
    for dep in data.draw(st.lists(st.sampled_from(sorted(context)), max_size=1)) if context else ():
        # A dependency more, a realization more or a realization less: close, and not the same.
        change = data.draw(st.sampled_from(["drop", "more", "less"]))
        if change == "drop":
            del context[dep]
        else:
            more = dict.fromkeys((*context[dep], rref_near(dep)))
            context[dep] = context[dep][1:] if change == "less" else tuple(more)
    same = meaning(changed(manifest, context=context)) == meaning(manifest)
    prefix = context_prefix(manifest.dref, context)
    assert encode_manifest(manifest).startswith(prefix) == same


def rref_near(dref: DRef) -> RRef:
    return results(dref, (0,))[0]


@given(
    st.binary(max_size=30)
    | jsons().map(canonical_json)
    | configs().map(canonical_json)
    | st.fixed_dictionaries(
        {
            "context": st.just({}) | jsons(),
            "dref": drefs().map(str) | jsons(),
            "entries": st.just([]) | st.lists(st.lists(jsons(), max_size=4), max_size=2) | jsons(),
            "version": st.just(1) | jsons(),
        }
    ).map(canonical_json)
)
def test_bytes_are_a_manifest_only_if_a_manifest_has_them(raw: bytes) -> None:
    try:
        manifest = parse_manifest(raw)
    except ValueError:
        return
    assert encode_manifest(manifest) == raw


@given(st.text(st.characters(exclude_categories=())))
def test_a_text_is_encoded_as_the_library_would(text: str) -> None:
    assert json_text(text) == json.dumps(text, ensure_ascii=False)


@given(*[st.text()] * 7, st.floats(0, 1e9), st.lists(st.text(), max_size=2))
def test_provenance_is_written_as_the_library_would(
    start: str,
    stop: str,
    host: str,
    user: str,
    python: str,
    version: str,
    realizer: str,
    seconds: float,
    remarks: list[str],
) -> None:
    facts = Provenance(start, stop, seconds, host, user, python, version, realizer)
    plain = {name: getattr(facts, name) for name in Provenance.__annotations__}
    reason = {"portable_reason": remarks} if remarks else {}
    wanted = canonical_json({**plain, "portable": not remarks, **reason})
    assert encode_provenance(facts, remarks) == wanted
