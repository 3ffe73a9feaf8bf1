"""Built again in a sandbox, and compared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import (
    Build,
    BuildFailed,
    DRef,
    InvalidValue,
    Store,
    UnknownTarget,
    build_outpath,
    build_path,
    build_wrapper,
    instantiate,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    realize_many,
)
from pylightnix.api.check import check
from pylightnix.engine.recheck import Difference
from pylightnix.sandbox.policy import Policy
from sandboxes import probed
from stages_for_tests import constant, scratch_left, write_text


@pytest.fixture(autouse=True)
def some_sandbox() -> None:
    """Skip where nothing isolates fully."""
    if not {"bubblewrap", "unshare"} & set(probed().backends):
        pytest.skip(f"no sandbox here: {probed().reasons}")


def stage(function: Callable[[Build], None], *deps: DRef, policy: Policy | None = None) -> DRef:
    config = mkconfig({"name": "thing", "deps": list(deps)})
    return mkdrv(config, match_only(), build_wrapper(function, policy=policy))


def steady(b: Build) -> None:
    """Give the same each time."""
    write_text(b, "steady")


def test_what_comes_out_the_same_is_reproducible(store: Store) -> None:
    closure = instantiate(stage, steady, store=store)
    (found,) = check(closure, times=2)
    assert (found.same, found.differences, found.times) == (True, (), 2)
    assert found.rref == realize(closure)
    assert scratch_left(store) == []


def test_a_free_build_is_checked_in_a_sandbox_too(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush")

    def build(b: Build) -> None:
        write_text(b, secret.read_text())

    closure = instantiate(stage, build, store=store)
    with pytest.raises(BuildFailed, match="in a sandbox, FileNotFoundError"):
        check(closure)
    (found,) = check(closure, policy=Policy(ro=(secret,)))
    assert found.same


def test_every_kind_of_difference_is_named(store: Store, tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    switch.write_text("")

    def build(b: Build) -> None:
        out, again = build_outpath(b), not os.path.exists(switch)
        (out / "same").write_text("same")
        (out / "length").write_text("longer" if again else "long")
        (out / "contents").write_text("b" if again else "a")
        (out / "link").symlink_to("same" if again else "length")
        (out / "program").write_text("")
        (out / "program").chmod(0o755 if again else 0o644)
        (out / ("new" if again else "old")).mkdir()

    (found,) = check(instantiate(stage, build, store=store))
    assert not found.same
    assert found.differences == (
        Difference("contents", "has the same length and other contents"),
        Difference("length", "had 4 bytes, and has 6"),
        Difference("link", "led to length, and leads to same"),
        Difference("new", "is not in the realization"),
        Difference("old", "was not made again"),
        Difference("program", "was a file, and is an executable file"),
    )


def test_it_is_built_with_the_dependencies_that_it_was_built_with(store: Store) -> None:
    def build(b: Build) -> None:
        write_text(b, build_path(b, [b.config.deps[0], "text"]).read_text())

    (found,) = check(instantiate(lambda: stage(build, constant("dep", text="x")), store=store))
    assert found.same


def test_one_of_several_that_the_store_has_is_no_difference(store: Store) -> None:
    def closure() -> DRef:
        def build(b: Build) -> None:
            write_text(b, str(b.rindex % 2))

        return mkdrv(mkconfig({"name": "coin"}), match_latest(2), build_wrapper(build))

    made = instantiate(closure, store=store)
    assert len(realize_many(made)) == 2
    (found,) = check(made, times=2)
    assert found.same


def test_another_realization_of_the_closure_can_be_meant(store: Store) -> None:
    closure = instantiate(lambda: stage(steady, constant("dep", text="x")), store=store)
    realize(closure)
    dep = realize(instantiate(lambda: constant("dep", text="x"), store=store))
    (found,) = check(closure, dep)
    assert found.rref == dep
    other = realize(instantiate(lambda: constant("other"), store=store))
    with pytest.raises(UnknownTarget):
        check(closure, other)


def test_never_is_no_number_of_times(store: Store) -> None:
    with pytest.raises(InvalidValue, match="at least 1 time"):
        check(instantiate(stage, steady, store=store), times=0)


def test_the_time_of_day_is_found_out(store: Store) -> None:
    def build(b: Build) -> None:
        write_text(b, str(time.time_ns()))

    (found,) = check(instantiate(stage, build, store=store))
    assert [difference.path for difference in found.differences] == ["text"]
