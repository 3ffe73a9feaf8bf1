"""Calls of stages as values: what to call, with what; to be repeated by a worker elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.core.config import config_dict
from pylightnix.core.config import mkconfig as make_config
from pylightnix.core.refs import DRef
from pylightnix.engine.closure import map_result, takes_registry
from pylightnix.engine.registry import Registry, register

from .beside import beside
from .identity import source_parts
from .matching import matcher_of
from .modules import scope_of
from .places import BadInput
from .uses import Call, check_given, stage_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pylightnix.imports.scope import ImportScope


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
    stage = stage_of(call, scope)
    check_given(call, stage)
    given = {"r": registry, **call.given} if takes_registry(stage) else dict(call.given)
    returned = stage(**given)
    chooses = None if call.matcher is None else matcher_of(call.matcher)
    parts = source_parts(stage, call, scope) if call.module else {}
    return map_result(returned, lambda dref: _redefined(dref, registry, parts, chooses, call))


def _redefined(
    dref: DRef, registry: Registry, parts: Mapping[str, str], chooses: Any, call: Call
) -> DRef:
    """Add the source of a stage to what it derived; take another matcher, or an environment."""
    drv = registry.derivations.get(dref)
    if drv is None:
        raise BadInput(f"the stage returned {dref}, which it did not make here")
    fields = config_dict(drv.config)
    known = fields.get("__source__") or {}
    if "__version__" in fields:  # the stage's own word for what its source is
        parts = {}
    elif known:
        parts = {name: digest for name, digest in parts.items() if name.endswith(".py")}
    if not (parts or chooses or call.env or call.folder):
        return dref
    config = make_config({**fields, "__source__": {**known, **parts}}) if parts else drv.config
    matcher = chooses or drv.matcher
    realizer = beside(drv.realizer, call.folder) if call.folder else drv.realizer
    if call.env is None:
        return register(registry, config, matcher, realizer)
    from .environments import dressed

    return dressed(realizer, config, matcher, call.env, registry)
