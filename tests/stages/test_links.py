"""Where links lead: what we work out is what the kernel and text tools would do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.stages.entries import Parts
from pylightnix.stages.links import stray_link
from stages.packing import throwaway

NAMES = st.sampled_from("abc")
PLACES = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
TARGETS = st.lists(st.one_of(NAMES, st.just(".."), st.just("."), st.just("")), min_size=1).map(
    lambda parts: "/".join(parts).lstrip("/") or "."
)


def without_links_below_links(links: dict[Parts, str]) -> dict[Parts, str]:
    """Such as an archive can have: a link is no folder of another."""
    return {
        place: target
        for place, target in links.items()
        if not any(place[:depth] in links for depth in range(1, len(place)))
    }


LINKS = st.dictionaries(PLACES, TARGETS, max_size=6).map(without_links_below_links)


def made(links: dict[Parts, str], top: Path) -> None:
    """The links on a disk, with every folder that a target may pass on its way."""
    for place, target in links.items():
        path = top.joinpath(*place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


@given(links=LINKS)
def test_links_that_pass_lead_nowhere_else_on_a_disk(links: dict[Parts, str]) -> None:
    with throwaway() as top:
        made(links, top)
        for place in links if stray_link(links) is None else ():
            path = os.path.join(top, *place)
            for end in (os.path.realpath(path), os.path.normpath(text_of(path))):
                assert end == str(top) or end.startswith(f"{top}/")


@given(links=LINKS)
def test_links_that_lead_out_on_a_disk_do_not_pass(links: dict[Parts, str]) -> None:
    with throwaway() as top:
        made(links, top)
        ends = [os.path.realpath(os.path.join(top, *place)) for place in links]
    if not all(end == str(top) or end.startswith(f"{top}/") for end in ends):
        assert stray_link(links) is not None


def text_of(path: str) -> str:
    """Where a link leads for those who only read it."""
    return os.path.join(os.path.dirname(path), os.readlink(path))


@pytest.mark.parametrize(
    "links",
    [
        {("a",): "b"},
        {("a",): "."},
        {("d", "a"): ".."},
        {("d", "a"): "../b", ("b",): "c"},
        {("lib", "x.so"): "x.so.1", ("lib", "x.so.1"): "x.so.1.2"},
        {(f"l{n}",): f"l{n + 1}" for n in range(40)},
    ],
)
def test_links_that_stay_inside_pass(links: dict[Parts, str]) -> None:
    assert stray_link(links) is None


def test_the_same_links_in_another_order_are_judged_alike() -> None:
    links: dict[Parts, str] = {(f"l{n}",): f"l{n + 1}" for n in range(41)}
    assert stray_link(links) is not None
    assert stray_link(dict(reversed(links.items()))) is not None


def test_many_links_with_long_targets_are_judged_quickly() -> None:
    long = "/".join(["a", ".."] * 120)
    links: dict[Parts, str] = {(f"l{n}",): long for n in range(5_000)}
    assert stray_link(links) is None
