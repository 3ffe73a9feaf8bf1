"""`check`: what is wrong with a pipeline, as far as its text tells; `graph`: what calls what."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from pylightnix.core.errors import PipelineError

from .catalogue import PARSER_PREFIX, PARSERS, STEPS, short
from .language import USUAL_GROUPS
from .loaders import PipelineNotFound
from .model import Body, Pipeline, Step
from .modules import Finder, ModuleNotThere, plugin
from .places import InvalidPipeline, Issue, guess
from .session import Session
from .uses import StageNotFound, call_of, is_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Checked:
    """What a pipeline comes to, as far as its text tells.

    Attributes:
        issues: what is wrong, in the order in which it was met.
        edges: what runs or uses what: two labels, and a word for how.
    """

    __slots__ = ("edges", "issues")

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.edges: list[tuple[str, str, str]] = []

    def mermaid(self) -> str:
        """Draw it in the language of Mermaid."""
        names = list(dict.fromkeys(name for a, b, _ in self.edges for name in (a, b)))
        number = {name: f"n{index}" for index, name in enumerate(names)}
        boxes = [f'  {number[name]}["{name}"]' for name in names]
        arrows = [f"  {number[a]} -->|{how}| {number[b]}" for a, b, how in self.edges]
        return "\n".join(["graph LR", *boxes, *arrows])


def check(pipeline_name: str, *, loader: Any = None, py_dir: Any = None) -> Checked:
    """Validate a pipeline and the children that it names, and run nothing.

    Args:
        pipeline_name: as for `run`.
        loader: likewise.
        py_dir: likewise.

    Returns:
        What is wrong, and what calls what.

    Raises:
        PipelineNotFound: it is not there.
    """
    found = Checked()
    session = Session(None, {})
    try:
        pipeline = session.pipeline(
            pipeline_name, (os.getcwd(),), loader=loader or "file", py_dir=py_dir
        )
    except InvalidPipeline as error:
        found.issues.extend(error.issues)
        return found
    _Checker(session, found).pipeline(pipeline)
    found.issues.sort(key=lambda issue: (issue.place.file, issue.place.line))
    return found


class _Checker:
    def __init__(self, session: Session, found: Checked) -> None:
        self.session, self.found = session, found
        self.seen: set[int] = set()

    def pipeline(self, pipeline: Pipeline) -> None:
        if id(pipeline.definition) in self.seen:
            return
        self.seen.add(id(pipeline.definition))
        body = pipeline.definition.pipeline
        if body.parser is not None and body.parser.removeprefix(PARSER_PREFIX) not in PARSERS:
            self._module("context parser", body.parser, pipeline, body.parser_at, PARSERS)
        for name, steps in body.groups.items():
            known: set[str] = set()
            for step in steps:
                self.step(step, name, pipeline, known)

    def step(self, step: Step, group: str, pipeline: Pipeline, known: set[str]) -> None:
        body = pipeline.definition.pipeline
        if step.derive is not None:
            self._derived(step, pipeline, known)
            known.add(step.name)
            return
        name = short(step.name)
        if name not in STEPS and plugin("steps", name) is None:
            self._module("step", name, pipeline, step.place, tuple(STEPS))
        given: Mapping[str, Any] = step.given or {}
        if name in ("call", "jump"):
            self._groups(given.get(name), step, body, group)
        elif name == "switch":
            for case in given.get("switch") or ():
                if isinstance(case, Mapping):
                    self._groups(case.get("call", case.get("default")), step, body, group)
        elif name == "pype" and isinstance(given.get("pype"), Mapping):
            self._child(given["pype"], step, pipeline)

    def _wrong(self, place: Any, text: str) -> None:
        self.found.issues.append(Issue(place, text))

    def _edge(self, pipeline: Pipeline, to: str, how: str) -> None:
        self.found.edges.append((pipeline.name, to, how))

    def _module(self, what: str, name: str, pipeline: Pipeline, place: Any, known: Any) -> None:
        finder: Finder = self.session.finder
        if finder.scope(pipeline.folders).has(name):
            return
        from importlib.util import find_spec

        try:
            there = find_spec(name) is not None
        except (ImportError, ValueError):
            there = False
        if not there:
            tried = tuple(f"{f}/{name.replace('.', '/')}.py" for f in pipeline.folders)
            tried = (*tried, "the installed packages")
            self._wrong(place, str(ModuleNotThere(what, name, tried, known)))

    def _groups(self, wanted: Any, step: Step, body: Body, group: str) -> None:
        for name in _literals(wanted):
            if name not in body.groups and name not in USUAL_GROUPS:
                near = guess(name, body.groups)
                self._wrong(step.place, f"{step.name}: there is no group {name!r}{near}")

    def _child(self, wanted: Mapping[str, Any], step: Step, pipeline: Pipeline) -> None:
        name = wanted.get("name")
        if isinstance(name, str) and "{" not in name and "loader" not in wanted:
            self._load(name, step, pipeline, "pype", wanted.get("resolveFromParent", True))

    def _load(
        self, name: str, step: Step, pipeline: Pipeline, how: str, beside: object = True
    ) -> None:
        info = pipeline.definition.info
        self._edge(pipeline, name, how)
        try:
            child = self.session.pipeline(
                name,
                pipeline.folders,
                loader=info.loader_of_children,
                beside=info.parent_of_children if beside else None,
                py_dir=pipeline.py_dir,
            )
        except InvalidPipeline as error:
            self.found.issues.extend(error.issues)
        except PipelineNotFound as error:
            self._wrong(step.place, f"{step.name}: {error}")
        else:
            self.pipeline(child)

    def _derived(self, step: Step, pipeline: Pipeline, known: set[str]) -> None:
        assert step.derive is not None  # noqa: S101 - whoever calls has looked
        for name in sorted(_references(step.derive.given) & known):
            self.found.edges.append((name, step.name, "with"))
        uses = step.derive.uses
        try:
            if ":" in uses:
                call_of(uses, {}, pipeline.folders)
            elif not is_own(uses):
                self._load(uses, step, pipeline, "uses")
            else:
                self._edge(pipeline, step.name, uses)
        except (StageNotFound, PipelineError) as error:
            self._wrong(step.place, f"{step.name}: {error}")


def _literals(wanted: Any) -> Iterator[str]:
    """The names of groups in what call or jump are given, those without an expression."""
    if isinstance(wanted, Mapping):
        for key in ("groups", "success", "failure"):
            yield from _literals(wanted.get(key))
    elif isinstance(wanted, str):
        if "{" not in wanted:
            yield wanted
    elif isinstance(wanted, list):
        for each in wanted:
            yield from _literals(each)


def _references(value: Any) -> set[str]:
    """The keys that the expressions in a value begin with."""
    from .formatting import BadExpression, parts_of

    if isinstance(value, Mapping):
        return set().union(*map(_references, value.values()))
    if isinstance(value, list):
        return set().union(*map(_references, value))
    if type(value) is not str or "{" not in value:
        return set()
    try:
        fields = [field for _, field, _, _ in parts_of(value) if field]
    except BadExpression:
        return set()
    return {field.partition("[")[0].partition(".")[0] for field in fields}
