"""Stages made of bytes, and stages made of other stages, in the current registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    BuildFailed,
    DRef,
    InstantiateError,
    InvalidConfig,
    InvalidName,
    InvalidValue,
    NoRegistry,
    NotRealized,
    Registry,
    Store,
    build_outpath,
    build_wrapper,
    catref,
    config_dict,
    instantiate,
    match_latest,
    match_only,
    mkconfig,
    mkfile,
    mknode,
    realize,
    realize_many,
    realized,
    redefine,
    rref2path,
    store_config,
    store_deps,
)
from stages_for_tests import below, constant, lines_of, noisy, text_of

pytestmark = pytest.mark.usefixtures("current")


# Bytes


def test_a_node_holds_what_it_is_given() -> None:
    closure = instantiate(mknode, {"lr": 1}, {"a": b"x", "b": b"\0"}, name="mine")
    path = rref2path(realize(closure))
    assert (path / "a").read_bytes() == b"x"
    assert (path / "b").read_bytes() == b"\0"
    fields = config_dict(closure.derivations[0].config)
    assert fields["name"] == "mine"
    assert set(fields["__artifacts__"]) == {"a", "b"}


def test_a_node_may_hold_nothing_and_take_a_config() -> None:
    rref = realize(instantiate(mknode, mkconfig({"name": "given"})))
    assert rref[71:] == "given"
    assert below(rref2path(rref)) == [
        ".pylightnix",
        ".pylightnix/build.json",
        ".pylightnix/manifest.json",
    ]


def test_other_bytes_are_another_node() -> None:
    drefs = {
        instantiate(mknode, {}, artifacts).targets[0]
        for artifacts in ({"a": b"x"}, {"a": b"y"}, {"b": b"x"}, {})
    }
    assert len(drefs) == 4


def test_a_node_may_depend_on_others() -> None:
    def stage() -> DRef:
        return mknode({"dep": constant("base")}, {"a": b"x"})

    closure = instantiate(stage)
    realize(closure)
    assert len(store_deps(closure.targets)) == 1


@pytest.mark.parametrize(
    "artifacts", [{"a/b": b""}, {"..": b""}, {"": b""}, {"a": "text"}, {"a": None}, {5: b""}]
)
def test_a_node_of_impossible_artifacts_is_refused(artifacts: Any) -> None:
    with pytest.raises(InvalidValue, match="mknode"):
        instantiate(mknode, {}, artifacts)


def test_a_node_of_an_impossible_config_is_refused() -> None:
    with pytest.raises(InvalidConfig):
        instantiate(mknode, {"a": (1,)})
    with pytest.raises(InvalidName):
        instantiate(mknode, {}, name="a name")


def test_a_node_cannot_claim_our_own_folder(store: Store) -> None:
    with pytest.raises((InvalidValue, BuildFailed), match="pylightnix"):
        realize(instantiate(mknode, {}, {".pylightnix": b""}))


@pytest.mark.parametrize(
    ("contents", "filename", "expected"),
    [("gr\u00fcn", None, "note"), (b"gr\xc3\xbcn", "f.txt", "f.txt")],
)
def test_a_file_is_text_or_bytes(contents: Any, filename: str | None, expected: str) -> None:
    rref = realize(instantiate(mkfile, "note", contents, filename))
    assert rref[71:] == "note"
    assert catref(rref, expected) == ["gr\u00fcn"]


@pytest.mark.parametrize("contents", [5, None, ["a"]])
def test_a_file_of_something_else_is_refused(contents: Any) -> None:
    with pytest.raises(InvalidValue):
        instantiate(mkfile, "note", contents)


# Other stages


def test_a_redefined_stage_has_another_config() -> None:
    def faster(fields: dict[str, Any]) -> None:
        fields["lr"] = 0.5
        del fields["deps"]

    old = instantiate(constant, "a", lr=0.1)
    new = instantiate(redefine(constant, new_config=faster), "a", lr=0.1)
    assert old.targets != new.targets
    assert [drv.config.name for drv in new.derivations] == ["a"]
    assert config_dict(new.derivations[0].config) == {"lr": 0.5, "name": "a", "text": ""}


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: {**fields, "lr": 0.5},
        lambda fields: mkconfig({**fields, "lr": 0.5}),
    ],
)
def test_a_config_may_be_returned_instead_of_changed(change: Any) -> None:
    [drv] = instantiate(redefine(constant, new_config=change), "a").derivations
    assert config_dict(drv.config)["lr"] == 0.5


def test_a_redefined_stage_keeps_its_dependencies_and_what_is_not_redefined(store: Store) -> None:
    def stage() -> DRef:
        return constant("top", constant("base", text="deep"))

    plain, again = instantiate(stage), instantiate(redefine(stage))
    assert plain.targets == again.targets
    assert realize(plain) == realize(again)
    louder = redefine(stage, new_realizer=build_wrapper(lambda b: shout(b)))
    [base, top] = instantiate(louder).derivations
    assert top.matcher == match_only()
    assert text_of(store, realize(instantiate(louder), force_rebuild=[base.dref]))


def shout(b: Any) -> None:
    (build_outpath(b) / "text").write_text("LOUD")


def test_a_redefined_matcher_and_realizer_stand(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    several = redefine(noisy, new_matcher=match_latest(2))
    assert len(realize_many(instantiate(several, "a", journal=journal))) == 2
    loud = redefine(constant, new_realizer=build_wrapper(shout))
    assert catref(realize(instantiate(loud, "b")), "text") == ["LOUD"]


def test_a_redefined_stage_takes_a_registry() -> None:
    registry = Registry()

    def stage(name: str, r: Registry) -> DRef:
        return redefine(mkfile)(name, "x", r=r)

    assert instantiate(stage, "a", r=registry).targets[0] in registry.derivations
    with pytest.raises(NoRegistry):
        redefine(constant)("a")


def test_both_versions_of_a_stage_can_stand_beside_each_other() -> None:
    def stage() -> list[DRef]:
        other = redefine(constant, new_config=lambda fields: {**fields, "v": 2})
        return [constant("a"), other("a"), constant("a")]

    closure = instantiate(stage)
    assert len(closure.targets) == len(closure.derivations) == 2


@pytest.mark.parametrize("combine", [redefine, realized])
@pytest.mark.parametrize("returned", [None, [], "text"])
def test_only_a_stage_of_one_derivation_can_be_changed(combine: Any, returned: object) -> None:
    with pytest.raises(InstantiateError, match="returns one DRef"):
        instantiate(combine(lambda: returned))


def test_an_impossible_change_is_refused() -> None:
    def breaking(fields: dict[str, Any]) -> None:
        fields["a"] = (1,)

    with pytest.raises(InvalidConfig):
        instantiate(redefine(constant, new_config=breaking), "a")
    with pytest.raises(InvalidValue):
        instantiate(redefine(constant, new_config=lambda _: 5), "a")  # type: ignore[arg-type,call-overload,return-value]


def test_a_stage_that_must_be_there_is_taken_and_never_built(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    closure = instantiate(realized(noisy), "a", journal=journal)
    with pytest.raises(NotRealized, match=closure.targets[0]):
        realize(closure)
    assert lines_of(journal) == []
    rref = realize(instantiate(noisy, "a", journal=journal))
    assert realize(closure) == rref
    with pytest.raises(NotRealized):
        realize(closure, force_rebuild=True)
    assert store_config(rref) == closure.derivations[0].config
