"""Realizers in a sandbox: what they see, what they make, and how they fail."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace

import pytest

from pylightnix import (
    Build,
    BuildFailed,
    DRef,
    RRef,
    Store,
    build_cattrs,
    build_outpath,
    build_outpaths,
    build_path,
    build_run,
    build_wrapper,
    instantiate,
    match_all,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    realize_many,
    rref2dref,
)
from pylightnix.engine.confine import RealizerEnded, RealizerRaised
from pylightnix.engine.interpreters import this_python
from pylightnix.engine.travel import CannotTravel
from pylightnix.sandbox.grants import MOST_MOUNTS
from pylightnix.sandbox.policy import InvalidPolicy, Policy
from pylightnix.sandbox.start import SandboxUnavailable
from pylightnix.store.layout import log_path, rref_path
from pylightnix.store.query import manifest_of
from sandboxes import needs
from stages_for_tests import constant, scratch_left, text_of, write_text

SMALL = 64 << 20


@pytest.fixture(params=["bubblewrap", "unshare", "landlock"])
def policy(request: pytest.FixtureRequest) -> Policy:
    """The usual policy on each back-end; Landlock alone does not hide processes."""
    needs(request.param)
    if request.param == "landlock":
        return Policy(backend="landlock", require={"fs", "net"}, pids=None)
    return Policy(backend=request.param)


def stage(
    function: Callable[[Build], None], policy: Policy, *deps: DRef, nouts: int = 1, **fields: str
) -> DRef:
    """A derivation whose realizer is the function, in a sandbox."""
    config = mkconfig({"name": "confined", "deps": list(deps), **fields})
    matcher = match_only() if nouts == 1 else match_all()
    return mkdrv(config, matcher, build_wrapper(function, nouts, policy=policy))


def made(store: Store, function: Callable[[Build], None], policy: Policy, **fields: str) -> RRef:
    """Realize such a derivation."""
    return realize(instantiate(lambda: stage(function, policy, nouts=1, **fields), store=store))


def failure(store: Store, function: Callable[[Build], None], policy: Policy) -> BuildFailed:
    """How such a derivation fails."""
    with pytest.raises(BuildFailed) as caught:
        made(store, function, policy)
    return caught.value


def test_a_confined_realizer_makes_what_a_free_one_makes(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        write_text(b, f"{build_cattrs(b).word} of {b.config.name}")

    def free() -> DRef:
        config = mkconfig({"name": "confined", "deps": [], "word": "bread"})
        return mkdrv(config, match_only(), build_wrapper(build))

    rref = made(store, build, policy, word="bread")
    assert text_of(store, rref) == "bread of confined"
    freely = realize(instantiate(free, store=store))
    assert rref2dref(freely) != rref2dref(rref)  # where it is made is part of what it is
    assert manifest_of(store, freely).entries == manifest_of(store, rref).entries
    assert scratch_left(store) == []


def test_it_sees_its_dependencies_and_what_these_depend_on(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        text = build_path(b, [b.config.deps[0], "text"]).read_text(encoding="utf-8")
        below = Path(build_cattrs(b).below)
        write_text(b, f"{text.split()[0]}, {(below / 'text').read_text(encoding='utf-8')}")

    def closure() -> DRef:
        lower = constant("lower", text="first")
        return stage(build, policy, constant("upper", lower, text="second"), below=path)

    path = rref_path(
        store, realize(instantiate(lambda: constant("lower", text="first"), store=store))
    )
    rref = realize(instantiate(closure, store=store))
    assert text_of(store, rref) == "second, first"


def test_it_does_not_see_another_object_of_the_store(store: Store, policy: Policy) -> None:
    other = realize(instantiate(lambda: constant("other", text="secret"), store=store))
    path = f"{rref_path(store, other)}/text"
    assert os.path.exists(path)

    def build(b: Build) -> None:
        Path(path).read_bytes()

    error = failure(store, build, policy)
    assert isinstance(error.__cause__, RealizerRaised)
    assert error.__cause__.type_name.endswith(("FileNotFoundError", "PermissionError"))


def test_it_cannot_change_its_dependencies(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        path = build_path(b, [b.config.deps[0], "text"])
        changes: list[Callable[[], object]] = [lambda: path.write_text("x"), path.unlink]
        if policy.backend != "landlock":  # which knows nothing of modes
            changes.append(lambda: path.chmod(0o777))
        for change in changes:
            try:
                change()
            except OSError:
                continue
            raise RuntimeError("it could be changed")
        write_text(b, "held")

    dep = realize(instantiate(lambda: constant("dep", text="mine"), store=store))
    rref = realize(
        instantiate(lambda: stage(build, policy, constant("dep", text="mine")), store=store)
    )
    assert text_of(store, rref) == "held"
    assert text_of(store, dep) == "mine"


def test_its_environment_is_the_same_for_everybody(
    store: Store, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYLIGHTNIX_TEST_SECRET", "hush")

    def build(b: Build) -> None:
        env = os.environ
        assert "PYLIGHTNIX_TEST_SECRET" not in env
        known = sorted(name for name in env if name not in ("HOME", "TMPDIR", "PWD", "LC_CTYPE"))
        write_text(b, f"{known} {env['SOURCE_DATE_EPOCH']} {env['TZ']} {env.get('WORD')}")

    words = Policy(backend=policy.backend, require=policy.require, pids=None, env={"WORD": "yes"})
    text = text_of(store, made(store, build, words))
    assert "SECRET" not in text
    assert text.endswith("946684800 UTC yes")


def test_sets_have_the_same_order_for_everybody(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        write_text(b, str(hash("a word")))

    one, other = (text_of(store, made(store, build, policy, turn=turn)) for turn in "12")
    assert one == other


def test_what_it_prints_and_runs_is_in_its_log(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        print("by hand")
        build_run(b, ["echo", "by a program"])
        write_text(b, "x")

    with open(log_path(store, made(store, build, policy)), encoding="utf-8") as file:
        log = file.read()
    assert log == "by hand\n$ echo 'by a program'\nby a program\n"


def test_an_error_in_it_is_the_cause_and_its_traceback_is_in_the_log(
    store: Store, policy: Policy
) -> None:
    def build(b: Build) -> None:
        raise ValueError("no such luck")

    error = failure(store, build, policy)
    assert isinstance(error.__cause__, RealizerRaised)
    assert (error.__cause__.type_name, error.__cause__.message) == (
        "builtins.ValueError",
        "no such luck",
    )
    assert "ValueError: no such luck" in str(error)
    with open(error.log, encoding="utf-8") as file:
        assert "Traceback" in file.read()


def test_a_crash_is_told_by_its_signal(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        os.kill(os.getpid(), 11)

    cause = failure(store, build, policy).__cause__
    assert isinstance(cause, RealizerEnded)
    assert cause.status == -11


def test_what_takes_too_long_is_killed(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        time.sleep(60)

    short = Policy(backend=policy.backend, require=policy.require, pids=None, wall_s=1.5)
    begun_s = time.monotonic()
    cause = failure(store, build, short).__cause__
    assert isinstance(cause, RealizerEnded)
    assert (cause.reason, cause.limit) == ("wall_s", 1.5)
    assert "wall_s=1.5" in str(cause)
    assert time.monotonic() - begun_s < 30


def test_several_outputs_come_in_their_order(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        for number, path in enumerate(build_outpaths(b)):
            (path / "text").write_text(str(number), encoding="utf-8")

    closure = instantiate(lambda: stage(build, policy, nouts=3), store=store)
    rrefs = realize_many(closure)
    assert sorted(text_of(store, rref) for rref in rrefs) == ["0", "1", "2"]


def test_the_caller_s_arguments_arrive(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        write_text(b, f"{b.rarg['word']} {b.rindex}")

    closure = instantiate(lambda: stage(build, policy), store=store)
    rref = realize(closure, realize_args={closure.targets[0]: {"word": "given"}})
    assert text_of(store, rref) == "given 0"


def test_what_cannot_be_sent_is_said(store: Store, policy: Policy) -> None:
    clutched = threading.Lock()

    def build(b: Build) -> None:
        write_text(b, str(clutched))

    assert isinstance(failure(store, build, policy).__cause__, CannotTravel)


def test_a_network_is_for_outputs_whose_hash_is_fixed(store: Store, policy: Policy) -> None:
    def build(b: Build) -> None:
        write_text(b, "fetched")

    open_ = Policy(backend=policy.backend, require=policy.require, pids=None, network=True)
    assert isinstance(failure(store, build, open_).__cause__, InvalidPolicy)
    assert text_of(store, made(store, build, open_, sha256="0" * 64)) == "fetched"


@pytest.mark.parametrize("jobs", [1, 2])
def test_without_a_sandbox_that_is_required_nothing_is_built(store: Store, jobs: int) -> None:
    unmet = Policy(backend="rlimits", pids=None)

    def build(b: Build) -> None:
        write_text(b, "built")

    with pytest.raises(SandboxUnavailable, match="it does not enforce fs, net, pid"):
        realize(instantiate(lambda: stage(build, unmet), store=store), jobs=jobs)
    assert scratch_left(store) == []


def test_builds_of_one_thing_are_done_at_one_place(store: Store) -> None:
    needs("bubblewrap")

    def build(b: Build) -> None:
        write_text(b, f"{build_outpath(b)} {os.getcwd()} {os.environ['HOME']}")

    rref = made(store, build, Policy(backend="bubblewrap"))
    assert text_of(store, rref) == "/build/out/0 /build /build"


def test_a_link_planted_as_output_leads_nowhere(
    store: Store, policy: Policy, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text("hush")

    def build(b: Build) -> None:
        out = build_outpath(b)
        out.rmdir()
        out.symlink_to(secret)

    with pytest.raises(BuildFailed):
        made(store, build, policy)
    assert (secret / "file").read_text() == "hush"


@pytest.mark.parametrize("home", ["/tmp", "/var/tmp"])
def test_of_many_dependencies_each_is_seen_and_nothing_else(home: str) -> None:
    """More than bubblewrap mounts in reasonable time; not below /tmp, which is private there."""
    needs("bubblewrap")

    def build(b: Build) -> None:
        seen = {build_path(b, [dref, "text"]).read_text() for dref in b.config.deps}
        try:
            seen.add(Path(build_cattrs(b).hidden, "text").read_text())
        except OSError:
            write_text(b, str(len(seen)))

    with TemporaryDirectory(dir=home) as folder:
        store = Store.open(folder, create=True, durability="none")
        other = realize(instantiate(lambda: constant("other", text="secret"), store=store))

        def closure() -> DRef:
            deps = [constant(f"dep{number}", text=str(number)) for number in range(MOST_MOUNTS + 1)]
            hidden = rref_path(store, other)
            return stage(build, Policy(backend="bubblewrap"), *deps, hidden=hidden)

        rref = realize(instantiate(closure, store=store))
        assert text_of(store, rref) == str(MOST_MOUNTS + 1)


def test_what_is_in_sys_modules_and_no_module_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger = ModuleType("stranger")
    stranger.__file__ = "/nowhere/stranger.py"
    monkeypatch.setitem(sys.modules, "stranger", stranger)
    monkeypatch.setitem(sys.modules, "odd", SimpleNamespace(__file__="/nowhere/odd.py"))
    assert [m for m in this_python(()).strangers() if "/nowhere/" in str(m.__file__)] == [stranger]
