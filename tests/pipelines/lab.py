"""A laboratory of pipelines whose steps are derivations, written into a folder."""

from __future__ import annotations

from pathlib import Path

from pylightnix import Built, Event

STEPS = '''
"""Stages."""
import json

from pylightnix import (
    build_cattrs, build_outpath, build_path, build_wrapper, match_only, mkconfig, mkdrv,
)

from sharedcode import doubled

OFFSET = 1


def clean(data, scale=1, r=None):
    """Double every number."""
    def build(b):
        c = build_cattrs(b)
        text = (build_path(b, [c.data, "data"])).read_text()
        numbers = [doubled(int(n)) * c.scale + OFFSET for n in text.split()]
        (build_outpath(b) / "clean.json").write_text(json.dumps(numbers))

    fields = {"name": "clean", "data": data, "scale": scale}
    return mkdrv(mkconfig(fields), match_only(), build_wrapper(build))


def report(best, table=None, r=None):
    def build(b):
        (build_outpath(b) / "report.txt").write_text(build_path(b, [best, "score.txt"]).read_text())

    fields = {"name": "report", "best": best, "table": table}
    return mkdrv(mkconfig(fields), match_only(), build_wrapper(build), r)
'''
TRAIN = """
from pylightnix import build_cattrs, build_outpath, build_wrapper, match_only, mkconfig, mkdrv


def fit(data, seed, r=None):
    def build(b):
        (build_outpath(b) / "score.txt").write_text(str(build_cattrs(b).seed * 10))

    fields = {"name": f"fit-{seed}", "data": data, "seed": seed}
    return mkdrv(mkconfig(fields), match_only(), build_wrapper(build), r)


def best(models, r=None):
    def build(b):
        (build_outpath(b) / "score.txt").write_text("30")

    fields = {"name": "best", "models": models}
    return mkdrv(mkconfig(fields), match_only(), build_wrapper(build), r)
"""
LAB = {
    "lab.yaml": """
        steps:
          - name: set
            in: {set: {seeds: [1, 2, 3]}}
          - name: data
            uses: mkfile
            with: {name: data, contents: '1 2 3'}
          - name: clean
            uses: ./steps.py:clean
            with: {data: '{data}', scale: 2}
          - name: model
            uses: ./lib/train
            foreach: '{seeds}'
            with: {data: '{clean}/clean.json', seed: '{i}'}
          - name: best
            uses: ./lib/train.py:best
            with: {models: '{model}'}
          - name: echo
            in: {echoMe: 'best is {best.rref} in {best}'}
          - name: report
            uses: steps:report
            with: {best: '{best}', table: ['{model[0]}', '{clean}']}
          - name: py
            in:
              py: |
                from pathlib import Path
                save(text=Path(report, 'report.txt').read_text())
    """,
    "steps.py": STEPS,
    "sharedcode.py": "def doubled(n):\n    return 2 * n\n",
    "lib/train.yaml": """
        steps:
          - name: fit
            uses: ./train.py:fit
            with: {data: '{data}', seed: '{seed}'}
    """,
    "lib/train.py": TRAIN,
}


class Builds:
    """A listener that keeps the names of what was built."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Built):
            self.names.append(str(event.dref[38:]))

    def taken(self) -> list[str]:
        """Give the names since the last time, sorted."""
        names, self.names = sorted(self.names), []
        return names


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, which has it."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
