"""What one call of `run` or `instantiate` shares: with all the pipelines that it comes to."""

from __future__ import annotations

import os
import sys
import time

from pylightnix.core.errors import PylightnixError

from .flow import names_of
from .loaders import Loader, getter_of, loader_named
from .model import Pipeline
from .modules import Finder, Own, plugin
from .places import Frame, StepFailed
from .stack import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pylightnix.store.layout import Store

    from .works import Works


class Session:
    """A stateful handle.

    Args:
        store: for what is derived; None for the current one, which is asked for when it is needed.
        options: as `realize` takes them.
        own: the steps that come with it; None where none is run.

    Attributes:
        finder: of modules.
        sleep: waits, in seconds.
        skipped: the effects that planning left out.
    """

    def __init__(
        self, store: Store | None, options: dict[str, Any], own: Own | None = None
    ) -> None:
        self.store, self.options = store, options
        self.finder = Finder(own)
        self.sleep = time.sleep
        self.skipped: list[Frame] = []
        self._works: Works | None = None
        self._blamed: list[tuple[BaseException, tuple[Frame, ...]]] = []

    @property
    def works(self) -> Works:
        """What was derived so far."""
        if self._works is None:
            from .works import Works

            self._works = Works(self.store, self.options)
        return self._works

    @property
    def has_works(self) -> bool:
        """Whether anything was derived."""
        return self._works is not None

    @property
    def pending(self) -> bool:
        """Whether something was derived that is not realized yet."""
        return self._works is not None and bool(self._works.pending)

    def flush(self) -> None:
        """Realize what was derived and is not realized yet."""
        if self.pending:
            self.works.flush()

    def say(self, text: object) -> None:
        """Write a line on standard output."""
        sys.stdout.write(f"{text}\n")

    def warn(self, text: str) -> None:
        """Tell of an error that does not end the run."""
        from logging import getLogger

        getLogger("pylightnix.pipelines").error(text)

    def blame(self, error: BaseException) -> None:
        """Note which steps are running, the first time that an error passes."""
        if all(known is not error for known, _ in self._blamed):
            self._blamed.append((error, frames()))

    def told(self, error: Exception) -> Exception:
        """Give the error with its stack; errors that came before any step stay as they are."""
        stack = next((stack for known, stack in self._blamed if known is error), ())
        dref = getattr(error, "dref", None)
        if dref is not None and self._works is not None:
            stack = self._works.frames.get(dref, stack)
        if not stack or isinstance(error, StepFailed):
            return error
        ours = isinstance(error, PylightnixError)
        text = str(error) if ours or not isinstance(error, KeyError) else repr(error.args[0])
        kind = "" if ours else type(error).__name__
        return StepFailed(stack, kind, text, "" if ours else _origin(error))

    def loader(self, name: Any, folders: tuple[str, ...]) -> Loader:
        """Give a loader: as it is, by its name, or by that of a module or a plugin."""
        if isinstance(name, Loader):
            return name
        if not isinstance(name, str):
            return Loader(type(name).__name__, getter_of(repr(name), name))

        def find(name: str) -> Any:
            if self.finder.scope(folders).has(name):
                return self.finder.module("loader", name, folders)
            return plugin("loaders", name) or self.finder.module("loader", name, folders)

        return loader_named(name, find)

    def pipeline(
        self,
        name: str,
        folders: tuple[str, ...],
        *,
        loader: Any = "file",
        beside: Any = None,
        py_dir: Any = None,
        words: list[str] | None = None,
        groups: Any = None,
        success: str | None = None,
        failure: str | None = None,
    ) -> Pipeline:
        """Load a pipeline, and make a run of it.

        Args:
            name: as it was asked for.
            folders: where the module of a loader is looked for.
            loader: where it comes from.
            beside: what its loader is told of its parent.
            py_dir: one more folder for step modules.
            words: for its context parser.
            groups: what to run: a name or several; by default `steps`, with the usual others.
            success: what to run then.
            failure: what to run on an error.
        """
        definition = self.loader(loader, folders).get_pipeline(name, beside)
        path = definition.info.path
        home = () if path is None else (os.path.dirname(path),)
        more = (os.path.abspath(os.fspath(py_dir)),) if py_dir else ()
        where = tuple(dict.fromkeys((*home, *more, os.getcwd())))
        if groups is None:
            names: tuple[str, ...] = ("steps",)
            success, failure = success or "on_success", failure or "on_failure"
        else:
            names = names_of(groups, "groups")
        return Pipeline(name, definition, words, py_dir, names, success, failure, where)


def _origin(error: BaseException) -> str:
    """The user's line of Python that raised, as `mystep.py:7 in run_step`."""
    from traceback import extract_tb

    from .places import shown

    ours = os.path.dirname(os.path.abspath(__file__))
    theirs = [
        each
        for each in extract_tb(error.__traceback__)
        if not each.filename.startswith((ours, "<"))
    ]
    return (
        f"{shown(theirs[-1].filename)}:{theirs[-1].lineno} in {theirs[-1].name}" if theirs else ""
    )
