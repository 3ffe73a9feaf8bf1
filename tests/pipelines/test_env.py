"""Steps with packages of their own."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipelines.conftest import Write
from pipelines.lab import Builds, edit
from pylightnix import Store, config_dict, pipelines
from pylightnix.store.query import config_of
from wheels_for_tests import greetings

LACKING = [name for name in ("uv", "bson") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(LACKING), reason=f"pods need {LACKING}: pip install pylightnix[pods]"
)

STEPS = """
    import neighbour

    from pylightnix import build_outpath, build_wrapper, match_only, mkconfig, mkdrv


    def derived(build, **fields):
        config = mkconfig({"name": build.__name__, **fields})
        return mkdrv(config, match_only(), build_wrapper(build))


    def say(times=1):
        def version(b):
            import greet

            import late

            (build_outpath(b) / "said").write_text(neighbour.loud(late.said(greet.VERSION)))

        return derived(version, times=times)
"""
FILES = {
    "steps.py": STEPS,
    "neighbour.py": "def loud(text):\n    return text + '!'",
    "late.py": "import greet\n\n\ndef said(text):\n    return f'{text} of {greet.__name__}'",
}


@pytest.fixture
def folder(write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write(FILES)
    greetings(root / "wheels")
    monkeypatch.chdir(root)
    return root


def said(path: object) -> str:
    return Path(str(path), "said").read_text()


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_item_of_a_foreach_has_packages_of_its_own(
    jobs: int, folder: Path, write: Write, current: Store
) -> None:
    text = """
        steps:
          - name: model
            uses: ./steps.py:say
            foreach: ['1.0', '2.0']
            env: {requirements: ['greet=={i}'], find_links: wheels}
    """
    write({"pipe.yaml": text})
    builds = Builds()
    models = pipelines.run("pipe", jobs=jobs, on_event=builds)["model"]
    assert [said(path) for path in models] == ["1.0 of greet!", "2.0 of greet!"]
    assert builds.taken().count("version") == 2
    again = pipelines.run("pipe", on_event=builds)["model"]
    assert (again, builds.taken()) == (models, [])
    assert "greet" not in sys.modules


def test_an_environment_is_a_step_that_others_refer_to(
    folder: Path, write: Write, current: Store
) -> None:
    envs = """
        from pylightnix.pods import pod_env

        greet2 = pod_env(["greet==2.0"], find_links={links!r})
    """
    text = """
        steps:
          - name: tools
            uses: pod_env
            with: {requirements: [needy], find_links: [wheels]}
          - {name: old, uses: './steps.py:say', env: '{tools}'}
          - {name: other, uses: './envs.py:greet2'}
          - {name: new, uses: 'steps:say', env: '{other}'}
          - {name: echo, in: {echoMe: '{old}'}}
          - {name: newer, uses: './steps.py:say', with: {times: 2}, env: '{other}'}
    """
    write({"pipe.yaml": text, "envs.py": envs.replace("{links!r}", repr(str(folder / "wheels")))})
    found = pipelines.run("pipe")
    assert [said(found[key])[:3] for key in ("old", "new", "newer")] == ["1.0", "2.0", "2.0"]
    assert config_dict(config_of(current, found["old"].dref))["__env__"] == found["tools"].dref


def test_a_child_hands_its_environment_on_unless_a_step_has_one(
    folder: Path, write: Write, current: Store
) -> None:
    text = """
        steps:
          - {name: both, uses: lib/child, env: {requirements: greet==1.0, find_links: wheels}}
    """
    child = """
        steps:
          - {name: data, uses: mkfile, with: {name: data, contents: x}}
          - {name: a, uses: '../steps.py:say'}
          - {name: b, uses: '../steps.py:say', env: {requirements: [greet], find_links: ../wheels}}
        result: {data: '{data}', a: '{a}', b: '{b}'}
    """
    write({"pipe.yaml": text, "lib/child.yaml": child})
    both = pipelines.run("pipe")["both"]
    assert (said(both["a"])[:3], said(both["b"])[:3]) == ("1.0", "2.0")
    assert "__env__" not in config_dict(config_of(current, both["data"].dref))


def test_what_a_step_is_called_is_its_source_its_arguments_and_its_lock(
    folder: Path, write: Write, current: Store
) -> None:
    text = """
        steps:
          - {name: a, uses: './steps.py:say', with: {times: 1},
             env: {requirements: ['greet<2'], find_links: wheels}}
    """
    write({"pipe.yaml": text})
    builds = Builds()

    def built(file: str, old: str, new: str) -> list[str]:
        edit(folder / file, old, new)
        pipelines.run("pipe", on_event=builds)
        return builds.taken()

    everything = ["pod-env", "pod-lock", "version"]
    assert built("pipe.yaml", "name: a", "name: b") == everything
    assert built("pipe.yaml", "name: b", "name: c") == []
    assert built("pipe.yaml", "times: 1", "times: 2") == ["version"]
    assert built("neighbour.py", "'!'", "'?'") == ["version"]
    assert built("late.py", " of ", " from ") == ["version"]  # imported in the builder only
    assert built("pipe.yaml", "greet<2", "greet<3") == everything
    assert said(pipelines.run("pipe")["c"]) == "2.0 from greet?"


def test_an_installed_stage_goes_into_an_environment_by_its_code(
    folder: Path, write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = STEPS.replace("neighbour.loud(late.said(greet.VERSION))", "greet.VERSION")
    whole = whole.replace("import neighbour", "").replace("import late", "")
    text = """
        steps:
          - {name: a, uses: 'installed_stages:say', env: {requirements: greet, find_links: wheels}}
    """
    root = write({"site/installed_stages.py": whole, "lab/pipe.yaml": text})
    greetings(root / "lab" / "wheels")
    monkeypatch.syspath_prepend(str(root / "site"))
    assert said(pipelines.run("lab/pipe")["a"]) == "2.0"
    monkeypatch.delitem(sys.modules, "installed_stages")


ODD = """
    from pylightnix import build_wrapper, match_only, mkconfig, mkdrv
    from pylightnix.pods import pod_env


    def has_one():
        realizer = build_wrapper(lambda b: None, env=pod_env([]))
        return mkdrv(mkconfig({"name": "a"}), match_only(), realizer)


    def by_hand():
        return mkdrv(mkconfig({"name": "a"}), match_only(), lambda store, dref, context, rarg: [])
"""


@pytest.mark.parametrize(
    ("stage", "why"),
    [("has_one", "has an environment of its own"), ("by_hand", "made by build_wrapper")],
)
def test_what_cannot_go_into_an_environment_is_refused(
    stage: str, why: str, write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"steps: [{{name: a, uses: './odd.py:{stage}', env: []}}]"
    monkeypatch.chdir(write({"pipe.yaml": text, "odd.py": ODD}))
    with pytest.raises(pipelines.StepFailed, match=why):
        pipelines.run("pipe")
    assert pipelines.check("pipe").issues == []


def test_a_matcher_chooses_among_what_a_child_makes(
    write: Write, current: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = """
        from pylightnix import build_outpaths, build_wrapper, match_all, mkconfig, mkdrv


        def noisy(r=None):
            def build(b):
                for score, folder in enumerate(build_outpaths(b)):
                    (folder / "score.txt").write_text(str(score))

            config = mkconfig({"name": "noisy"})
            return mkdrv(config, match_all(), build_wrapper(build, 3), r)
    """
    root = write(
        {
            "pipe.yaml": "steps: [{name: a, uses: lib/child, matcher: {best: score.txt}}]",
            "lib/child.yaml": "steps: [{name: n, uses: './noisy.py:noisy'}]",
            "lib/noisy.py": noisy,
        }
    )
    monkeypatch.chdir(root)
    for jobs in (1, 2):
        assert Path(pipelines.run("pipe", jobs=jobs)["a"], "score.txt").read_text() == "2"
    assert len(pipelines.run("lib/child")["n"]) == 3
