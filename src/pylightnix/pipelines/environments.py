"""Packages of a step's own: `env`, and how a builder gets into an environment.

What needs them is imported inside of the builder, and is there alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from pylightnix.core.config import config_dict
from pylightnix.core.refs import DRef

from .language import ENV_KEYS
from .places import BadInput, lacking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pylightnix.core.config import Config
    from pylightnix.engine.matchers import Matcher
    from pylightnix.engine.registry import Realizer, Registry


def pod_env(
    requirements: Any = (), python: str | None = None, find_links: Any = (), *, r: Registry
) -> DRef:
    """Derive an environment: `pylightnix.pods.pod_env` as one stage."""
    from pylightnix.api.pods import pod_env as env_of

    return env_of(requirements, python, find_links)(r=r)


def env_fields(written: Any) -> Mapping[str, Any]:
    """Read what `env` says: requirements, or a mapping.

    Returns:
        Arguments for `pod_env`.

    Raises:
        BadInput: it says something else.
    """
    given = written if isinstance(written, Mapping) else {"requirements": written}
    for key in given:
        if key not in ENV_KEYS:
            raise BadInput(lacking("env", key, ENV_KEYS))
    wanted = given.get("requirements", ())
    if not isinstance(wanted, (str, list, tuple)) or not all(type(each) is str for each in wanted):
        raise BadInput(
            f"`env` takes a list of requirements, as ['numpy<2'], or a step that derives an "
            f"environment, as '{{tools}}'; not {wanted!r:.80}"
        )
    return given


def dressed(realizer: Realizer, config: Config, matcher: Matcher, env: DRef, r: Registry) -> DRef:
    """Derive what is built in an environment.

    Args:
        realizer: builds it without one.
        config: of the derivation.
        matcher: likewise.
        env: the environment.
        r: the registry.

    Raises:
        BadInput: it has an environment, or its builder is none that could go into one.
    """
    from pylightnix.api.derive import mkdrv
    from pylightnix.engine.wrapper import ENV, Wrapped, build_wrapper

    if ENV in config_dict(config):
        raise BadInput("the stage has an environment of its own: leave `env` out")
    if not isinstance(realizer, Wrapped):
        raise BadInput("`env` is for stages made by build_wrapper or autostage, and this is none")
    inside = build_wrapper(realizer.function, realizer.nouts, env=env, policy=realizer.policy)
    return mkdrv(config, matcher, inside, r)
