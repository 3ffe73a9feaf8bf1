"""What is seen in the bytes of our own files at a glance is what parsing them tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.config import mkconfig, parse_config
from pylightnix.core.manifest import Manifest, context_key, encode_manifest
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.glance import (
    MANIFEST_END,
    PROVENANCE_END,
    deps_in_config,
    seen_in_manifest,
    stop_in_provenance,
)
from pylightnix.store.provenance import Provenance, encode_provenance
from strategies import configs, manifests, node

TRAPS = ['a","f",9,"', '"f",1', "\\", '\\","x",7,', ',"version":1}', "f", "x", ',"dref":"']


@given(manifests())
def test_of_a_manifest_the_context_and_the_bytes_of_files(manifest: Manifest) -> None:
    context, size = seen_in_manifest(raw := encode_manifest(manifest))
    assert {dep: sorted(found) for dep, found in context.items()} == {
        dep: sorted(found) for dep, found in manifest.context.items()
    }
    assert context_key(context) == context_key(manifest.context)
    assert {type(rref) for found in context.values() for rref in found} <= {RRef}
    assert {type(dep) for dep in context} <= {DRef}
    assert size == sum(entry[2] for entry in manifest.entries if len(entry) == 4)
    assert raw.endswith(MANIFEST_END)
    assert raw.count(MANIFEST_END) == 1


@pytest.mark.parametrize("trap", TRAPS)
def test_a_name_that_looks_like_something_else_is_a_name(trap: str) -> None:
    name = trap.replace("/", "")
    entries = ((name, "f", 5, "0" * 64), ("d", "d"), (f"d/{name}", "l", trap), ("z", "l", "f"))
    raw = encode_manifest(Manifest(node(0), {}, entries))
    assert seen_in_manifest(raw) == ({}, 5)
    assert raw.count(MANIFEST_END) == 1


@given(configs())
def test_of_a_config_the_derivations_in_it(fields: dict[str, object]) -> None:
    raw = mkconfig(fields).canonical
    seen = deps_in_config(raw)
    assert seen is None or seen == parse_config(raw).deps


def test_most_configs_need_not_be_parsed_and_odd_ones_are() -> None:
    dep = str(node(1))
    assert deps_in_config(mkconfig({"a": [dep, {"b": dep}], "c": 1}).canonical) == (dep,)
    assert deps_in_config(mkconfig({"a": "text"}).canonical) == ()
    for odd in ({dep: 1}, {"a": f"{dep}!"}, {"a": 'say "hello"'}):
        assert deps_in_config(mkconfig(odd).canonical) is None


def provenance(user: str) -> Provenance:
    return Provenance("2026-01-01T00:00:00", "2026-01-01T00:00:01", 1.0, "h", user, "3", "1", "m:f")


@pytest.mark.parametrize("user", ["ann", "Ünal", 'a"b', '","stop":"1', "{", "}"])
def test_of_a_build_when_it_ended(user: str) -> None:
    raw = encode_provenance(provenance(user))
    assert raw.endswith(PROVENANCE_END)
    assert stop_in_provenance(raw) in (None, "2026-01-01T00:00:01")
    assert (stop_in_provenance(raw) is None) == (user not in ("ann", "}"))


@given(st.binary(), st.binary())
def test_any_other_bytes_say_nothing_or_a_text(before: bytes, behind: bytes) -> None:
    assert isinstance(stop_in_provenance(b'{%b"stop":"%b' % (before, behind)), str | None)
