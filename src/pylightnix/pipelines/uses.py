"""What a step uses: which function is meant, and what it may be given."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module

from pylightnix.core.errors import PipelineError
from pylightnix.core.refs import DRef
from pylightnix.core.value import value
from pylightnix.engine.closure import takes_registry

from .modules import plugin, scope_of
from .places import BadInput, guess, listed, meant, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pylightnix.imports.scope import ImportScope

OWN = ("fetchurl", "fetchlocal", "mkfile", "mknode", "unpack", "pod_env")
# Which of their arguments are paths.
_PATHS = {"fetchlocal": "path", "pod_env": "find_links"}


class StageNotFound(PipelineError):
    """`uses` names a stage that is not there."""

    def __init__(self, uses: str, why: str) -> None:
        super().__init__(uses, why)
        self.uses, self.why = uses, why

    def __str__(self) -> str:
        return f"there is no stage {self.uses!r}: {self.why}"


@value
class Call:
    """A call of a stage.

    Attributes:
        uses: as written.
        folder: the folder of its module; empty for a stage of an installed module, or of ours.
        module: the name of its module; empty for one of ours, or a plugin.
        function: its name; empty to take what is `made` by others.
        given: its arguments; DRefs in them are dependencies.
        matcher: as written; None for the stage's own.
        env: the environment that it is built in; None for this one.
    """

    uses: str
    folder: str
    module: str
    function: str
    given: Mapping[str, Any]
    matcher: Any = None
    env: DRef | None = None


def call_of(
    uses: str,
    given: Mapping[str, Any],
    folders: tuple[str, ...],
    *,
    matcher: Any = None,
    env: DRef | None = None,
) -> Call:
    """Read `uses`: which module, which function.

    Args:
        uses: `fetchurl`, `./steps.py:clean` or `package.module:stage`.
        given: arguments.
        folders: where modules are looked for; the first one is the pipeline's own.
        matcher: as written.
        env: of the step.

    Raises:
        StageNotFound: it is none of these.
    """
    place, colon, name = uses.rpartition(":")
    base = folders[0] if folders else os.getcwd()
    if not colon:
        key = _PATHS.get(uses)
        if key is not None and key in given:
            given = {**given, key: _beside(base, given[key])}
        return Call(uses, "", "", uses, given, matcher, env)
    if not name.isidentifier():
        raise StageNotFound(uses, "expected ./file.py:stage or package.module:stage")
    if place.endswith(".py") or "/" in place:
        path = os.path.normpath(os.path.join(base, place))
        if not os.path.isfile(path):
            raise StageNotFound(uses, f"there is no file {shown(path)}")
        stem = os.path.basename(path).removesuffix(".py")
        return Call(uses, os.path.dirname(path), stem, name, given, matcher, env)
    for folder in folders:
        if scope_of((folder,)).has(place):
            return Call(uses, folder, place, name, given, matcher, env)
    return Call(uses, "", place, name, given, matcher, env)


def _beside(base: str, path: Any) -> Any:
    """Make paths absolute that are relative to the pipeline."""
    if isinstance(path, (list, tuple)):
        return [_beside(base, each) for each in path]
    return os.path.normpath(os.path.join(base, path)) if isinstance(path, str) else path


def is_own(uses: str) -> bool:
    """Tell whether a name without a colon is that of a stage, ours or a plugin's."""
    return uses in OWN or ("/" not in uses and plugin("stages", uses) is not None)


def stage_of(call: Call, scope: ImportScope | None) -> Callable[..., Any]:
    """Find the function that is called.

    Raises:
        StageNotFound: it is not there.
    """
    if not call.module:
        return _named(call)
    module = _module(call, scope)
    stage = getattr(module, call.function, None)
    if not callable(stage):
        names = [name for name, item in vars(module).items() if callable(item) and name[0] != "_"]
        why = f"{call.module} has no function {call.function!r}{meant(call.function, names)}"
        raise StageNotFound(call.uses, why)
    return stage  # type: ignore[no-any-return]


def _named(call: Call) -> Callable[..., Any]:
    if not call.function:
        return lambda made: made
    if call.function == "pod_env":
        from .environments import pod_env

        return pod_env
    if call.function in OWN:
        from pylightnix.api import kit

        return getattr(kit, call.function)  # type: ignore[no-any-return]
    found = plugin("stages", call.function)
    if found is None:
        raise StageNotFound(call.uses, f"there are {listed(OWN)}, and those of plugins")
    return found  # type: ignore[no-any-return]


def _module(call: Call, scope: ImportScope | None) -> Any:
    if scope is not None and call.folder:
        return scope.import_module(call.module)
    try:
        return import_module(call.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{call.module}.".startswith(f"{error.name}."):
            raise
        why = f"no module {call.module} beside the pipeline, nor among the installed packages"
        raise StageNotFound(call.uses, why) from None


def _fits(stage: Any, given: Mapping[str, Any]) -> bool:
    """Tell at once of a plain function that arguments fit; `inspect` takes long to load."""
    code = getattr(stage, "__code__", None)
    if code is None or code.co_posonlyargcount or hasattr(stage, "__wrapped__"):
        return False
    count = code.co_argcount
    places = code.co_varnames[:count]
    names = {*places, *code.co_varnames[count : count + code.co_kwonlyargcount]}
    has = {*places[count - len(stage.__defaults__ or ()) :], *(stage.__kwdefaults__ or ())}
    return names.issuperset(given) and (names - has - {"r"}).issubset(given)


def check_given(call: Call, stage: Callable[..., Any]) -> None:
    """Refuse arguments that a stage does not take, and ask for those that are missing."""
    if _fits(stage, call.given):
        return
    from inspect import Parameter, signature

    try:
        expected = signature(stage)
    except (TypeError, ValueError):
        return
    takes = [name for name in expected.parameters if name != "r"]
    open_ = any(each.kind is Parameter.VAR_KEYWORD for each in expected.parameters.values())
    for name in call.given:
        if name not in takes and not open_:
            near = guess(name, takes, "it takes")
            raise BadInput(f"the stage {call.uses} has no parameter {name!r}{near}")
    try:
        expected.bind(**{**({"r": None} if takes_registry(stage) else {}), **call.given})
    except TypeError as error:
        raise BadInput(f"the stage {call.uses}: {error}; it takes {listed(takes)}") from None
