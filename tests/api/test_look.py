"""Look-ups: where things are, what they are made of, and how they are linked to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    DRef,
    InvalidRef,
    NotInStore,
    RRef,
    Store,
    StoreError,
    config_dict,
    dref2path,
    instantiate,
    linkrref,
    path2rref,
    realize,
    realize_context,
    rref2dref,
    rref2path,
    selfref,
    store_buildtime,
    store_cattrs,
    store_config,
    store_context,
    store_deepdeps,
    store_deps,
    store_drefs,
    store_rrefs,
)
from pylightnix.store.query import Corrupt
from stages_for_tests import Link, below, constant, noisy, plant, put

pytestmark = pytest.mark.usefixtures("current")


@pytest.fixture
def tower() -> dict[str, RRef]:
    """Four realizations: top needs left and right, both need base."""

    def stage() -> dict[str, DRef]:
        base = constant("base", lr=0.5)
        left, right = constant("left", base), constant("right", base)
        return {"base": base, "left": left, "right": right, "top": constant("top", left, right)}

    result, _ = realize_context(instantiate(stage))
    assert isinstance(result, dict)
    return result


def test_paths_are_those_of_the_format(store: Store, tower: dict[str, RRef]) -> None:
    rref = tower["top"]
    assert rref2path(rref) == Path(store.objects) / rref[38:] / rref[5:37]
    assert dref2path(rref2dref(rref)) == Path(store.objects) / rref[38:]
    assert rref2path(str(rref)) == rref2path(rref)  # type: ignore[arg-type]


def test_configs_are_those_that_were_hashed(tower: dict[str, RRef]) -> None:
    dref = rref2dref(tower["base"])
    assert store_config(dref) == store_config(tower["base"])
    assert config_dict(store_config(dref))["lr"] == 0.5
    assert store_cattrs(dref).lr == store_cattrs(tower["base"]).lr == 0.5


def test_self_references_are_resolved_in_attributes() -> None:
    closure = instantiate(constant, "a", out=[selfref, "text"], n={"x": [[selfref, "y"]]})
    [dref] = closure.targets
    assert store_cattrs(dref).out == [dref, "text"]
    assert store_cattrs(dref).n == {"x": [[dref, "y"]]}


def test_dependencies_direct_and_deep(tower: dict[str, RRef]) -> None:
    base, left, right, top = (rref2dref(tower[n]) for n in ("base", "left", "right", "top"))
    assert store_deps(top) == {left, right}
    assert store_deps([left, right]) == {base}
    assert store_deps(base) == frozenset()
    assert store_deepdeps(top) == {base, left, right}
    assert store_deepdeps([left, top]) == {base, left, right}
    assert store_deepdeps([]) == store_deps([]) == frozenset()


def test_the_context_has_the_direct_dependencies_only(tower: dict[str, RRef]) -> None:
    left, right = tower["left"], tower["right"]
    assert store_context(tower["top"]) == {rref2dref(left): (left,), rref2dref(right): (right,)}


def test_everything_is_listed_sorted(tower: dict[str, RRef]) -> None:
    assert store_drefs() == sorted(rref2dref(rref) for rref in tower.values())
    for rref in tower.values():
        assert store_rrefs(rref2dref(rref)) == [rref]
        assert store_rrefs(rref2dref(rref), store_context(rref)) == [rref]
    assert store_rrefs(rref2dref(tower["top"]), store_context(tower["left"])) == []
    assert store_rrefs(DRef(f"dref:{'0' * 32}-none")) == []


def test_the_time_of_a_build_is_iso_and_may_be_lost(store: Store) -> None:
    from datetime import UTC, datetime

    rref = realize(instantiate(noisy, "a"))
    time = store_buildtime(rref)
    assert time is not None
    age = datetime.now(UTC) - datetime.fromisoformat(time)
    assert 0 <= age.total_seconds() < 60
    assert len(time) == len("2024-05-01T10:00:01.000000+00:00")
    folder = rref2path(rref) / ".pylightnix"
    folder.chmod(0o755)
    (folder / "build.json").unlink()
    assert store_buildtime(rref) is None


NOWHERE = RRef(f"rref:{'0' * 32}-{'0' * 32}-none")
ASK_RREF: list[Callable[[Any], object]] = [rref2path, store_context, store_buildtime, linkrref]
ASK_DREF: list[Callable[[Any], object]] = [dref2path, store_config, store_cattrs, store_deps]


@pytest.mark.parametrize("ask", ASK_RREF)
def test_a_realization_that_is_not_there_is_not_in_the_store(ask: Callable[[Any], object]) -> None:
    with pytest.raises(NotInStore, match=NOWHERE):
        ask(NOWHERE)


@pytest.mark.parametrize("ask", [*ASK_DREF, store_deepdeps])
def test_a_derivation_that_is_not_there_is_not_in_the_store(ask: Callable[[Any], object]) -> None:
    with pytest.raises(NotInStore, match=rref2dref(NOWHERE)):
        ask(rref2dref(NOWHERE))


@pytest.mark.parametrize("bad", ["garbage", "", "../x", "dref:0-x", 5, None, "rref:x\n"])
@pytest.mark.parametrize("ask", [*ASK_RREF, *ASK_DREF, store_rrefs])
def test_what_is_no_reference_is_refused_and_makes_no_path(
    ask: Callable[[Any], object], bad: object
) -> None:
    with pytest.raises(InvalidRef):
        ask(bad)


def test_what_is_damaged_is_not_given(store: Store) -> None:
    rref = put(store, {"a": "x"})
    (rref2path(rref) / "a").chmod(0o644)
    (rref2path(rref) / "a").write_text("y")
    import shutil

    shutil.rmtree(f"{store.var}/verified")
    for ask in ASK_RREF:
        with pytest.raises(Corrupt, match="is damaged"):
            ask(rref)


# Links


def test_a_link_leads_to_the_realization(tower: dict[str, RRef], tmp_path: Path) -> None:
    made = linkrref(tower["top"], tmp_path)
    assert made == tmp_path / "top"
    assert made.resolve() == rref2path(tower["top"]).resolve()
    assert path2rref(made / "text") == tower["top"]


def test_a_link_is_made_where_one_stands_by_default(
    tower: dict[str, RRef], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    linkrref(tower["top"], name="mine")
    assert path2rref("mine") == tower["top"]


def test_a_link_is_replaced_and_nothing_else_is(tower: dict[str, RRef], tmp_path: Path) -> None:
    plant(tmp_path, {"old": Link("nowhere"), "file": "x", "folder/a": "x"})
    linkrref(tower["top"], tmp_path, "old")
    linkrref(tower["left"], tmp_path, "old")
    assert path2rref(tmp_path / "old") == tower["left"]
    for name in ("file", "folder"):
        with pytest.raises(StoreError, match="is not a symlink"):
            linkrref(tower["top"], tmp_path, name)
    assert (tmp_path / "file").read_text() == "x"
    listed = [name for name in below(tmp_path) if not name.startswith("root")]
    assert listed == ["file", "folder", "folder/a", "old"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "/abs"])
def test_a_link_has_a_name_of_one_part(name: str, tower: dict[str, RRef], tmp_path: Path) -> None:
    with pytest.raises(InvalidRef, match="name of a link"):
        linkrref(tower["top"], tmp_path, name)


def test_a_link_into_nowhere_is_an_error_that_names_the_folder(
    tower: dict[str, RRef], tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        linkrref(tower["top"], tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_paths_outside_of_realizations_are_in_none(
    store: Store, tower: dict[str, RRef], tmp_path: Path
) -> None:
    top = rref2path(tower["top"])
    assert path2rref(top) == path2rref(f"{top}/a/b/c") == tower["top"]
    for outside in (
        top.parent,
        top.parent / "config.json",
        top.parent / ".in-0123",
        store.objects,
        f"{store.objects}-not/{top.parent.name}/{top.name}",
        Path(store.objects) / "lost+found" / "x",
        tmp_path,
        "/",
    ):
        assert path2rref(outside) is None


def test_a_store_below_a_link_is_the_same(
    tower: dict[str, RRef], store: Store, tmp_path: Path
) -> None:
    (tmp_path / "alias").symlink_to(Path(store.objects).parent)
    path = tmp_path / "alias" / "store-v1" / tower["top"][38:] / tower["top"][5:37]
    assert path2rref(path) == tower["top"]
    alias = Store.open(tmp_path / "alias")
    assert path2rref(os.path.realpath(path), store=alias) == tower["top"]
