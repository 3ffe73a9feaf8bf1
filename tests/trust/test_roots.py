"""What makes an object stay: names, links, processes; and whoever wants it gone is told who."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prove import audit, crew
from prove.nodes import node
from pylightnix import (
    DRef,
    InUse,
    NoSuchRoot,
    NotInStore,
    RRef,
    Store,
    doctor,
    gc,
    gcroot,
    gcroots,
    instantiate,
    linkrref,
    mkfile,
    realize,
    rmref,
    rmroot,
    rref2dref,
)
from trust.test_live import another


@pytest.fixture
def chain(store: Store) -> list[RRef]:
    """Three realizations, each needing the one before."""

    def stage() -> DRef:
        return node("top", node("middle", node("bottom")))

    top = realize(instantiate(stage, store=store))
    crew.new_process()
    found = [top]
    while below := audit.context(store.objects, found[-1]):
        ((rref,),) = below.values()
        found.append(RRef(rref))
    return found[::-1]


def dead(store: Store) -> set[str]:
    return {str(victim.ref) for victim in gc(grace_s=0, dry_run=True, store=store).dead}


def with_drvs(*rrefs: RRef) -> set[str]:
    return {ref for rref in rrefs for ref in (str(rref), str(rref2dref(rref)))}


def test_a_named_root_keeps_what_it_reaches_and_no_more(store: Store, chain: list[RRef]) -> None:
    gcroot("paper", chain[1], store=store)
    assert gcroots(store=store) == {"paper": chain[1]}
    assert dead(store) == with_drvs(chain[2])
    rmroot("paper", store=store)
    assert dead(store) == with_drvs(*chain)


def test_a_root_on_a_derivation_keeps_all_of_its_realizations(
    store: Store, chain: list[RRef]
) -> None:
    gcroot("paper", rref2dref(chain[1]), store=store)
    assert dead(store) == with_drvs(chain[2])


def test_a_root_of_the_same_name_moves(store: Store, chain: list[RRef]) -> None:
    gcroot("paper", chain[2], store=store)
    gcroot("paper", chain[0], store=store)
    assert gcroots(store=store) == {"paper": chain[0]}
    assert dead(store) == with_drvs(*chain[1:])


def test_what_is_not_there_cannot_be_a_root(store: Store, chain: list[RRef]) -> None:
    with pytest.raises(NotInStore):
        gcroot("paper", RRef(f"rref:{'0' * 32}{chain[0][37:]}"), store=store)
    with pytest.raises(NoSuchRoot, match="other"):
        gcroot("other", chain[0], store=store)
        rmroot("paper", store=store)


def test_a_link_keeps_until_it_is_gone(store: Store, chain: list[RRef], tmp_path: Path) -> None:
    link = linkrref(chain[1], tmp_path, "result", store=store)
    assert dead(store) == with_drvs(chain[2])
    link.unlink()
    assert dead(store) == with_drvs(*chain)


def test_links_below_a_registered_folder_keep_too(
    store: Store, chain: list[RRef], tmp_path: Path
) -> None:
    linkrref(chain[0], tmp_path, "result", store=store)
    deep = tmp_path / "of" / "mine"
    deep.mkdir(parents=True)
    (deep / "into").symlink_to(Path(audit.place(store.objects, chain[2]), "text"))
    assert dead(store) == set()


def test_a_registered_folder_may_vanish(store: Store, chain: list[RRef], tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    link = linkrref(chain[0], tmp_path / "gone", store=store)
    link.unlink()
    (tmp_path / "gone").rmdir()
    assert dead(store) == with_drvs(*chain)


def test_a_root_that_lost_its_object_is_told(store: Store, chain: list[RRef]) -> None:
    gcroot("paper", chain[2], store=store)
    rmref(chain[2], force=True, store=store)
    (found,) = [finding for finding in doctor(store=store) if finding.check == "root"]
    assert not found.ok
    assert "paper" in found.detail
    assert found.mend.endswith("root rm paper")


def told(store: Store, ref: str) -> str:
    with pytest.raises(InUse) as caught:
        rmref(ref, store=store)
    assert "force" in str(caught.value)
    return ", ".join(caught.value.holders)


def test_who_wants_to_delete_is_told_of_users_roots_links_and_processes(
    store: Store, chain: list[RRef], tmp_path: Path
) -> None:
    assert told(store, chain[0]) == chain[1]
    assert told(store, rref2dref(chain[0])) == rref2dref(chain[1])
    gcroot("paper", chain[2], store=store)
    assert told(store, chain[2]) == f"{chain[2]} (root paper)"
    assert "root paper" in told(store, rref2dref(chain[2]))
    rmroot("paper", store=store)
    link = linkrref(chain[2], tmp_path, store=store)
    assert f"linked from {link}" in told(store, chain[2])
    link.unlink()
    with another(lambda: realize(instantiate(lambda: _top(), store=store))) as pid:
        assert f"process {pid}" in told(store, chain[2])
    rmref(chain[2], store=store)
    assert audit.rrefs(store.objects, rref2dref(chain[2])) == []


def _top() -> DRef:
    return node("top", node("middle", node("bottom")))


def test_a_root_may_be_added_while_others_build(store: Store) -> None:
    rref = realize(instantiate(mkfile, "thing", "text", store=store))
    with another(lambda: realize(instantiate(mkfile, "other", "text", store=store))):
        gcroot("paper", rref, store=store)
    gc(grace_s=0, store=store)
    assert [name for name in os.listdir(store.objects) if name.endswith("-thing")] != []
