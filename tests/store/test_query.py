"""What is in the store, and what it depends on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import DRef, NotInStore, Store
from pylightnix.store.layout import config_path, drv_path, rref_path
from pylightnix.store.objects import put_derivation
from pylightnix.store.query import (
    Corrupt,
    config_of,
    context_of,
    deep_deps,
    dref_of,
    drefs,
    provenance_of,
    rrefs,
)
from stages_for_tests import derivation, put


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert drefs(store) == []
    assert rrefs(store, derivation()[0]) == []


def test_derivations_and_realizations_come_sorted(store: Store) -> None:
    made = [put(store, {"a": str(i)}, f"n{i % 3}") for i in range(9)]
    assert drefs(store) == sorted({dref_of(rref) for rref in made})
    for dref in drefs(store):
        assert rrefs(store, dref) == sorted(r for r in made if dref_of(r) == dref)


def test_only_realizations_of_the_asked_context_are_given(store: Store) -> None:
    dep = derivation("dep")[0]
    one, two = put(store, {"a": "1"}, "dep"), put(store, {"a": "2"}, "dep")
    with_one = put(store, {}, "top", context={dep: [one]})
    with_both = put(store, {}, "top", context={dep: [two, one]})
    without = put(store, {}, "top")
    top = derivation("top")[0]
    assert rrefs(store, top, {dep: [one]}) == [with_one]
    assert rrefs(store, top, {dep: [one, two]}) == [with_both]
    assert rrefs(store, top, {dep: [two]}) == []
    assert rrefs(store, top, {}) == [without]
    assert len(rrefs(store, top)) == 3
    assert context_of(store, with_both) == {dep: tuple(sorted([one, two]))}


def test_what_has_no_config_is_no_derivation(store: Store) -> None:
    rref = put(store, {})
    os.unlink(config_path(store, dref_of(rref)))
    assert drefs(store) == []


def test_a_config_is_read_as_it_was_hashed(store: Store) -> None:
    dref, config = derivation(a=[1, {"b": None}], name="n")
    put_derivation(store, dref, config)
    assert config_of(store, dref) == config


def test_an_unknown_derivation_is_not_in_the_store(store: Store) -> None:
    dref = derivation()[0]
    with pytest.raises(NotInStore, match=dref):
        config_of(store, dref)
    Path(drv_path(store, dref)).write_text("a file")
    with pytest.raises(NotInStore, match="no such derivation"):
        config_of(store, dref)


def rewritten(store: Store, data: bytes, name: str = "thing") -> DRef:
    """A derivation whose config was replaced by these bytes; its name says their hash."""
    from pylightnix import mkdref
    from pylightnix.core.hashing import config_digest

    dref = mkdref(config_digest(data), name)
    os.mkdir(drv_path(store, dref))
    Path(config_path(store, dref)).write_bytes(data)
    return dref


def test_a_config_that_was_tampered_with_is_never_given(store: Store) -> None:
    dref, config = derivation()
    put_derivation(store, dref, config)
    path = Path(config_path(store, dref))
    for data in (b"{}", b"", config.canonical.replace(b"thing", b"thong"), b"\xff", b"[" * 9999):
        path.chmod(0o644)
        path.write_bytes(data)
        with pytest.raises(Corrupt, match=dref):
            config_of(store, dref)


def test_a_config_that_is_a_link_or_cannot_be_read_is_corrupt(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dref, config = derivation()
    put_derivation(store, dref, config)
    path = Path(config_path(store, dref))
    path.rename(path.with_name("real"))
    path.symlink_to("real")
    with pytest.raises(Corrupt, match="a config that can be read"):
        config_of(store, dref)


def test_a_config_that_cannot_be_read_just_now_is_not_called_corrupt(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dref, config = derivation()
    put_derivation(store, dref, config)

    def out_of_descriptors(*args: object, **kwargs: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", out_of_descriptors)
    with pytest.raises(OSError, match="Too many open files"):
        config_of(store, dref)


def test_a_store_whose_objects_are_gone_lists_nothing(store: Store) -> None:
    os.rmdir(store.objects)
    assert drefs(store) == []


FORGED: dict[str, Callable[[Store], DRef]] = {
    "not canonical": lambda store: rewritten(store, b'{"name": "thing"}'),
    "no dictionary": lambda store: rewritten(store, b"[]"),
    "no text": lambda store: rewritten(store, b"\xff"),
    "NaN": lambda store: rewritten(store, b'{"a":NaN,"name":"thing"}'),
    "another name": lambda store: rewritten(store, b'{"name":"other"}'),
    "deep": lambda store: rewritten(store, b'{"name":' + b"[" * 100_000),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_config_that_no_one_could_have_made_is_corrupt_though_its_hash_fits(
    how: str, store: Store
) -> None:
    with pytest.raises(Corrupt):
        config_of(store, FORGED[how](store))


@pytest.mark.parametrize("data", [None, b"", b"[]", b"\xff", b"[" * 100_000])
def test_lost_or_damaged_provenance_is_empty(data: bytes | None, store: Store) -> None:
    rref = put(store, {})
    folder = Path(rref_path(store, rref)) / ".pylightnix"
    folder.chmod(0o755)
    (folder / "build.json").unlink()
    if data is not None:
        (folder / "build.json").write_bytes(data)
    assert provenance_of(store, rref) == {}
    assert rrefs(store, dref_of(rref)) == [rref]


def test_dependencies_are_followed_to_the_end_and_once(store: Store) -> None:
    def add(name: str, *deps: DRef) -> DRef:
        dref, config = derivation(name, deps=list(deps))
        put_derivation(store, dref, config)
        return dref

    a = add("a")
    b, c = add("b", a), add("c", a)
    d = add("d", b, c)
    assert deep_deps(store, [d]) == sorted([a, b, c])
    assert deep_deps(store, [b, c]) == [a]
    assert deep_deps(store, [a]) == []
