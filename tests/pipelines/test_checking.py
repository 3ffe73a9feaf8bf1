"""`check`: what a pipeline's text tells of mistakes, and what calls what."""

from __future__ import annotations

import pytest

from pipelines.conftest import Write
from pylightnix import pipelines

GOOD = """
    context_parser: words
    steps:
      - {name: call, in: {call: {groups: [one, '{any}'], success: two, failure: on_failure}}}
      - {name: switch, in: {switch: [{case: true, call: one}, {default: [two]}, no mapping]}}
      - {name: pype, in: {pype: {name: lib/child}}}
      - {name: pype, in: {pype: {name: child, resolveFromParent: false}}}
      - {name: pype, in: {pype: {name: '{computed}'}}}
      - {name: pype, in: {pype: {name: x, loader: string}}}
      - {name: pype, in: {pype: '{computed}'}}
      - {name: os.path}
      - {name: a, uses: mkfile, with: {name: a, contents: x}}
      - {name: b, uses: lib/child, with: {x: ['{a}/a', {y: '{a[0].b}', z: 'a { b'}], n: 1}}
    one: [mine, {name: jump, in: {jump: two}}]
    two:
"""


def test_what_is_right_has_no_issues_and_is_drawn(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "pipe.yaml": GOOD,
        "words.py": "",
        "mine.py": "",
        "lib/child.yaml": "steps: [{name: pype, in: {pype: {name: child}}}]",
        "child.yaml": "steps: []",
    }
    monkeypatch.chdir(write(files))
    found = pipelines.check("pipe")
    assert found.issues == []
    assert set(found.edges) == {
        ("pipe", "lib/child", "pype"),
        ("pipe", "child", "pype"),
        ("lib/child", "child", "pype"),
        ("pipe", "a", "mkfile"),
        ("pipe", "lib/child", "uses"),
        ("a", "b", "with"),
    }
    assert found.mermaid().count("-->") == len(found.edges)


WRONG = {
    "{name: call, in: {call: {groups: [onee]}}}": "there is no group 'onee'; did you mean 'one'",
    "{name: jump, in: {jump: [one, nowhere]}}": "there is no group 'nowhere'",
    "{name: os.nowhere}": "there is no step 'os.nowhere'",
    "{name: nowhere.at_all}": "there is no step 'nowhere.at_all'",
    "{name: pype, in: {pype: {name: lib/nowhere}}}": "there is no pipeline 'lib/nowhere'",
    "{name: a, uses: './none.py:stage'}": "there is no file none.py",
    "{name: a, uses: mkfil}": "there is no pipeline 'mkfil'",
}


@pytest.mark.parametrize("step", WRONG)
def test_what_is_wrong_is_told_with_its_line(
    step: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write({"pipe.yaml": f"one: []\nsteps:\n  - {step}\n"}))
    (issue,) = pipelines.check("pipe").issues
    assert str(issue).startswith("pipe.yaml:3:5: ") and WRONG[step] in str(issue)
