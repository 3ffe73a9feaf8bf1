"""Builders that run in an environment, in a sandbox, or in both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    Build,
    BuildFailed,
    Closure,
    DRef,
    RealizeArg,
    Store,
    build_cattrs,
    build_outpath,
    build_path,
    build_wrapper,
    config_dict,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    mkfile,
    realize,
    rref2path,
)
from pylightnix.engine.confine import RealizerEnded, RealizerRaised
from pylightnix.engine.interpreters import OtherPython, python_of
from pylightnix.pods import pod_env
from pylightnix.sandbox.policy import Policy
from sandboxes import boxed


def say(b: Build) -> None:
    import greet  # type: ignore[import-not-found]

    (build_outpath(b) / "version").write_text(greet.VERSION)


def compare(b: Build) -> None:
    fields = build_cattrs(b)
    found = [build_path(b, [dref, "version"]).read_text() for dref in (fields.old, fields.new)]
    (build_outpath(b) / "both").write_text(" ".join(found))


def derive(name: str, f: Any, policy: Any = None, env: Any = None, **fields: Any) -> DRef:
    wrapped = build_wrapper(f, env=env, policy=policy)
    return mkdrv(mkconfig({"name": name, **fields}), match_only(), wrapped)


def versions(wheels: Path, policy: Policy | None) -> DRef:
    old, new = (pod_env([f"greet=={n}"], find_links=wheels) for n in ("1.0", "2.0"))
    return derive(
        "both",
        compare,
        policy,
        old=derive("old", say, policy, old),
        new=derive("new", say, policy, new),
    )


@pytest.mark.parametrize("in_a_sandbox", [False, True])
def test_two_versions_of_one_package_in_one_closure(
    in_a_sandbox: bool, current: Store, wheels: Path
) -> None:
    policy = boxed() if in_a_sandbox else None
    rref = realize(instantiate(versions, wheels, policy), jobs=2)
    assert (rref2path(rref) / "both").read_text() == "1.0 2.0"
    assert list(Path(current.var, "tmp").iterdir()) == []


def test_the_environment_is_a_dependency(current: Store, wheels: Path) -> None:
    def stage(version: str) -> DRef:
        return derive("one", say, env=pod_env([f"greet=={version}"], find_links=wheels))

    one, other = (instantiate(stage, version) for version in ("1.0", "2.0"))
    assert one.targets != other.targets
    names = {drv.config.name for drv in one.derivations}
    assert names == {"one", "pod-env", "pod-lock"}


@pytest.mark.parametrize("in_an_environment", [False, True])
def test_what_a_policy_grants_is_part_of_a_build_and_its_limits_are_not(
    in_an_environment: bool, current: Store
) -> None:
    env = pod_env([]) if in_an_environment else None

    def config(policy: Policy | None) -> dict[str, Any]:
        closure = instantiate(derive, "one", say, policy, env)
        return config_dict(closure.derivations[-1].config)

    free, bare = config(None), config(Policy())
    assert bare.pop("__policy__") == {"env": {}, "network": False, "ro": [], "rw": []}
    assert bare == free
    limits = Policy(wall_s=5.0, cpu_s=2, memory_bytes=1 << 30, pids=9, file_bytes=99, require=())
    assert config(limits) == config(Policy())
    assert config(Policy(network=True))["__policy__"]["network"] is True
    assert config(Policy(ro=["/usr/share"]))["__policy__"]["ro"] == ["/usr/share"]
    assert config(Policy(env={"A": "b"}))["__policy__"]["env"] == {"A": "b"}
    assert list(free) == (["__env__", "name"] if in_an_environment else ["name"])


def test_an_error_of_the_builder_is_told_with_its_traceback(current: Store) -> None:
    def broken(b: Build) -> None:
        raise ValueError("no good")

    with pytest.raises(BuildFailed, match="ValueError: no good") as caught:
        realize(instantiate(derive, "broken", broken, env=pod_env([])))
    assert isinstance(caught.value.__cause__, RealizerRaised)
    assert 'raise ValueError("no good")' in Path(caught.value.log).read_text()


def test_a_builder_that_crashes_is_told_of(current: Store) -> None:
    def crash(b: Build) -> None:
        import os

        print("last words", flush=True)
        os.abort()

    with pytest.raises(BuildFailed, match="last words") as caught:
        realize(instantiate(derive, "crash", crash, env=pod_env([])))
    assert isinstance(caught.value.__cause__, RealizerEnded)
    assert caught.value.__cause__.status == -6


def test_a_builder_in_a_sandbox_sees_its_closure_and_nothing_else(
    current: Store, tmp_path: Path
) -> None:
    policy = boxed()
    (tmp_path / "outside").write_text("secret")
    outside = str(tmp_path / "outside")

    def look(b: Build) -> None:
        import os
        import socket

        seen = {"given": build_path(b, [build_cattrs(b).given, "data"]).read_text()}
        try:
            with open(outside) as file:
                seen["outside"] = file.read()
        except OSError:
            seen["outside"] = "denied"
        try:
            with open(build_path(b, [build_cattrs(b).given, "data"]), "w"):
                seen["write"] = "allowed"
        except OSError:
            seen["write"] = "denied"
        try:
            with socket.create_connection(("127.0.0.1", 9), timeout=1):
                seen["network"] = "allowed"
        except OSError:
            seen["network"] = "denied"
        beside = os.listdir(os.path.dirname(b.store.objects + "/x"))
        seen["objects"] = str(len([name for name in beside if "hidden" in name]))
        seen["variables"] = " ".join(sorted(os.environ))
        (build_outpath(b) / "seen").write_text("\n".join(f"{k}={v}" for k, v in seen.items()))

    def stage() -> DRef:
        return derive("look", look, policy, given=mkfile("data", "known"))

    realize(instantiate(mkfile, "hidden", "x"))
    seen = (rref2path(realize(instantiate(stage))) / "seen").read_text().splitlines()
    assert seen[:5] == [
        "given=known",
        "outside=denied",
        "write=denied",
        "network=denied",
        "objects=0",
    ]
    assert "SOURCE_DATE_EPOCH" in seen[5] and "PYLIGHTNIX_ROOT" not in seen[5]


def test_sets_have_the_same_order_for_everybody_in_an_environment(current: Store) -> None:
    def order(b: Build) -> None:
        (build_outpath(b) / "hash").write_text(str(hash("a word")))

    env = pod_env([])
    one, other = (
        (rref2path(realize(instantiate(derive, name, order, env=env))) / "hash").read_text()
        for name in ("one", "other")
    )
    assert one == other


def test_what_a_caller_passes_reaches_the_builder(current: Store) -> None:
    def told(b: Build) -> None:
        (build_outpath(b) / "told").write_text(f"{b.rarg['word']} {b.rindex}")

    closure: Closure = instantiate(derive, "told", told, env=pod_env([]))
    rref = realize(closure, realize_args={closure.targets[0]: {"word": "hello"}})
    assert (rref2path(rref) / "told").read_text() == "hello 0"
    assert RealizeArg is not None


def test_an_environment_of_another_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").write_text("home = /opt/python/bin\nversion_info = 3.8.1\n")
    with pytest.raises(OtherPython, match=r"environment's is 3\.8\.1"):
        python_of(str(tmp_path), say)
