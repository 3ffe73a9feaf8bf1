"""The REPL: a realize that stops in the middle, is repaired in place, and goes on."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pylightnix import (
    AmbiguousResult,
    Build,
    BuildFailed,
    Closure,
    DRef,
    InvalidValue,
    MatcherUnsatisfied,
    NotPaused,
    PromiseBroken,
    ReplHelper,
    RRef,
    Store,
    StoreBusy,
    UnknownTarget,
    autostage,
    build_cattrs,
    build_outpath,
    build_outpaths,
    build_path,
    build_run,
    build_wrapper,
    gc,
    given,
    instantiate,
    match_latest,
    match_some,
    mkconfig,
    mkdrv,
    realize,
    repl_build,
    repl_cancel,
    repl_cancelBuild,
    repl_continue,
    repl_continueBuild,
    repl_realize,
    repl_rref,
    repl_rrefs,
    rref2path,
    selfref,
)
from pylightnix.api.helper import Helpers
from pylightnix.engine.events import Event, Started, Waiting

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    yield
    for helper in list(Helpers.open):
        repl_cancel(helper)
    Helpers.last = None


def write(b: Build, text: str) -> None:
    (build_outpath(b) / "out.txt").write_text(text)


def source(b: Build) -> None:
    write(b, "source")


def half_done(b: Build) -> None:
    (build_outpath(b) / "half.txt").write_text("half")
    raise KeyError("the other half")


def joined(b: Build) -> None:
    texts = [build_path(b, path).read_text() for path in build_cattrs(b).parts]
    write(b, "+".join(texts))


def drv(name: str, builder: object, *parts: DRef, **fields: object) -> DRef:
    config = {
        "name": name,
        "out": [selfref, "out.txt"],
        "parts": [[part, "out.txt"] for part in parts],
        **fields,
    }
    return mkdrv(mkconfig(config), match_latest(), build_wrapper(builder))  # type: ignore[arg-type]


def chain() -> DRef:
    """Three in a row, of which the middle one fails."""
    return drv("top", joined, drv("middle", half_done, drv("bottom", source)))


def plain() -> DRef:
    return drv("only", source)


def middle(closure: Closure) -> DRef:
    return closure.derivations[1].dref


def text(rref: RRef | None) -> str:
    assert rref is not None
    return (rref2path(rref) / "out.txt").read_text()


def left_behind(store: Store) -> list[str]:
    """What is below `var` of builds."""
    return [
        name
        for folder in ("tmp", "logs")
        for name in sorted(os.listdir(f"{store.var}/{folder}"))
        if os.path.isdir(f"{store.var}/{folder}")
    ]


def lock_is_free(store: Store, dref: DRef) -> bool:
    """Ask from another process, as another process would."""
    program = (
        "import fcntl, sys\n"
        "with open(sys.argv[1], 'a') as f:\n"
        "    try: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except BlockingIOError: sys.exit(1)\n"
    )
    path = f"{store.var}/locks/{dref[5:7]}"
    return subprocess.run([sys.executable, "-c", program, path], check=False).returncode == 0


def test_a_stage_that_fails_is_repaired_in_place(current: Store) -> None:
    closure = instantiate(chain)
    with pytest.raises(BuildFailed) as failure:
        realize(closure)
    rh = repl_realize(closure, force_interrupt=[DRef(failure.value.dref)])
    assert rh.dref == middle(closure)
    assert repl_rref(rh) is None
    b = repl_build(rh)
    with pytest.raises(KeyError):
        half_done(b)
    write(b, "repaired")
    rref = repl_continueBuild(b)
    assert text(rref) == "repaired"
    assert repl_rref(rh) == rref
    assert realize(instantiate(chain)) == rref  # nothing is built again: it would fail


def test_it_stops_at_the_target_whether_or_not_that_is_there(current: Store) -> None:
    closure = instantiate(plain)
    before = realize(closure)
    rh = repl_realize(closure)
    assert rh.dref == closure.targets[0]
    b = repl_build(rh)
    write(b, "by hand")
    after = repl_continueBuild(b)
    assert after != before
    assert text(after) == "by hand"


def test_a_failing_stage_can_be_stopped_at_with_what_it_left(current: Store) -> None:
    rh = repl_realize(instantiate(chain), force_interrupt=False, stop_at_failure=True)
    assert isinstance(rh.error, BuildFailed)
    assert "which failed" in repr(rh)
    b = repl_build(rh)
    assert (build_outpath(b) / "half.txt").read_text() == "half"
    write(b, "whole")
    rref = repl_continueBuild(b)
    assert rref is not None
    assert text(rref) == "whole"
    assert [name[71:] for name in left_behind(current)] == ["middle"]  # the log of that build


def test_without_being_told_to_stop_a_failure_is_raised_and_nothing_is_held(current: Store) -> None:
    closure = instantiate(chain)
    with pytest.raises(BuildFailed):
        repl_realize(closure)
    assert Helpers.open == []
    assert lock_is_free(current, middle(closure))


def test_after_a_broken_promise_the_same_build_goes_on(current: Store) -> None:
    rh = repl_realize(instantiate(plain))
    b = repl_build(rh)
    (build_outpath(b) / "other.txt").write_text("kept")
    for _ in range(2):
        with pytest.raises(PromiseBroken, match=r"out\.txt"):
            repl_continueBuild(b)
        assert repl_build(rh) is b
    write(b, "there")
    rref = repl_continueBuild(b)
    assert rref is not None
    assert sorted(p.name for p in rref2path(rref).iterdir() if p.name != ".pylightnix") == [
        "other.txt",
        "out.txt",
    ]
    assert left_behind(current) == []


def test_what_cannot_be_stored_can_be_mended(current: Store) -> None:
    b = repl_build(repl_realize(instantiate(plain)))
    write(b, "there")
    os.mkfifo(build_outpath(b) / "pipe")
    with pytest.raises(BuildFailed, match="pipe"):
        repl_continueBuild(b)
    (build_outpath(b) / "pipe").unlink()
    assert text(repl_continueBuild(b)) == "there"


def test_cancelling_leaves_nothing_behind(current: Store) -> None:
    closure = instantiate(plain)
    rh = repl_realize(closure)
    b = repl_build(rh)
    write(b, "never stored")
    build_run(b, ["echo", "said"])
    assert b.log.read_text()
    assert not lock_is_free(current, closure.targets[0])
    repl_cancelBuild(b)
    assert left_behind(current) == []
    assert lock_is_free(current, closure.targets[0])
    assert os.listdir(f"{current.objects}/{closure.targets[0][5:]}") == ["config.json"]
    with pytest.raises(NotPaused, match="repl_realize"):
        repl_continueBuild(b)
    with pytest.raises(NotPaused):
        repl_continue(rh)
    repl_cancel(rh)  # once more does no harm
    assert repl_rref(rh) is None
    assert "cancelled" in repr(rh)


def test_cancelling_deletes_what_a_failed_builder_left(current: Store) -> None:
    rh = repl_realize(instantiate(chain), force_interrupt=False, stop_at_failure=True)
    repl_cancel(rh)
    assert left_behind(current) == []


def test_this_process_does_not_wait_for_itself(current: Store) -> None:
    closure = instantiate(plain)
    rh = repl_realize(closure)
    assert text(realize(closure)) == "source"  # the very same derivation, its lock being held
    other = repl_realize(closure)
    write(repl_build(other), "other")
    assert text(repl_continueBuild(repl_build(other))) == "other"
    write(repl_build(rh), "first")
    assert text(repl_continueBuild(repl_build(rh))) == "first"


def test_it_waits_for_another_builder_and_says_so(current: Store) -> None:
    closure = instantiate(plain)
    path = Path(f"{current.var}/locks/{closure.targets[0][5:7]}")
    path.parent.mkdir(exist_ok=True)
    seen: list[Event] = []
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy):
            repl_realize(closure, lock_timeout_s=0.1, on_event=seen.append)
    assert [type(event) for event in seen] == [Waiting]
    assert Helpers.open == []
    assert repl_realize(closure, lock_timeout_s=0.1).dref == closure.targets[0]


def test_a_process_that_is_killed_leaves_what_a_collector_takes(current: Store) -> None:
    instantiate(plain)
    program = (
        "import os, sys, pylightnix as p, tests.api.test_repl as t\n"
        "with p.use_store(p.Store.open(sys.argv[1])):\n"
        "    b = p.repl_build(p.repl_realize(p.instantiate(t.plain)))\n"
        "    t.write(b, 'half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    root = Path(current.var).parent
    done = subprocess.run([sys.executable, "-c", program, root], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert len(os.listdir(f"{current.var}/tmp")) == 1
    closure = instantiate(plain)
    assert lock_is_free(current, closure.targets[0])
    gc(grace_s=0, leftovers_only=True)
    assert os.listdir(f"{current.var}/tmp") == []
    assert text(realize(closure)) == "source"


def test_no_collector_takes_what_is_being_worked_on(current: Store) -> None:
    closure = instantiate(chain)
    rh = repl_realize(closure, [middle(closure)])
    b = repl_build(rh)
    program = (
        "import pylightnix as p, sys; s = p.Store.open(sys.argv[1]); p.gc(store=s, older_than_s=0)"
    )
    subprocess.run([sys.executable, "-c", program, Path(current.var).parent], check=False)
    gc(store=current)
    write(b, "-".join(build_path(b, part).read_text() for part in build_cattrs(b).parts))
    assert text(repl_continueBuild(b)) == "source"


def test_it_stops_again_at_the_next(current: Store) -> None:
    closure = instantiate(chain)
    rh = repl_realize(closure, [middle(closure), closure.targets[0]])
    b = repl_build(rh)
    write(b, "one")
    assert repl_continueBuild(b) is None
    assert rh.dref == closure.targets[0]
    assert rh.context is not None and list(rh.context) == [middle(closure)]
    b = repl_build()
    joined(b)
    assert text(repl_continueBuild()) == "one"
    assert rh.dref is None and rh.context is None and rh.drv is None and rh.rarg is None


def test_the_realizer_itself_may_go_on(current: Store) -> None:
    seen: list[Event] = []
    rh = repl_realize(instantiate(plain), on_event=seen.append)
    assert [event for event in seen if isinstance(event, Started)] == []
    assert text(repl_continue(rh)) == "source"
    assert [event for event in seen if isinstance(event, Started)] != []


def test_a_realizer_that_fails_again_leaves_the_derivation_waiting(current: Store) -> None:
    closure = instantiate(chain)
    rh = repl_realize(closure, [middle(closure)])
    with pytest.raises(BuildFailed):
        repl_continue(rh)
    assert rh.error is not None
    b = repl_build(rh)
    assert (build_outpath(b) / "half.txt").exists()
    write(b, "mended")
    assert text(repl_continue(rh)) == "mended"  # a Build that was begun is what counts
    assert os.listdir(f"{current.var}/tmp") == []


def test_folders_made_elsewhere_can_be_given(current: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "out.txt").write_text("mine")
    rh = repl_realize(instantiate(plain))
    assert text(repl_continue(rh, out_paths=[tmp_path / "mine"])) == "mine"
    assert (tmp_path / "mine" / "out.txt").read_text() == "mine"


def test_realizations_that_are_there_can_be_given(current: Store) -> None:
    closure = instantiate(plain)
    before = realize(closure)
    rh = repl_realize(closure)
    strange = RRef(before.replace(before[5:37], "0" * 32, 1))
    for wrong in ([], [strange]):
        with pytest.raises(MatcherUnsatisfied):
            repl_continue(rh, out_rrefs=wrong)
    assert repl_continue(rh, out_rrefs=[before]) == before
    assert lock_is_free(current, closure.targets[0])


def numbered(b: Build) -> None:
    write(b, f"{b.rindex}")


def several() -> DRef:
    return mkdrv(mkconfig({"name": "several"}), match_some(3), build_wrapper(numbered))


def test_what_the_matcher_wants_beside_is_built_by_the_realizer(current: Store) -> None:
    rh = repl_realize(instantiate(several))
    write(repl_build(rh), "by hand")
    assert repl_continueBuild() is None  # there is no one result
    found = repl_rrefs(rh)
    assert found is not None
    assert sorted(map(text, found)) == ["1", "2", "by hand"]
    with pytest.raises(AmbiguousResult):
        repl_rref(rh)
    assert rh.result == tuple(found)


def test_a_build_may_have_several_outputs(current: Store) -> None:
    rh = repl_realize(instantiate(several))
    b = repl_build(rh, nouts=3)
    for number, path in enumerate(build_outpaths(b)):
        (path / "out.txt").write_text(f"hand {number}")
    repl_continueBuild(b)
    assert sorted(map(text, repl_rrefs(rh) or [])) == ["hand 0", "hand 1", "hand 2"]


def test_a_stage_that_is_a_plain_function_can_be_built_by_hand(current: Store) -> None:
    @autostage(out=[selfref, "out.txt"], nouts=2, matcher=match_some(2))
    def plain_function(out: str, rindex: int = given) -> None:
        raise AssertionError("it is built by hand")

    b = repl_build(repl_realize(instantiate(plain_function)))
    for number, path in enumerate(build_outpaths(b)):
        (path / "out.txt").write_text(f"{number}")
    repl_continueBuild(b)
    assert sorted(map(text, repl_rrefs() or [])) == ["0", "1"]


def same(b: Build) -> None:
    write(b, "same")


def never_enough() -> DRef:
    return mkdrv(mkconfig({"name": "never"}), match_some(2), build_wrapper(same))


def test_a_matcher_that_is_not_satisfied_asks_for_another_build(current: Store) -> None:
    rh = repl_realize(instantiate(never_enough))
    b = repl_build(rh)
    same(b)
    with pytest.raises(MatcherUnsatisfied):
        repl_continueBuild(b)
    again = repl_build(rh)
    assert again is not b  # the outputs of the first are in the store
    write(again, "another")
    repl_continueBuild(again)
    assert sorted(map(text, repl_rrefs(rh) or [])) == ["another", "same"]


def later_fails() -> DRef:
    return drv("later", half_done, drv("earlier", source))


def test_a_later_failure_can_be_tried_again(current: Store) -> None:
    closure = instantiate(later_fails)
    rh = repl_realize(closure, [closure.derivations[0].dref])
    write(repl_build(rh), "by hand")
    for _ in range(2):
        with pytest.raises(BuildFailed, match="later"):
            repl_continue(rh)
    assert rh.dref is None
    with pytest.raises(NotPaused, match="goes on with the rest"):
        repl_build(rh)
    assert "in between" in repr(rh)
    repl_cancel(rh)
    assert left_behind(current) == []


def test_arguments_that_are_not_hashed_reach_the_build(current: Store) -> None:
    closure = instantiate(plain)
    rh = repl_realize(closure, realize_args={closure.targets[0]: {"verbose": 3}})
    assert repl_build(rh).rarg["verbose"] == 3
    assert rh.rarg is not None and dict(rh.rarg) == {"verbose": 3}


def test_nothing_to_stop_at_is_an_ordinary_realize(current: Store) -> None:
    rh = repl_realize(instantiate(plain), force_interrupt=False)
    assert text(repl_rref(rh)) == "source"
    assert rh.result == repl_rref(rh)
    assert "all is realized" in repr(rh)
    assert Helpers.open == []


def test_what_is_given_is_checked(current: Store) -> None:
    closure = instantiate(plain)
    with pytest.raises(UnknownTarget):
        repl_realize(closure, ["dref:" + "0" * 32 + "-x"])  # type: ignore[list-item]
    with pytest.raises(InvalidValue, match="repl_realize takes"):
        repl_realize(plain)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="what `repl_realize` returned"):
        repl_build("rh")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="what `repl_build` returned"):
        repl_continueBuild("b")  # type: ignore[arg-type]
    rh = repl_realize(closure)
    with pytest.raises(InvalidValue, match="nouts"):
        repl_build(rh, nouts=-1)
    assert isinstance(rh, ReplHelper)
    assert rh.store.objects == current.objects and rh.closure is closure


def test_with_no_session_there_is_nothing_to_continue() -> None:
    with pytest.raises(NotPaused):
        repl_build()


def test_it_works_with_any_store(store: Store) -> None:
    closure = instantiate(plain, store=store)  # and there is no current one
    b = repl_build(repl_realize(closure))
    write(b, "there")
    rref = repl_continueBuild(b)
    assert rref is not None
    assert (rref2path(rref, store=store) / "out.txt").read_text() == "there"
