"""From a closure to realizations: what is built, what is taken, and what an error leaves behind."""

from __future__ import annotations

import errno
import os
import pickle
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import (
    AmbiguousResult,
    Build,
    BuildFailed,
    Built,
    Context,
    DRef,
    Event,
    Failed,
    Finished,
    Hit,
    InvalidOutput,
    InvalidValue,
    MatcherUnsatisfied,
    NotRealized,
    Planned,
    PromiseBroken,
    Queued,
    RealizeError,
    Realizer,
    RRef,
    Started,
    Store,
    StoreBusy,
    StoreError,
    Waiting,
    build_outpath,
    build_outpaths,
    build_wrapper,
    instantiate,
    match_all,
    match_latest,
    match_only,
    match_some,
    mkconfig,
    mkdrv,
    realize,
    realize_context,
    realize_many,
    rref2path,
    selfref,
    store_context,
    store_rrefs,
)
from pylightnix.api.given import UnknownTarget
from stages_for_tests import (
    all_faults,
    below,
    constant,
    lines_of,
    noisy,
    note,
    plant,
    scratch_left,
    strangers,
    text_of,
    write_text,
)

pytestmark = pytest.mark.usefixtures("current")


def drv(realizer: Realizer, *, name: str = "thing", **fields: object) -> DRef:
    return mkdrv(mkconfig({"name": name, **fields}), match_latest(), realizer)


def built_by(
    function: Callable[[Build], object], *, name: str = "thing", **fields: object
) -> Callable[[], DRef]:
    """A stage with this builder."""

    def build(b: Build) -> None:
        function(b)

    return lambda: drv(build_wrapper(build), name=name, **fields)


# What is built


def test_a_stage_is_built_once(store: Store, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    closure = instantiate(noisy, "a", journal=journal)
    first = realize(closure)
    assert realize(closure) == realize(instantiate(noisy, "a", journal=journal)) == first
    assert lines_of(journal) == ["a"]
    assert [*all_faults(store), *strangers(store), *scratch_left(store)] == []


def test_dependencies_are_built_first_and_only_once(tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    def stage() -> DRef:
        base = noisy("base", journal=journal)
        left, right = noisy("left", base, journal=journal), noisy("right", base, journal=journal)
        noisy("unused", journal=journal)
        return noisy("top", left, right, journal=journal)

    realize(instantiate(stage))
    assert lines_of(journal) == ["base", "left", "right", "top"]


def test_a_forced_rebuild_of_the_target_builds_it_alone(tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    def stage() -> DRef:
        return noisy("top", noisy("base", journal=journal), journal=journal)

    closure = instantiate(stage)
    first = realize(closure)
    second = realize(closure, force_rebuild=True)
    assert first != second
    assert lines_of(journal) == ["base", "top", "top"]
    assert realize(closure) == second


def test_a_rebuilt_dependency_rebuilds_what_stands_on_it(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    bases: list[DRef] = []

    def stage() -> DRef:
        bases.append(noisy("base", journal=journal))
        return noisy("top", bases[0], journal=journal)

    closure = instantiate(stage)
    first = realize(closure)
    second = realize(closure, force_rebuild=[bases[0]])
    assert lines_of(journal) == ["base", "top", "base", "top"]
    [old], [new] = store_context(first).values(), store_context(second).values()
    assert old != new
    assert realize(closure) == second


def test_an_identical_rebuild_of_a_dependency_rebuilds_nothing_above(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    bases: list[DRef] = []

    def stage() -> DRef:
        bases.append(constant("base"))
        return noisy("top", bases[0], journal=journal)

    closure = instantiate(stage)
    first = realize(closure)
    assert realize(closure, force_rebuild=bases) == first
    assert lines_of(journal) == ["top"]


def test_one_forced_dref_may_be_named_without_a_list(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    closure = instantiate(noisy, "a", journal=journal)
    realize(closure)
    realize(closure, force_rebuild=closure.targets[0])  # type: ignore[arg-type]
    assert len(lines_of(journal)) == 2


def test_the_arguments_of_a_realizer_are_not_hashed() -> None:
    seen: list[object] = []

    def build(b: Build) -> None:
        assert len(b.rarg) == ("n" in b.rarg)
        seen.append(dict(b.rarg))

    stage = built_by(build)
    closure = instantiate(stage)
    [dref] = closure.targets
    first = realize(closure, realize_args={dref: {"n": 7}})
    assert realize(closure, force_rebuild=True) == first
    assert seen == [{"n": 7}, {}]


def test_a_realizer_sees_store_derivation_context_and_arguments(store: Store) -> None:
    seen: list[object] = []

    def stage() -> DRef:
        base = constant("base")

        def realizer(s: Store, dref: DRef, context: Context, rarg: object) -> list[Path]:
            seen.append((s == store, dref, dict(context), repr(rarg)))
            return [plant(f"{store.var}/tmp/mine", {"a": "x"})]

        return drv(realizer, base=base)

    closure = instantiate(stage)
    rref, context = realize_context(closure)
    base, top = (derivation.dref for derivation in closure.derivations)
    assert seen == [(True, top, {base: context[base]}, "RealizeArg({}, rindex=0)")]
    assert (rref2path(rref) / "a").read_text() == "x"
    assert scratch_left(store) == []


def test_a_builder_with_several_outputs_makes_as_many_realizations() -> None:
    def build(b: Build) -> None:
        for i, path in enumerate(build_outpaths(b)):
            (path / "n").write_text(str(i))

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "several"}), match_some(3), build_wrapper(build, nouts=3))

    closure = instantiate(stage)
    found = realize_many(closure)
    assert sorted((rref2path(rref) / "n").read_text() for rref in found) == ["0", "1", "2"]
    assert realize_many(closure) == found
    with pytest.raises(AmbiguousResult, match="there are 3"):
        realize(closure)


@pytest.mark.parametrize(("nouts", "wanted", "indexes"), [(1, 3, [0, 1, 2]), (2, 3, [0, 1])])
def test_a_matcher_that_wants_several_is_satisfied_by_several_builds(
    nouts: int, wanted: int, indexes: list[int]
) -> None:
    seen: list[int] = []

    def build(b: Build) -> None:
        seen.append(b.rindex)
        for path in build_outpaths(b):
            (path / "n").write_text(os.urandom(8).hex())

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "n"}), match_latest(wanted), build_wrapper(build, nouts))

    closure = instantiate(stage)
    assert len(realize_many(closure)) == wanted
    assert seen == indexes
    realize_many(closure)
    assert seen == indexes


def test_only_what_is_lacking_is_built() -> None:
    closure = instantiate(noisy, "a", matcher=match_some(2))
    assert len(realize_many(closure)) == 2
    more = instantiate(noisy, "a", matcher=match_some(5))
    assert len(realize_many(more)) == 5
    assert len(realize_many(closure)) == 5


def test_identical_outputs_cannot_satisfy_a_matcher_that_wants_several() -> None:
    def stage() -> DRef:
        return mkdrv(
            mkconfig({"name": "same"}), match_latest(3), build_wrapper(lambda b: write_text(b, "x"))
        )

    with pytest.raises(MatcherUnsatisfied, match="3 outputs were built, 1 of them different") as e:
        realize_many(instantiate(stage))
    assert e.value.wanted == "at least 3 realizations"
    assert len(e.value.found) == 1


def test_a_matcher_may_choose_nothing() -> None:
    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "n"}), lambda s, rrefs: [], build_wrapper(lambda b: None))

    closure = instantiate(stage)
    assert realize_many(closure) == []
    assert realize_context(closure)[0] == ()
    with pytest.raises(AmbiguousResult, match="its matcher chose none"):
        realize(closure)


def test_a_matcher_that_wants_what_no_build_gives_is_unsatisfied() -> None:
    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "n"}), lambda s, rrefs: None, build_wrapper(lambda b: None))

    with pytest.raises(MatcherUnsatisfied, match="something else"):
        realize(instantiate(stage))


def test_a_matcher_must_choose_among_what_it_is_offered() -> None:
    alien = RRef(f"rref:{'0' * 32}-{'0' * 32}-alien")

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "n"}), lambda s, r: [alien], build_wrapper(lambda b: None))

    with pytest.raises(MatcherUnsatisfied, match="must choose among what it is offered"):
        realize(instantiate(stage))


def test_a_matcher_may_answer_with_an_iterator() -> None:
    def stage() -> DRef:
        def choose(store: Store, rrefs: object) -> object:
            assert isinstance(rrefs, list)
            return iter(rrefs) if rrefs else None

        return mkdrv(mkconfig({"name": "n"}), choose, build_wrapper(lambda b: None))  # type: ignore[arg-type]

    closure = instantiate(stage)
    assert realize(closure) == realize(closure)


def test_all_there_are_are_taken_and_none_is_built_but_the_first(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    closure = instantiate(noisy, "a", journal=journal, matcher=match_all())
    assert len(realize_many(closure)) == 1
    realize_many(closure, force_rebuild=True)
    assert len(realize_many(closure)) == 2
    assert len(lines_of(journal)) == 2


# What a closure gives


def test_the_result_has_the_shape_of_what_the_stage_returned() -> None:
    def stage() -> object:
        a, b = constant("a"), constant("b")
        return {"one": a, "list": [b, a], "tuple": (b,), "inner": {"x": a}}

    closure = instantiate(stage)
    result, context = realize_context(closure)
    a, b = (context[dref][0] for dref in closure.targets)
    assert result == {"one": a, "list": [b, a], "tuple": (b,), "inner": {"x": a}}
    assert realize_many(closure) == [a, b]


def test_the_context_has_every_derivation_of_the_closure() -> None:
    def stage() -> DRef:
        return constant("top", constant("base"))

    closure = instantiate(stage)
    rref, context = realize_context(closure)
    assert set(context) == {derivation.dref for derivation in closure.derivations}
    assert store_context(rref) == {d: r for d, r in context.items() if d not in closure.targets}


def test_several_targets_are_not_one() -> None:
    closure = instantiate(lambda: [constant("a"), constant("b")])
    with pytest.raises(AmbiguousResult, match="one is wanted and there are 2"):
        realize(closure)


# What is refused


def test_what_must_not_be_built_is_not_built(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    closure = instantiate(noisy, "a", journal=journal)
    with pytest.raises(NotRealized, match="assert_realized") as caught:
        realize(closure, assert_realized=closure.targets)
    assert caught.value.drefs == closure.targets
    assert lines_of(journal) == []
    first = realize(closure)
    assert realize(closure, assert_realized=closure.targets) == first


def test_a_forced_rebuild_of_what_must_not_be_built_is_refused() -> None:
    closure = instantiate(constant, "a")
    realize(closure)
    with pytest.raises(NotRealized):
        realize(closure, force_rebuild=True, assert_realized=closure.targets)


STRANGER = DRef(f"dref:{'0' * 32}-stranger")


@pytest.mark.parametrize("option", ["force_rebuild", "assert_realized"])
def test_a_derivation_of_another_closure_is_an_error(option: str) -> None:
    closure = instantiate(constant, "a")
    with pytest.raises(UnknownTarget, match=f"{option} names {STRANGER}, not of this closure"):
        realize(closure, **{option: [STRANGER]})  # type: ignore[arg-type]
    with pytest.raises(UnknownTarget):
        realize(closure, realize_args={STRANGER: {}})


def test_an_unknown_target_lists_some_of_those_there_are() -> None:
    closure = instantiate(lambda: [constant(f"s{i}") for i in range(12)])
    with pytest.raises(UnknownTarget, match=r"s3.*, \.\.\.$"):
        realize_many(closure, force_rebuild=[STRANGER])


@pytest.mark.parametrize("bad", [5, 1.5, object()])
@pytest.mark.parametrize("option", ["force_rebuild", "assert_realized", "realize_args"])
def test_what_is_no_list_of_derivations_is_refused(option: str, bad: object) -> None:
    closure = instantiate(constant, "a")
    with pytest.raises(InvalidValue, match=option):
        realize(closure, **{option: bad})  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["garbage", "dref:xyz", 7, None])
def test_what_is_no_derivation_is_refused(bad: object) -> None:
    closure = instantiate(constant, "a")
    with pytest.raises(InvalidValue, match="derivation reference"):
        realize(closure, force_rebuild=[bad])  # type: ignore[list-item]


@pytest.mark.parametrize("nothing", [(), [], None, False, set()])
def test_nothing_forced_is_nothing_forced(nothing: object, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    closure = instantiate(noisy, "a", journal=journal)
    realize(closure)
    realize(closure, force_rebuild=nothing)  # type: ignore[arg-type]
    assert len(lines_of(journal)) == 1


def test_an_option_that_does_not_exist_is_refused() -> None:
    closure = instantiate(constant, "a")
    for call in (realize, realize_many, realize_context):
        with pytest.raises(InvalidValue, match="no option 'durabilty'; it has durability"):
            call(closure, durabilty="full")  # type: ignore[call-arg]


@pytest.mark.parametrize("bad", [STRANGER, None, [STRANGER]])
def test_what_is_no_closure_is_refused(bad: object) -> None:
    for call in (realize, realize_many, realize_context):
        with pytest.raises(InvalidValue, match="what `instantiate` returned"):
            call(bad)  # type: ignore[arg-type]


# Builders that fail


def fail(b: Build) -> None:
    (build_outpath(b) / "half").write_text("done")
    raise KeyError("flux")


def test_a_failed_build_says_what_where_and_why(store: Store) -> None:
    closure = instantiate(built_by(fail))
    with pytest.raises(BuildFailed, match="failed to build: KeyError: 'flux'") as caught:
        realize(closure)
    error = caught.value
    assert error.dref == closure.targets[0]
    assert isinstance(error.__cause__, KeyError)
    assert Path(error.folder, "half").read_text() == "done"
    assert error.log == f"{store.var}/logs/{error.dref}"
    assert error.folder in str(error)
    assert store_rrefs(closure.targets[0]) == []
    assert strangers(store) == []


def test_a_failed_build_can_be_tried_again() -> None:
    broken = [True]

    def sometimes(b: Build) -> None:
        if broken:
            raise RuntimeError
        write_text(b, "fine")

    closure = instantiate(built_by(sometimes))
    with pytest.raises(BuildFailed):
        realize(closure)
    broken.clear()
    assert (rref2path(realize(closure)) / "text").read_text() == "fine"


def test_the_end_of_the_log_is_in_the_text_of_the_error() -> None:
    from pylightnix import build_run

    stage = built_by(lambda b: build_run(b, ["sh", "-c", "echo it is the flux; exit 3"]))
    with pytest.raises(BuildFailed, match="it is the flux") as caught:
        realize(instantiate(stage))
    assert Path(caught.value.log).read_text().endswith("it is the flux\n")


def test_a_builder_that_leaves_the_program_fails_its_build_only() -> None:
    def leave(b: Build) -> None:
        raise SystemExit(3)

    with pytest.raises(BuildFailed, match="SystemExit: 3"):
        realize(instantiate(built_by(leave)))


def test_a_stage_that_leaves_the_program_leaves_it_and_the_registry_is_usable() -> None:
    from pylightnix import Registry

    registry = Registry()
    with pytest.raises(SystemExit):
        instantiate(lambda: exit(1), r=registry)
    instantiate(constant, "a", r=registry)


def test_an_interrupted_build_leaves_nothing(store: Store) -> None:
    def interrupt(b: Build) -> None:
        (build_outpath(b) / "half").write_text("done")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        realize(instantiate(built_by(interrupt)))
    assert [*scratch_left(store), *strangers(store)] == []


def test_what_failed_below_keeps_the_rest_from_being_built(tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    def stage() -> DRef:
        return noisy("top", built_by(fail)(), noisy("other", journal=journal), journal=journal)

    with pytest.raises(BuildFailed):
        realize(instantiate(stage))
    assert "top" not in lines_of(journal)


def test_a_fifo_among_the_outputs_fails_the_build_and_names_it(store: Store) -> None:
    stage = built_by(lambda b: os.mkfifo(build_outpath(b) / "pipe"))
    with pytest.raises(BuildFailed, match="'pipe'") as caught:
        realize(instantiate(stage))
    assert isinstance(caught.value.__cause__, InvalidOutput)
    assert below(caught.value.folder) == ["pipe"]
    assert strangers(store) == []


def test_promised_paths_must_be_there(store: Store) -> None:
    def stage() -> DRef:
        return built_by(
            lambda b: write_text(b, "x"),
            text=[selfref, "text"],
            deep=[{"a": [selfref, "d", "missing"]}],
            other=[selfref, "also"],
        )()

    with pytest.raises(PromiseBroken, match="promised d/missing, also") as caught:
        realize(instantiate(stage))
    error = caught.value
    assert sorted(error.missing) == ["also", "d/missing"]
    assert Path(error.folder, "text").read_text() == "x"
    assert "take the [selfref, ...] out" in str(error)
    assert store_rrefs(DRef(error.dref)) == []
    assert strangers(store) == []


def test_kept_promises_are_of_any_kind() -> None:
    def build(b: Build) -> None:
        plant(build_outpath(b), {"file": "", "d": None})
        (build_outpath(b) / "dangling").symlink_to("nowhere")

    promises = [[selfref, name] for name in ("file", "d", "dangling")]
    realize(instantiate(built_by(build, promises=promises)))


@pytest.mark.parametrize("returned", [None, "/", b"/", Path("/"), 5])
def test_a_realizer_must_return_a_list_of_folders(returned: object, store: Store) -> None:
    """A text is iterable too: taken for a list of folders, "/" would be copied into the store."""
    stage = lambda: drv(lambda *args: returned)  # type: ignore[arg-type]  # noqa: E731
    with pytest.raises(BuildFailed, match="expected a list of output folders"):
        realize(instantiate(stage))
    assert strangers(store) == []


def test_a_realizer_that_returns_no_folder_fails() -> None:
    with pytest.raises(BuildFailed, match="returned no output folder"):
        realize(instantiate(lambda: drv(lambda *args: [])))


def test_a_full_disk_publishes_nothing_and_the_next_run_works(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    closure = instantiate(constant, "a")
    real = os.rename

    def full(source: str, target: str, **dir_fds: int) -> None:
        if ".in-" in str(target):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target, **dir_fds)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", full)
        with pytest.raises(StoreError, match=r"nothing was published.*free space"):
            realize(closure)
    assert [*scratch_left(store), *strangers(store), *store_rrefs(closure.targets[0])] == []
    realize(closure)


def test_a_lock_that_cannot_be_had_is_an_error_of_the_store(store: Store) -> None:
    closure = instantiate(constant, "a")
    os.mkdir(f"{store.var}/locks/{closure.targets[0][5:7]}")
    with pytest.raises(StoreError, match=r"cannot be (built|opened)"):
        realize(closure)


# Builders that realize


def test_a_builder_may_realize_something_itself_in_the_same_store(store: Store) -> None:
    inner: list[RRef] = []

    def build(b: Build) -> None:
        inner.append(realize(instantiate(constant, "inner", text="deep")))
        write_text(b, text_of(store, inner[0]))

    rref = realize(instantiate(built_by(build)))
    assert text_of(store, rref) == "deep"
    assert store_rrefs(DRef(f"dref:{inner[0][38:]}"), store=store) == inner


def test_an_inner_failure_is_the_cause_of_the_outer_one() -> None:
    stage = built_by(lambda b: realize(instantiate(built_by(fail, name="inner"))), name="outer")
    with pytest.raises(BuildFailed, match="outer") as caught:
        realize(instantiate(stage))
    cause = caught.value.__cause__
    assert isinstance(cause, BuildFailed)
    assert isinstance(cause.__cause__, KeyError)


def test_what_another_build_needs_realized_and_is_not_fails_that_build() -> None:
    def build(b: Build) -> None:
        closure = instantiate(constant, "inner")
        realize(closure, assert_realized=closure.targets)

    with pytest.raises(BuildFailed, match="NotRealized"):
        realize(instantiate(built_by(build)))


# Others at work


def test_what_another_process_built_meanwhile_is_taken(store: Store, tmp_path: Path) -> None:
    """Two look, find nothing, and one after the other gets the lock: the second one looks again."""
    from stages_for_tests import all_at_once

    journal = tmp_path / "journal"
    closure = instantiate(noisy, "a", journal=journal)
    found = tmp_path / "found"

    def work() -> None:
        note(found, realize(closure))

    assert all_at_once([work] * 4) == [0] * 4
    assert len(lines_of(journal)) == 1
    assert len(set(lines_of(found))) == 1


def test_waiting_for_another_process_can_end(store: Store) -> None:
    from pylightnix.store.lock import build_lock

    closure = instantiate(constant, "a")
    with (
        build_lock(store, closure.targets[0]),
        pytest.raises(StoreBusy, match=f"process {os.getpid()}"),
    ):
        realize(closure, lock_timeout_s=0.05)


def test_events_tell_the_story(store: Store) -> None:
    def stage() -> DRef:
        return constant("top", constant("base"))

    closure = instantiate(stage)
    base, top = (derivation.dref for derivation in closure.derivations)
    heard: list[Event] = []
    realize(closure, on_event=heard.append)
    assert [(type(event), event.dref) for event in heard] == [
        (Planned, base),
        (Planned, top),
        (Queued, base),
        (Started, base),
        (Built, base),
        (Queued, top),
        (Started, top),
        (Built, top),
        (Finished, top),
    ]
    heard.clear()
    rref = realize(closure, on_event=heard.append)
    assert [(type(event), event.dref) for event in heard] == [
        (Hit, base),
        (Hit, top),
        (Finished, top),
    ]
    assert isinstance(heard[-1], Finished)
    assert heard[-1].rrefs == (rref,)
    assert heard[0].time_s <= heard[-1].time_s


def test_failures_and_waiting_are_events_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from pylightnix.store import lock

    monkeypatch.setattr(lock, "PATIENCE_S", 0.01)
    heard: list[Event] = []
    for stage in (built_by(fail), built_by(lambda b: None, name="liar", p=[selfref, "p"])):
        with pytest.raises(RealizeError):
            realize(instantiate(stage), on_event=heard.append)
    closure = instantiate(constant, "a")
    with lock.build_lock(store, closure.targets[0]), pytest.raises(StoreBusy):
        realize(closure, on_event=heard.append, lock_timeout_s=0.05)
    kinds = [kind for event in heard if (kind := type(event)) in (Started, Failed, Waiting)]
    assert kinds == [Started, Failed, Started, Failed, Waiting, Failed]
    assert all(pickle.loads(pickle.dumps(event)) == event for event in heard)


def test_a_log_is_filed_under_every_realization_of_its_build(store: Store) -> None:
    from pylightnix import build_run

    def build(b: Build) -> None:
        for i, path in enumerate(build_outpaths(b)):
            (path / "n").write_text(str(i))
        build_run(b, ["echo", "hello"])
        assert b.log.exists()

    def stage() -> DRef:
        return mkdrv(mkconfig({"name": "logged"}), match_some(2), build_wrapper(build, nouts=2))

    closure = instantiate(stage)
    for _ in range(2):
        for rref in realize_many(closure, force_rebuild=True):
            log = Path(store.var, "logs", rref)
            assert log.read_text() == "$ echo hello\nhello\n"
    assert len(os.listdir(f"{store.var}/logs")) == 2


def test_provenance_names_the_function_that_built() -> None:
    import json

    rref = realize(instantiate(constant, "a"))
    facts = json.loads((rref2path(rref) / ".pylightnix/build.json").read_text())
    assert facts["realizer"] == "stages_for_tests:constant.<locals>.build"
    assert facts["start"] <= facts["stop"]
    assert facts["start"].endswith("+00:00")
    assert facts["host"] == os.uname().nodename
    assert 0 <= facts["seconds"] < 60


def test_a_signal_that_python_does_not_see_is_not_swallowed(store: Store) -> None:
    """Killed in the middle of a build: what is left is ignored, and the next run works."""
    from stages_for_tests import in_child

    def die(b: Build) -> None:
        (build_outpath(b) / "half").write_text("done")
        os.kill(os.getpid(), signal.SIGKILL)

    closure = instantiate(built_by(die))
    assert in_child(lambda: realize(closure)) == -signal.SIGKILL
    assert store_rrefs(closure.targets[0]) == []
    again = instantiate(built_by(lambda b: write_text(b, "x")))
    assert text_of(store, realize(again)) == "x"


def test_match_only_says_both_ways_out_and_either_helps() -> None:
    from pylightnix import rmref

    closure = instantiate(noisy, "a", matcher=match_only())
    first = realize(closure)
    with pytest.raises(MatcherUnsatisfied, match=r"rmref.*match_latest\(\) or match_exact"):
        realize(closure, force_rebuild=True)
    with pytest.raises(MatcherUnsatisfied) as caught:
        realize(closure)
    assert set(caught.value.found) == set(store_rrefs(closure.targets[0]))
    assert realize(instantiate(noisy, "a", matcher=match_latest())) in caught.value.found
    for rref in caught.value.found:
        if rref != first:
            rmref(rref)
    assert realize(closure) == first
