"""What a pipeline is: its steps, its definition, and one run of it."""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.core.value import value

from .places import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@value
class While:
    """Repeat until something is so."""

    stop: Any = None
    max: Any = None
    sleep: Any = 0
    error_on_max: Any = False


@value
class Retry:
    """Try again when it fails."""

    max: Any = None
    sleep: Any = 0
    sleep_max: Any = None
    jrc: Any = 0
    backoff: Any = "fixed"
    backoff_args: Any = None
    retry_on: Any = None
    stop_on: Any = None


@value
class Derive:
    """What a step derives, where it is one that can be cached.

    Attributes:
        uses: the stage.
        given: its arguments.
        matcher: as written; None for the stage's own.
        env: the packages that it wants; None for none.
    """

    uses: str
    given: Mapping[str, Any]
    matcher: Any = None
    env: Any = None


@value
class Step:
    """One step.

    Attributes:
        name: the step module's, or the label of what it derives.
        place: where it stands.
        given: what `in` says; None if it says nothing.
        plain: it has no decorator, only a name and `in`.
        derive: what it derives; None for an effect.
        line, column: of `place`, for `runErrors`.
    """

    name: str
    place: Place
    given: Mapping[str, Any] | None = None
    plain: bool = True
    derive: Derive | None = None
    description: Any = None
    foreach: Any = None
    loop: While | None = None
    run: Any = True
    skip: Any = False
    retry: Retry | None = None
    swallow: Any = False
    on_error: Any = None


@value
class Body:
    """A parsed pipeline.

    Attributes:
        file: its path, or a word.
        groups: name -> steps, in the order of the text.
        parser: name of the context parser; None if there is none.
        result: what `instantiate` is to give; None for what nothing else uses.
    """

    file: str
    groups: Mapping[str, tuple[Step, ...]]
    parser: str | None = None
    parser_at: Place | None = None
    result: Any = None


@value
class PipelineInfo:
    """Where a pipeline comes from.

    Attributes:
        pipeline_name: as it was asked for.
        loader: name of the loader.
        parent: what its children are looked for beside: for files, their folder.
        is_parent_cascading: its children are given `parent`.
        is_loader_cascading: its children come from the same loader, if they do not say otherwise.
        path: of the file; None if there is none.
    """

    pipeline_name: str
    loader: str | None
    parent: Any
    is_parent_cascading: bool = True
    is_loader_cascading: bool = True
    path: str | None = None

    @property
    def parent_of_children(self) -> Any:
        """What children are looked for beside."""
        return self.parent if self.is_parent_cascading else None

    @property
    def loader_of_children(self) -> str:
        """The loader of children that name none."""
        return self.loader if self.is_loader_cascading and self.loader else "file"


@value
class PipelineDefinition:
    """A pipeline as it was loaded, shared by all that run it.

    Attributes:
        pipeline: its body.
        info: where it comes from.
    """

    pipeline: Body
    info: PipelineInfo


class Pipeline:
    """One run of a pipeline.

    Attributes:
        name: as it was asked for.
        definition: what is run.
        context_args: the words for its context parser.
        py_dir: one more folder for step modules; None for none.
        groups, success_group, failure_group: what to run.
    """

    __slots__ = (
        "context_args",
        "definition",
        "failure_group",
        "folders",
        "groups",
        "name",
        "py_dir",
        "running",
        "success_group",
    )

    def __init__(
        self,
        name: str,
        definition: PipelineDefinition,
        context_args: list[str] | None = None,
        py_dir: str | None = None,
        groups: tuple[str, ...] = ("steps",),
        success_group: str | None = "on_success",
        failure_group: str | None = "on_failure",
        folders: tuple[str, ...] = (),
    ) -> None:
        self.name, self.definition = name, definition
        self.context_args, self.py_dir, self.folders = context_args, py_dir, folders
        self.groups, self.success_group, self.failure_group = groups, success_group, failure_group
        self.running: Step | None = None

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"
