"""From a TARGET to its closure: load the module, find the stage, instantiate it.

That runs what a user wrote; what it raises is shown with the last lines of its traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from types import ModuleType
from typing import Any

from pylightnix.core.errors import PylightnixError
from pylightnix.core.refs import DRef
from pylightnix.engine.closure import Closure, takes_registry
from pylightnix.store.layout import Store

from .target import InvalidTarget, Target

TRACE_LINES = 12
NAMES_LISTED = 30


class NoSuchTarget(PylightnixError):
    """The file, the module, or the stage in it is not there."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what, advice)
        self.what, self.advice = what, advice

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}"


class TargetRaised(PylightnixError):
    """What a user wrote raised; the exception is the `__cause__`."""

    def __init__(self, what: str, trace: str) -> None:
        super().__init__(what, trace)
        self.what, self.trace = what, trace

    def __str__(self) -> str:
        return f"{self.what} raised what follows; mend it there and try again\n{self.trace}"


@contextmanager
def at_home(target: Target) -> Iterator[None]:
    """Let what is beside a target be imported, and keep what it prints off standard output.

    Not only while it is loaded: stages and builders import too, when they run.
    """
    folder = target.folder
    if not target.is_pipeline:  # they find their modules themselves
        sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):  # `--json` promises one line
            yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def closure_of(target: Target, store: Store, *, write: bool = True) -> Closure:
    """Load a target and instantiate its stage; within `at_home`.

    Args:
        target: which.
        store: where it is going to be realized.
        write: the configs that the store does not have; otherwise the closure is for looking at.

    Raises:
        NoSuchTarget, InvalidTarget, TargetRaised: as `stage_of`; or its arguments do not fit, or it
            raised when it was called.
        PylightnixError: as `instantiate`.

    Effects: runs a user's code; writes as said.
    """
    return closure_and_places(target, store, write=write)[0]


def closure_and_places(
    target: Target, store: Store, *, write: bool = True
) -> tuple[Closure, Mapping[DRef, str]]:
    """The same, and where the text of a pipeline says what; of a stage nothing is known of that."""
    if target.is_pipeline:
        from pylightnix.pipelines import planned

        made = planned(target.place, list(target.words) or None, store=store, write=write)
        return made.closure, made.places
    from pylightnix.api.stage import instantiate, sketch

    stage = stage_of(target)
    _check_arguments(target, stage)
    with blamed(target):
        make = instantiate if write else sketch
        return make(stage, store=store, **target.arguments), {}


@contextmanager
def blamed(target: Target) -> Iterator[None]:
    """Turn what a user's code raises, beyond errors of ours, into a sentence.

    Raises:
        TargetRaised: it did.
    """
    try:
        yield
    except PylightnixError:
        raise
    except (Exception, SystemExit) as error:
        raise TargetRaised(str(target), trace_of(error)) from error


def stage_of(target: Target) -> Callable[..., Any]:
    """Load the stage that a target names; within `at_home`.

    A file becomes a module whose name depends on its path only, so that another process can load
    the same; it is not loaded twice.

    Raises:
        NoSuchTarget: there is no such file or module, or nothing of that name in it.
        InvalidTarget: what is there is no function.
        TargetRaised: loading it raised.
        PluginError: it is to be a plugin's, and cannot be had.

    Effects: runs a user's code.
    """
    if target.is_plugin:
        from pylightnix.plugins.own import lookup

        return lookup("stages", target.name)
    module = _module_of_file(target.path) if target.is_file else _module(target.place)
    found = getattr(module, target.name, None)
    if not hasattr(module, target.name):
        raise NoSuchTarget(f"{target.place} has nothing named {target.name}", _names(module))
    if not callable(found):
        what = f"{target.name} is no function that returns a DRef, but {found!r:.100}"
        raise InvalidTarget(str(target), f"{what}; {_names(module)}")
    stage: Callable[..., Any] = found
    return stage


def _module_of_file(path: str) -> ModuleType:
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_file_location

    name = module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    if not os.path.isfile(path):
        raise NoSuchTarget(f"there is no file {path}", "give the path of a Python file")
    loader = SourceFileLoader(name, path)
    spec = spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # noqa: S101 - only without a loader
    module = module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses and pickle look themselves up
    try:
        with _told(path):
            # Not from a cache of byte code, which takes two versions of one second for the same.
            code = loader.source_to_code(loader.get_data(path), path)
            exec(code, module.__dict__)  # noqa: S102
    except BaseException:
        del sys.modules[name]
        raise
    return module


def module_name(path: str) -> str:
    """Give the name of the module that a file becomes.

    Args:
        path: absolute, without symlinks.
    """
    from hashlib import sha256

    stem = os.path.basename(path).removesuffix(".py")
    digest = sha256(os.fsencode(path)).hexdigest()[:12]
    return f"target_{digest}_{''.join(ch if ch.isalnum() else '_' for ch in stem)}"


def _module(place: str) -> ModuleType:
    from importlib import import_module, invalidate_caches

    invalidate_caches()
    with _told(place):
        try:
            return import_module(place)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{place}.".startswith(f"{error.name}."):
                raise  # something that the module imports
            raise NoSuchTarget(
                f"there is no module {error.name}",
                f"looked for in {os.getcwd()} and where Python finds modules; a file is given as "
                "path/to/file.py:stage",
            ) from None


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn whatever is raised by importing something into a sentence."""
    try:
        yield
    except NoSuchTarget:
        raise
    except (Exception, SystemExit) as error:
        raise TargetRaised(f"importing {what}", trace_of(error)) from error


def _check_arguments(target: Target, stage: Callable[..., Any]) -> None:
    from inspect import signature

    try:
        expected = signature(stage)
    except (TypeError, ValueError):
        return  # of something built in: calling it will tell
    given = {"r": None, **target.arguments} if takes_registry(stage) else target.arguments
    try:
        expected.bind(**given)
    except TypeError as error:
        takes = [str(item) for item in expected.parameters.values() if item.name != "r"]
        have = f"it takes {', '.join(takes)}" if takes else "it takes no arguments"
        raise InvalidTarget(str(target), f"{error}; {have}") from None


def _names(module: ModuleType) -> str:
    """Say which stages there may be in a module: its functions, without those it imported."""
    found = sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and _may_be_stage(module, name, value)
    )
    if not found:
        return "it has no functions"
    more = ", ..." if len(found) > NAMES_LISTED else ""
    return f"it has {', '.join(found[:NAMES_LISTED])}{more}"


def _may_be_stage(module: ModuleType, name: str, value: object) -> bool:
    import pylightnix

    if not callable(value) or isinstance(value, type):
        return False
    if module is not pylightnix and getattr(pylightnix, name, None) is value:
        return False
    home = getattr(value, "__module__", None)
    if home == module.__name__:
        return True
    # Made by a function of elsewhere (`redefine`, `partial`), unless it is found there by its name.
    there = getattr(sys.modules.get(home or ""), getattr(value, "__qualname__", ""), None)
    return there is not value


def trace_of(error: BaseException) -> str:
    """Give the last lines of a traceback, without the frames before the user's own."""
    from traceback import TracebackException

    told = TracebackException.from_exception(error, compact=True)
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    frames = [
        frame
        for frame in told.stack
        if not frame.filename.startswith((f"{ours}/", "<frozen importlib"))
    ]
    told.stack[:] = frames
    lines = "".join(told.format()).splitlines()
    return "\n".join(lines[-TRACE_LINES:])
