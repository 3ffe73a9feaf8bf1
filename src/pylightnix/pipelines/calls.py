"""Calls of stages as values: what to call, with what; to be repeated by a worker elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module

from pylightnix.core.config import config_dict
from pylightnix.core.config import mkconfig as make_config
from pylightnix.core.errors import PipelineError
from pylightnix.core.refs import DRef
from pylightnix.core.value import value
from pylightnix.engine.closure import map_result, takes_registry
from pylightnix.engine.registry import Registry, register
from pylightnix.imports.scope import ImportScope

from .identity import source_parts
from .modules import plugin, scope_of
from .places import BadInput, listed, meant, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OWN = ("fetchurl", "fetchlocal", "mkfile", "mknode", "unpack")
MATCHERS = ("all", "best", "exact", "latest", "only", "some")


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
        function: its name.
        given: its arguments; DRefs in them are dependencies.
        matcher: as written; None for the stage's own.
    """

    uses: str
    folder: str
    module: str
    function: str
    given: Mapping[str, Any]
    matcher: Any = None


def call_of(uses: str, given: Mapping[str, Any], matcher: Any, folders: tuple[str, ...]) -> Call:
    """Read `uses`: which module, which function.

    Args:
        uses: `fetchurl`, `./steps.py:clean` or `package.module:stage`.
        given: arguments.
        matcher: as written.
        folders: where modules are looked for; the first one is the pipeline's own.

    Raises:
        StageNotFound: it is none of these.
    """
    place, colon, name = uses.rpartition(":")
    if not colon:
        return Call(uses, "", "", uses, given, matcher)
    if not name.isidentifier():
        raise StageNotFound(uses, "expected ./file.py:stage or package.module:stage")
    if place.endswith(".py") or "/" in place:
        base = folders[0] if folders else os.getcwd()
        path = os.path.normpath(os.path.join(base, place))
        if not os.path.isfile(path):
            raise StageNotFound(uses, f"there is no file {shown(path)}")
        stem = os.path.basename(path).removesuffix(".py")
        return Call(uses, os.path.dirname(path), stem, name, given, matcher)
    for folder in folders:
        if scope_of((folder,)).has(place):
            return Call(uses, folder, place, name, given, matcher)
    return Call(uses, "", place, name, given, matcher)


def is_own(uses: str) -> bool:
    """Tell whether a name without a colon is that of a stage, ours or a plugin's."""
    return uses in OWN or (uses.isidentifier() and plugin("stages", uses) is not None)


def replay(calls: tuple[Call, ...], r: Registry) -> list[Any]:
    """Make all derivations of a run again, in a worker."""
    return [carry_out(call, r, None) for call in calls]


def carry_out(call: Call, registry: Registry, scope: ImportScope | None) -> Any:
    """Call a stage within its registry; gives DRefs in lists and mappings.

    Raises:
        StageNotFound, BadInput, NotADerivation: it is not there, takes other arguments, or returned
            something else.
    """
    if call.folder and scope is None:
        scope = scope_of((call.folder,))
    stage = _stage(call, scope)
    _check(call, stage)
    given = {"r": registry, **call.given} if takes_registry(stage) else dict(call.given)
    returned = stage(**given)
    chooses = None if call.matcher is None else matcher_of(call.matcher)
    parts = source_parts(stage, call.module, scope) if call.module else {}
    return map_result(returned, lambda dref: _redefined(dref, registry, parts, chooses))


def _redefined(dref: DRef, registry: Registry, parts: Mapping[str, str], chooses: Any) -> DRef:
    """Add the source of a stage to what it derived, and take another matcher."""
    drv = registry.derivations.get(dref)
    if drv is None:
        raise BadInput(f"the stage returned {dref}, which it did not make here")
    fields = config_dict(drv.config)
    known = fields.get("__source__") or {}
    if "__version__" in fields:  # the stage's own word for what its source is
        parts = {}
    elif known:
        parts = {name: digest for name, digest in parts.items() if name.endswith(".py")}
    if not parts and chooses is None:
        return dref
    config = make_config({**fields, "__source__": {**known, **parts}}) if parts else drv.config
    return register(registry, config, chooses or drv.matcher, drv.realizer)


def _stage(call: Call, scope: ImportScope | None) -> Callable[..., Any]:
    if not call.module:
        from pylightnix.api import kit

        found = (
            getattr(kit, call.function) if call.function in OWN else plugin("stages", call.function)
        )
        if found is None:
            raise StageNotFound(call.uses, f"there are {listed(OWN)}, and those of plugins")
        return found  # type: ignore[no-any-return]
    module = _module(call, scope)
    stage = getattr(module, call.function, None)
    if not callable(stage):
        names = [name for name, item in vars(module).items() if callable(item) and name[0] != "_"]
        why = f"{call.module} has no function {call.function!r}{meant(call.function, names)}"
        raise StageNotFound(call.uses, why)
    return stage  # type: ignore[no-any-return]


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


def _check(call: Call, stage: Callable[..., Any]) -> None:
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
            guess = meant(name, takes) or f"; it takes {listed(takes)}"
            raise BadInput(f"the stage {call.uses} has no parameter {name!r}{guess}")
    try:
        expected.bind(**{**({"r": None} if takes_registry(stage) else {}), **call.given})
    except TypeError as error:
        raise BadInput(f"the stage {call.uses}: {error}; it takes {listed(takes)}") from None


def matcher_of(written: Any) -> Any:
    """Make a matcher of what is written: `{best: score.txt}`, `{latest: 2}`, `all`.

    Raises:
        BadInput: there is none of that name, or it takes something else.
    """
    from pylightnix.engine import matchers

    pair = {written: None} if isinstance(written, str) else written
    if not isinstance(pair, Mapping) or len(pair) != 1:
        raise BadInput(
            f"`matcher` takes the name of one, or {{name: argument}}; got {written!r:.60}"
        )
    name, argument = next(iter(pair.items()))
    if name not in MATCHERS:
        made = plugin("matchers", str(name))
        if made is None:
            guess = meant(name, MATCHERS) or f"; there are {listed(MATCHERS)}"
            raise BadInput(f"there is no matcher {name!r}{guess}")
    else:
        made = getattr(matchers, f"match_{name}")
    if argument is None:
        return made()
    return made(**argument) if isinstance(argument, Mapping) else made(argument)
