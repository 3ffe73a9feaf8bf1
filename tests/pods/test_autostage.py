"""Stages made of functions, in an environment, in a sandbox, or in both."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pylightnix import (
    Build,
    BuildFailed,
    DRef,
    InvalidValue,
    Lens,
    Registry,
    Result,
    Store,
    autodrv,
    autostage,
    build_path,
    config_dict,
    current_registry,
    given,
    instantiate,
    mklens,
    realize,
    realizeU,
    result_of,
    rref2path,
    selfpath,
    selfref,
)
from pylightnix.api.check import check
from pylightnix.pods import pod_env
from pylightnix.sandbox.policy import Policy
from sandboxes import boxed


def version_stage(version: str, wheels: Path, policy: Policy | None) -> Any:
    """A stage that says which version of `greet` it finds."""

    @autostage(
        name=f"greet-{version[0]}",
        env=pod_env([f"greet=={version}"], find_links=wheels),
        policy=policy,
    )
    def said(out: str = selfpath("version")) -> None:
        import greet  # type: ignore[import-not-found]

        Path(out).write_text(greet.VERSION)

    return said


@pytest.mark.parametrize("in_a_sandbox", [False, True])
def test_two_versions_of_one_package_are_compared_in_a_third_environment(
    in_a_sandbox: bool, current: Store, wheels: Path
) -> None:
    policy = boxed() if in_a_sandbox else None
    old, new = (version_stage(version, wheels, policy) for version in ("1.0", "2.0"))

    @autostage(env=pod_env([]), policy=policy, new=[new, "version"])
    def compared(new: str = "", old: Any = old, out: str = selfpath("both")) -> None:
        if find_spec("greet") is None:
            found = f"{Path(old.out).read_text()} {Path(new).read_text()}"
            Path(out).write_text(found)

    rref = realize(instantiate(compared), jobs=2)
    assert (rref2path(rref) / "both").read_text() == "1.0 2.0"
    assert list(Path(current.var, "tmp").iterdir()) == []


class Known(Result):
    """A dependency whose fields are known."""

    word: str
    out: str


def tell(places: dict[str, Any], inner: Any, paths: Any, lens: Lens, b: Build) -> dict[str, Any]:
    return {
        "kind": type(inner).__name__,
        "word": inner.word,
        "text": Path(inner.out).read_text(),
        "many": [Path(path).read_text() for path in paths],
        "nested": [item.word for item in places["deep"]],
        "lens": Path(lens.inner.out.syspath).read_text(),
        "build": build_path(b, [inner.dref, "text"]).read_text(),
        "rindex": b.rindex,
    }


def params(**options: Any) -> Any:
    """A stage that tells what has arrived in it."""

    @autostage
    def inner(word: str = "deep", out: str = selfpath("text")) -> None:
        Path(out).write_text(f"of {word}")

    decorate: Any = autostage(**options)

    def outer(
        inner: Known = result_of(inner, Known),
        paths: Any = ([inner, "text"],),
        places: Any = None,
        out: str = selfpath("told"),
        build: Build = given,
        rindex: int = given,
        **more: Any,
    ) -> None:
        found = tell(places, inner, paths, mklens(build), build)
        Path(out).write_text(repr((found, rindex, sorted(more), more.get("lr"))))

    return decorate(outer)


@pytest.mark.parametrize("where", ["an environment", "a sandbox", "both"])
def test_values_arrive_elsewhere_as_they_arrive_here(where: str, current: Store) -> None:
    def told(**options: Any) -> str:
        stage: Any = params(**options)
        inner = stage.fields.get("inner", stage._fixed["inner"])
        given = {"places": {"deep": [inner]}, "paths": [[inner, "text"]], "lr": 0.5}
        return (rref2path(realize(instantiate(stage, **given))) / "told").read_text()

    options: dict[str, Any] = {}
    if where != "a sandbox":
        options["env"] = pod_env([])
    if where != "an environment":
        options["policy"] = boxed()
    here = told()
    assert "'kind': 'Known', 'word': 'deep', 'text': 'of deep', 'many': ['of deep']" in here
    assert told(**options) == here


def test_the_environment_and_the_policy_are_fields_that_nobody_sees(current: Store) -> None:
    @autostage(env=pod_env([]), policy=boxed())
    def inner(**fields: Any) -> None: ...

    @autostage
    def outer(inner: Any = inner, out: str = selfpath("x")) -> None:
        Path(out).write_text(" ".join(dir(inner)))

    closure = instantiate(inner, lr=1)
    fields = config_dict(closure.derivations[-1].config)
    assert set(fields) == {"name", "lr", "__source__", "__env__", "__policy__"}
    result = realizeU(closure)
    assert dir(result) == ["dref", "lr", "name", "path", "rref"]
    assert realizeU(instantiate(outer)).out
    with pytest.raises(TypeError, match="'__env__' is made by pylightnix"):
        instantiate(inner, __env__=1)


def test_several_outputs_are_made_there_too(current: Store) -> None:
    @autostage(nouts=3, env=pod_env([]))
    def several(rindex: int = given, out: str = selfpath("i")) -> None:
        Path(out).write_text(str(rindex))

    results = realizeU(instantiate(several))
    assert sorted(Path(result.out).read_text() for result in results) == ["0", "1", "2"]


def test_autodrv_takes_an_environment(current: Store, wheels: Path) -> None:
    def stage(r: Registry) -> DRef:
        with current_registry(r):

            def greeting(out: str = selfpath("version")) -> None:
                import greet

                Path(out).write_text(greet.VERSION)

            drv = autodrv(env=pod_env(["greet==2.0"], find_links=wheels))
            made: DRef = drv(greeting)
            return made

    assert Path(realizeU(instantiate(stage)).out).read_text() == "2.0"


def test_an_environment_is_looked_at_once_however_many_stages_use_it(current: Store) -> None:
    calls: list[Registry] = []
    plain = pod_env([])

    def env(r: Registry) -> DRef:
        calls.append(r)
        return plain(r=r)

    def stage() -> list[DRef]:
        made = []
        for number in range(5):

            @autostage(env=env, name=f"stage-{number}")
            def one() -> None: ...

            made.append(one())
        return made

    assert len(instantiate(stage).targets) == 5
    assert len(calls) == 1


def test_what_a_stage_depends_on_stays_behind(current: Store, wheels: Path) -> None:
    """The code of a dependency uses modules that the environment does not have."""
    import filelock

    held: ModuleType = filelock

    @autostage
    def here(out: str = selfpath("name")) -> None:
        Path(out).write_text(held.__name__)

    @autostage(env=pod_env(["greet==1.0"], find_links=wheels), path=[here, "name"])
    def there(path: str = "", below: Any = here, out: str = selfpath("x")) -> None:
        Path(out).write_text(below.name + Path(path).read_text())

    assert Path(realizeU(instantiate(there)).out).read_text() == "herefilelock"


def test_a_module_that_the_environment_lacks_is_named(current: Store) -> None:
    @autostage(env=pod_env([]))
    def lacking(out: str = selfpath("x")) -> None:
        import filelock

        Path(out).write_text(filelock.__name__)

    with pytest.raises(BuildFailed, match="No module named 'filelock'"):
        realize(instantiate(lacking))


def test_a_module_beside_the_program_can_be_imported_late_in_an_environment(
    current: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside_the_program.py").write_text("WORD = 'found'\n")
    monkeypatch.syspath_prepend(tmp_path)

    @autostage(env=pod_env([]))
    def stage(out: str = selfpath("x")) -> None:
        import beside_the_program  # type: ignore[import-not-found]

        Path(out).write_text(beside_the_program.WORD)

    assert Path(realizeU(instantiate(stage)).out).read_text() == "found"


@pytest.mark.parametrize("wrong", [{"env": ["numpy"]}, {"env": "numpy"}, {"policy": {"net": 1}}])
def test_something_else_than_an_environment_or_a_policy_is_refused(wrong: Any) -> None:
    decorate: Callable[..., Any] = autostage(**wrong)
    with pytest.raises(InvalidValue, match=next(iter(wrong))):
        decorate(lambda: None)


def test_such_a_stage_can_be_checked(current: Store, wheels: Path) -> None:
    boxed()
    stage = version_stage("1.0", wheels, None)
    assert [checked.same for checked in check(instantiate(stage))] == [True]


def test_a_lens_shows_where_it_ran(current: Store) -> None:
    @autostage(env=pod_env([]), out=[selfref, "x"])
    def stage(out: str) -> None:
        Path(out).write_text("x")

    assert "__env__" in dir(mklens(instantiate(stage)))
