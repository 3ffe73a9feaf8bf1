"""Which paths are shown: links resolved, nothing twice, nothing by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from pylightnix.sandbox.grants import MOST_MOUNTS, gathered, grants
from pylightnix.sandbox.policy import InvalidPolicy
from pylightnix.sandbox.system import outermost


def tree(room: Path, *folders: str) -> list[str]:
    for folder in folders:
        (room / folder).mkdir(parents=True)
    return [str(room / folder) for folder in folders]


def test_what_lies_in_another_grant_of_its_kind_is_not_shown_twice(room: Path) -> None:
    a, below, other = tree(room, "a", "a/b", "a-b")
    shown = grants([below, other, a], [])
    assert (shown.ro, shown.rw) == ((a, other), ())


def test_what_may_be_changed_inside_of_what_may_not_is_shown_too(room: Path) -> None:
    a, b, c = tree(room, "a", "a/b", "a/b/c")
    shown = grants([a, c], [b])
    assert (shown.ro, shown.rw) == ((a, c), (b,))


def test_what_is_granted_both_ways_may_be_changed(room: Path) -> None:
    (a,) = tree(room, "a")
    assert grants([a], [a]) == grants([], [a])


def test_a_link_is_shown_with_what_it_leads_to(room: Path) -> None:
    (a,) = tree(room, "a")
    (room / "link").symlink_to("a")
    (room / "second").symlink_to("link")
    shown = grants([str(room / "second")], [])
    assert shown.ro == (a,)
    assert dict(shown.links) == {str(room / "second"): a}


def test_a_link_on_the_way_is_shown_too(room: Path) -> None:
    a, b = tree(room, "a", "a/b")
    (room / "link").symlink_to(a)
    shown = grants([str(room / "link" / "b")], [])
    assert shown.ro == (b,)
    assert dict(shown.links) == {str(room / "link"): a}


def test_a_link_that_is_seen_anyway_is_not_made(room: Path) -> None:
    a, _ = tree(room, "a", "a/b")
    (room / "a" / "link").symlink_to("b")
    assert grants([a, f"{a}/link"], []).links == ()


def test_what_is_not_there_is_named(room: Path) -> None:
    with pytest.raises(InvalidPolicy, match="nowhere is granted and is not there"):
        grants([str(room / "nowhere")], [])


def test_everything_cannot_be_granted(room: Path) -> None:
    (room / "all").symlink_to("/")
    for path in ("/", str(room / "all"), "/usr/.."):
        with pytest.raises(InvalidPolicy, match="/ is granted"):
            grants([path], [])


def test_many_paths_become_the_folders_in_which_they_lie() -> None:
    many = tuple(f"/s/store/{number}-name/hash" for number in range(100))
    assert gathered(many) == ("/s/store",)
    assert gathered(("/usr", *many)) == ("/s/store", "/usr")


def test_few_paths_stay_as_they_are() -> None:
    few = tuple(f"/s/store/{number}" for number in range(MOST_MOUNTS))
    assert gathered(few) == few


def test_a_folder_straight_below_the_root_is_never_shown_instead() -> None:
    many = tuple(f"/home/{number}" for number in range(100))
    assert set(gathered(many)) == set(many)


def test_outer_paths_are_found_by_their_parts() -> None:
    assert outermost(["/a/c", "/a-b", "/a", "/a/"]) == ("/a", "/a-b")
