"""The entry points: `run` a pipeline, or plan and `instantiate` what it derives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from .context import Context, own_context
from .flow import Stop
from .model import Pipeline
from .own import OWN
from .running import run_pipeline
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Unpack

    from pylightnix.api.options import Options
    from pylightnix.core.refs import DRef
    from pylightnix.engine.closure import Closure
    from pylightnix.store.layout import Store


def run(
    pipeline_name: str,
    args_in: list[str] | None = None,
    parse_args: bool | None = None,
    dict_in: Mapping[str, Any] | None = None,
    groups: str | Iterable[str] | None = None,
    success_group: str | None = None,
    failure_group: str | None = None,
    loader: Any = None,
    py_dir: Any = None,
    *,
    store: Store | None = None,
    **options: Unpack[Options],
) -> Context:
    """Run a pipeline: effects in their order, and what lies between two of them as one graph.

    Args:
        pipeline_name: `pipe`, `dir/pipe` or `dir/pipe.yaml`: absolute, or below the working folder
            or its folder `pipelines`, or one that comes with it.
        args_in: words for its context parser.
        parse_args: use its context parser; by default if there are words, or no `dict_in`.
        dict_in: the first values of the context.
        groups: what to run; by default `steps`.
        success_group: what to run then; by default `on_success` where `groups` is not given.
        failure_group: what to run when a step fails; by default `on_failure`, likewise.
        loader: where pipelines come from: a `Loader`, or the name of one, of a module, or of a
            plugin; by default files.
        py_dir: one more folder for step modules; None for none.
        store: for what is derived; by default the current one.
        options: as `realize` takes them: `jobs`, `on_event` ...

    Returns:
        The context as the pipeline left it.

    Raises:
        StepFailed: a step failed; tells file, line, column and the stack of pipelines. What it
            raised is the `__cause__`.
        PipelineNotFound, InvalidPipeline: it is not there, or its text is wrong.

    Effects: whatever its steps do; writes below the store's root. `sys.path` and `sys.modules` are
    left alone.
    Concept: relative resolution of children, and a stack of pipelines, as pypyr's decision record
    describes them.
    """
    session = Session(store, dict(options), OWN)
    context = own_context(dict_in, session, planning=False)
    with _told(session):
        pipeline = _root(
            session, pipeline_name, args_in, groups, success_group, failure_group, loader, py_dir
        )
        if parse_args is None:
            parse_args = bool(args_in) or dict_in is None
        with suppress(Stop):
            run_pipeline(pipeline, context, parse=parse_args)
        session.flush()
    return context


@contextmanager
def _told(session: Session) -> Iterator[None]:
    """Let errors tell where they happened."""
    try:
        yield
    except Exception as error:
        told = session.told(error)
        if told is error:
            raise
        raise told from error


def _root(
    session: Session,
    name: str,
    words: list[str] | None,
    groups: str | Iterable[str] | None,
    success: str | None,
    failure: str | None,
    loader: Any,
    py_dir: Any,
) -> Pipeline:
    folders = tuple(os.path.abspath(os.fspath(each)) for each in (py_dir, os.getcwd()) if each)
    words = None if words is None else list(words)
    names = groups if groups is None or isinstance(groups, str) else list(groups)
    chosen = "file" if loader is None else loader
    return session.pipeline(
        name,
        folders,
        loader=chosen,
        py_dir=py_dir,
        words=words,
        groups=names,
        success=success,
        failure=failure,
    )


class Planned:
    """What planning a pipeline gave.

    Attributes:
        closure: what it derives.
        skipped: the effects that were left out, as `pipe.yaml:12 echo`.
        places: derivation -> the steps that it was written by, as `pipe.yaml:12 train`.
    """

    __slots__ = ("closure", "places", "skipped")

    def __init__(
        self, closure: Closure, skipped: tuple[str, ...], places: Mapping[DRef, str]
    ) -> None:
        self.closure, self.skipped, self.places = closure, skipped, places


def planned(
    pipeline_name: str,
    args_in: list[str] | None = None,
    dict_in: Mapping[str, Any] | None = None,
    *,
    groups: str | Iterable[str] | None = None,
    loader: Any = None,
    py_dir: Any = None,
    store: Store | None = None,
    write: bool = True,
) -> Planned:
    """Derive what a pipeline derives, and run none of its effects.

    Steps that only move values about, and those that say what is next, are run.

    Args:
        pipeline_name: as for `run`, and so are the others.
        args_in: words for its context parser.
        dict_in: the first values of the context.
        groups: what to run.
        loader: where pipelines come from.
        py_dir: one more folder for step modules.
        store: where the configs go.
        write: the configs that the store does not have; otherwise it is for looking at only.

    Raises as `run`.

    Effects: writes as said.
    """
    from .deriving import result_of
    from .places import trail

    session = Session(store, {}, OWN)
    context = own_context(dict_in, session, planning=True)
    with _told(session):
        pipeline = _root(session, pipeline_name, args_in, groups, None, None, loader, py_dir)
        with suppress(Stop):
            run_pipeline(pipeline, context, parse=bool(args_in) or dict_in is None)
        closure = session.works.closure(result_of(pipeline, context), write=write)
    places = {dref: trail(stack) for dref, stack in session.works.frames.items()}
    return Planned(closure, tuple(map(str, session.skipped)), places)


def instantiate(pipeline_name: str, *args: Any, **kwargs: Any) -> Closure:
    """Give the closure of what a pipeline derives; arguments and errors are those of `planned`.

    Its targets are what `result:` names, or what nothing else in the pipeline uses. `realize`,
    `plan`, `why` and `gc` take it as any other.
    """
    return planned(pipeline_name, *args, **kwargs).closure
