"""Bad input was refused by `assert`, or not at all under `python -O`; here always, and by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    DRef,
    InvalidConfig,
    InvalidRef,
    InvalidValue,
    NoStore,
    PylightnixError,
    Registry,
    RRef,
    Store,
    catref,
    diff,
    dref2path,
    du,
    find,
    instantiate,
    lsref,
    match,
    match_latest,
    mkconfig,
    mkdref,
    mkname,
    mkrref,
    realize,
    rmref,
    rref2dref,
    rref2path,
    store_config,
    store_context,
    store_deepdeps,
    store_deps,
    store_drefs,
    store_rrefs,
    undref,
    unrref,
)
from stages_for_tests import below, constant, plant, put, python

pytestmark = pytest.mark.usefixtures("current")

BAD_REFS: list[Any] = [
    "",
    "garbage",
    "dref:",
    "rref:",
    "dref:xyz-name",
    f"dref:{'0' * 32}",
    f"dref:{'0' * 32}-",
    f"dref:{'0' * 31}-name",
    f"dref:{'0' * 33}-name",
    f"dref:{'A' * 32}-name",
    f"dref:{'0' * 32}-na me",
    f"dref:{'0' * 32}-name\n",
    f"dref:{'0' * 32}-{'n' * 129}",
    f"dref:{'0' * 32}-na\u00efve",
    f"dref:{'0' * 32}-../../x",
    f"rref:{'0' * 32}-name",
    f"rref:{'0' * 32}-{'0' * 32}-",
    f"rref:{'0' * 32}-{'0' * 32}-a/b",
    f" dref:{'0' * 32}-name",
    "/etc/passwd",
    "../../etc/passwd",
    "\0",
    "dref:\0",
    5,
    None,
    b"dref:x",
    ["dref:x"],
    1.5,
    object(),
]
TAKE_REF: list[Callable[[Any], object]] = [
    DRef,
    RRef,
    undref,
    unrref,
    rref2dref,
    rref2path,
    dref2path,
    store_config,
    store_context,
    store_rrefs,
]


@pytest.mark.parametrize("take", TAKE_REF)
def test_what_is_no_reference_never_becomes_a_path(
    take: Callable[[Any], object], store: Store
) -> None:
    """`rref2path('garbage')` gave a path under -O."""
    before = below(Path(store.objects).parent)
    for bad in BAD_REFS:
        with pytest.raises(InvalidRef):
            take(bad)
    assert below(Path(store.objects).parent) == before


BAD_CONFIGS: dict[str, Any] = {
    "a tuple": {"a": (1, 2)},
    "bytes": {"a": b"x"},
    "a set": {"a": {1}},
    "NaN": {"a": float("nan")},
    "infinity": {"a": [float("-inf")]},
    "a function": {"a": len},
    "a class": {"a": int},
    "an object": {"a": object()},
    "a complex number": {"a": 1j},
    "a number as a key": {1: "a"},
    "None as a key": {"a": {None: 1}},
    "a tuple as a key": {"a": {(1,): 1}},
    "a lone surrogate": {"a": "\ud800"},
    "a lone surrogate as a key": {"a": {"\ud800": 1}},
    "a path of bytes": {"a": os.DirEntry},
    "a realization": {"a": f"rref:{'0' * 32}-{'0' * 32}-x"},
    "a realization below": {"a": [{"b": f"rref:{'0' * 32}-{'0' * 32}-x"}]},
    "too large a number": {"a": 10**4000},
    "no dictionary": [("a", 1)],
    "nothing": None,
    "a text": "a",
    "a path that leads out": {"a": ["__self__", ".."]},
    "a registry below": {"a": [Registry()]},
}


@pytest.mark.parametrize("what", BAD_CONFIGS)
def test_what_cannot_be_hashed_is_refused(what: str) -> None:
    """Under -O tuples were accepted; NaN always was."""
    with pytest.raises(InvalidConfig, match="config"):
        mkconfig(BAD_CONFIGS[what])


def test_what_is_too_deep_too_large_or_holds_itself_is_refused_quickly() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidConfig):
        mkconfig({"a": deep})
    with pytest.raises(InvalidConfig):
        mkconfig({"a": "x" * (1 << 21)})
    circle: list[object] = []
    circle.append(circle)
    circle.append(circle)
    with pytest.raises(InvalidConfig):
        mkconfig({"a": circle})
    while deep:  # or its deletion overflows the stack of older interpreters
        deep = deep[0]  # type: ignore[assignment]


MISUSES: dict[str, Callable[[], object]] = {
    "a name with a space": lambda: mkname("a b"),
    "an empty name": lambda: mkname(""),
    "a name that is too long": lambda: mkname("n" * 129),
    "a name of bytes": lambda: mkname(b"n"),  # type: ignore[arg-type]
    "a hash in capitals": lambda: mkdref("A" * 32, "n"),
    "a hash that is none": lambda: mkrref("0" * 32, "x", "n"),
    "no builds at all": lambda: match_latest(0),
    "bounds the wrong way round": lambda: match(rmin=3, rmax=2),
    "an unknown durability": lambda: Store.open("/nowhere", durability="x"),  # type: ignore[arg-type]
    "no store": lambda: Store.open("/nowhere"),
    "no stage": lambda: instantiate(None),  # type: ignore[call-overload]
    "a text for a stage": lambda: instantiate("stage"),
    "a stage of nothing": lambda: instantiate(lambda: None),
    "a path out of an object": lambda: catref(f"rref:{'0' * 32}-{'0' * 32}-n", ["..", "x"]),
    "a difference of nothing": lambda: diff("a", "b"),
    "dependencies of nothing": lambda: store_deps(["garbage"]),  # type: ignore[list-item]
    "deep dependencies of nothing": lambda: store_deepdeps(["garbage"]),  # type: ignore[list-item]
    "the deletion of nothing": lambda: rmref("nothing"),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_is_an_error_of_ours_and_leaves_nothing(misuse: str, store: Store) -> None:
    """About two hundred asserts, mixed with TypeError and FileNotFoundError, were what users got;
    under -O even those were gone."""
    before = below(Path(store.objects).parent)
    with pytest.raises(PylightnixError) as caught:
        MISUSES[misuse]()
    assert str(caught.value)
    assert below(Path(store.objects).parent) == before


@pytest.mark.parametrize("option", ["force_rebuild", "assert_realized"])
def test_the_type_of_what_is_forced_is_checked(option: str) -> None:
    """Under -O anything went, and unknown references were ignored."""
    closure = instantiate(constant, "a")
    for bad in (5, object(), ["garbage"], "garbage", [f"dref:{'0' * 32}-unknown"]):
        with pytest.raises(PylightnixError):
            realize(closure, **{option: bad})  # type: ignore[arg-type]


def stray(store: Store, dref: DRef) -> None:
    """What file systems and copy programs leave about."""
    home = f"{store.objects}/{dref[5:]}"
    for folder in (store.objects, home):
        plant(folder, {"lost+found/x": "y", ".nfs123": "x", ".in-0123/a": "x", "file": "x"})
        plant(folder, {"0" * 32: "a file", "1" * 32 + "-": None, "Thumbs.db": "", ".snap": None})
        os.symlink("nowhere", f"{folder}/dangling")
        os.symlink("nowhere", f"{folder}/{'3' * 32}")
        os.mkfifo(f"{folder}/{'4' * 32}")
    plant(store.objects, {f"{'2' * 32}-empty": None, f"{'2' * 32}-file": "x"})
    os.mkdir(f"{home}/{'6' * 32}")


def test_strange_names_in_the_store_are_passed_over_by_every_look_up(store: Store) -> None:
    """One `lost+found` in the store made every listing raise AssertionError."""
    rref = put(store, {"a": "x"})
    dref = rref2dref(rref)
    expected = (store_drefs(), store_rrefs(dref), find(), lsref(dref), du())
    assert expected[:2] == ([dref], [rref])
    stray(store, dref)
    found = (store_drefs(), store_rrefs(dref), find(), lsref(dref), du())
    assert found == expected
    assert catref("thing", "a") == ["x"]
    assert store_deepdeps(dref) == frozenset()
    realize(instantiate(constant, "thing"))
    rmref(rref)
    assert store_rrefs(dref) == []


def test_an_alias_of_a_derivation_is_none(store: Store) -> None:
    rref = put(store, {"a": "x"})
    alias = mkdref("5" * 32, "alias")
    os.symlink(rref[38:], f"{store.objects}/{alias[5:]}")
    assert store_rrefs(alias) == []
    with pytest.raises(PylightnixError):
        store_config(alias)


def test_without_a_store_the_command_that_makes_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a FileNotFoundError about some file inside."""
    nowhere = Store(str(tmp_path / "no" / "store-v1"), str(tmp_path / "no" / "var"))
    from pylightnix import use_store

    with use_store(nowhere):
        for ask in (store_drefs, du, find, lambda: lsref("x"), lambda: instantiate(constant, "a")):
            with pytest.raises(NoStore, match="pylightnix init"):
                ask()
    assert not (tmp_path / "no").exists()


def test_all_of_this_holds_without_asserts(store: Store, tmp_path: Path) -> None:
    """With `python -O` a wrong checksum was accepted and stored, tuples were hashed, and any text
    was turned into a path."""
    (tmp_path / "file").write_text("contents")
    program = """
import sys
from pylightnix import *
from stages_for_tests import constant, noisy
closure = instantiate(constant, "good")
realize(closure)
CASES = {
    "checksum of a file": lambda: realize(instantiate(fetchlocal, sys.argv[1], sha256="0" * 64)),
    "checksum of an address": lambda: realize(
        instantiate(fetchurl, url="file://" + sys.argv[1], sha256="0" * 64, mode="as-is")),
    "no checksum": lambda: instantiate(fetchurl, url="file://" + sys.argv[1]),
    "tuple": lambda: mkconfig({"a": (1,)}),
    "NaN": lambda: mkconfig({"a": float("nan")}),
    "path": lambda: rref2path("garbage"),
    "force": lambda: realize(closure, force_rebuild=5),
    "unknown": lambda: realize(closure, force_rebuild=["dref:" + "0" * 32 + "-x"]),
    "must be there": lambda: realize(
        instantiate(noisy, "n"), assert_realized=instantiate(noisy, "n").targets),
    "promise": lambda: realize(instantiate(constant, "liar", out=[selfref, "missing"])),
    "escape": lambda: mkconfig({"a": [selfref, ".."]}),
    "registry": lambda: constant("a"),
    "result": lambda: instantiate(lambda: None),
    "name": lambda: mkname("a" + chr(10)),
    "artifact": lambda: instantiate(mknode, {}, {"../x": b""}),
}
for name, case in CASES.items():
    try:
        print(name, "ACCEPTED:", case())
    except PylightnixError as error:
        print(name, "refused")
    except Exception as error:
        print(name, "RAISED", repr(error))
print(sys.flags.optimize, len(find()))
"""
    root = str(Path(store.objects).parent)
    done = python(program, str(tmp_path / "file"), optimize=1, PYLIGHTNIX_ROOT=root)
    lines = done.stdout.splitlines()
    assert [line for line in lines[:-1] if not line.endswith(" refused")] == []
    assert len(lines) == 16, done.stderr
    assert lines[-1] == "1 1"
    assert [rref[71:] for rref in find()] == ["good"]


def test_a_text_where_a_value_belongs_is_named_in_the_error() -> None:
    with pytest.raises(InvalidValue, match="'garbage'"):
        rref2path("garbage")  # type: ignore[arg-type]
