"""How a function of a `Build` becomes a realizer: here, in an environment, in a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pylightnix.core.config import Config, config_dict, mkconfig
from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef, RRef, isdref

from .arguments import RealizeArg
from .build import Build
from .closure import left
from .registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from pylightnix.core.context import Context
    from pylightnix.sandbox.policy import Policy
    from pylightnix.store.layout import Store

    from .registry import Realizer

ENV, POLICY = "__env__", "__policy__"  # fields of a config that its realizer adds
_NAMES = ("__module__", "__qualname__", "__name__", "__doc__")


class Wrapped:
    """A realizer made of a function of a `Build`; a class, so that it pickles and has its name.

    `env` is True in a copy that has travelled: the config says which.
    """

    def __init__(
        self,
        function: Callable[[Build], None],
        nouts: int,
        policy: Policy | None = None,
        env: Callable[..., DRef] | DRef | bool | None = None,
    ) -> None:
        self.function, self.nouts, self.policy, self.env = function, nouts, policy, env
        # As `functools.update_wrapper` does, which takes three times as long, for every stage.
        self.__wrapped__ = function
        for name in _NAMES:
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))

    def __reduce__(self) -> tuple[object, ...]:
        return Wrapped, (self.function, self.nouts, self.policy, self.env is not None or None)

    def dress(self, config: Config, r: Registry) -> Config:
        """Add to a config where the function runs, as far as that can change what comes out."""
        more: dict[str, object] = {}
        if self.policy is not None:
            more[POLICY] = self.policy.as_config()
        if self.env is not None and self.env is not True:
            more[ENV] = left(self.env, r) if callable(self.env) else self.env
        return mkconfig({**config_dict(config), **more}) if more else config

    def __call__(
        self, store: Store, dref: DRef, context: Mapping[DRef, tuple[RRef, ...]], rarg: RealizeArg
    ) -> Sequence[Path]:
        if self.policy is not None or self.env is not None:
            return apart(self, self.policy, store, dref, context, rarg)
        build = Build(store, dref, context, rarg, self.nouts)
        self.function(build)
        return build.make_outputs()


def build_wrapper(
    f: Callable[[Build], None],
    nouts: int = 1,
    *,
    env: Callable[..., DRef] | DRef | None = None,
    policy: Policy | None = None,
) -> Callable[[Store, DRef, Context, RealizeArg], Sequence[Path]]:
    """Turn a function of a `Build` into a realizer.

    With `env` or `policy` the function runs in a process of its own, without the environment
    variables of this one. Its code goes by value, unless it is installed over there. It cannot
    realize anything itself. What of `env` and `policy` can change a result becomes part of the
    config: the environment, and what the policy grants, but no limits.

    Args:
        f: puts its artifacts below `build_outpath(b)`, or each of `build_outpaths(b)`.
        nouts: how many output folders, and so realizations, one call makes.
        env: an environment to run it in, as `pylightnix.pods.pod_env` made it: it becomes a
            dependency. The function imports what is in it inside of itself, and may use this
            library as well.
        policy: run it in a sandbox, where it sees what it depends on, the machine's programs, its
            interpreter, and what the policy grants; and no network, unless the policy grants one
            and the config fixes a hash.

    Raises:
        InvalidValue: `nouts` is less than 1; `env` or `policy` is none.
    Raises (the realizer):
        RealizerRaised, RealizerEnded: what became of the function over there.
        OtherPython: the environment is for another version of Python.
        SandboxUnavailable: the policy cannot be enforced here.
    """
    if not _is_count(nouts):
        raise InvalidValue(f"a build must have at least 1 output, not {nouts!r:.50}")
    if env is not None and not callable(env) and not isdref(env):
        raise InvalidValue(f"env is what `pod_env` makes, not {env!r:.50}")
    if policy is not None and not hasattr(policy, "as_config"):
        raise InvalidValue(f"policy is a `Policy`, not {policy!r:.50}")
    return Wrapped(f, nouts, policy, env)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0


def apart(
    realizer: Realizer,
    policy: Policy | None,
    store: Store,
    dref: DRef,
    context: Mapping[DRef, tuple[RRef, ...]],
    rarg: RealizeArg,
) -> list[Path]:
    """Call a realizer in a process of its own, in its environment, under a policy; see `confined`.

    Raises:
        InvalidValue: it has an environment, and the config does not name it.
    """
    from .confine import confined

    env = None
    if isinstance(realizer, Wrapped):
        if realizer.env is not None:
            env = _environment(rarg.config, context)
        realizer = Wrapped(realizer.function, realizer.nouts)
    return confined(realizer, policy, env, store, dref, context, rarg)


def _environment(config: Config, context: Mapping[DRef, tuple[RRef, ...]]) -> RRef:
    dref = config_dict(config).get(ENV)
    if not isdref(dref):
        raise InvalidValue(
            f"the config of {config.name} does not name the environment of its realizer: "
            "hand to `mkdrv` what `build_wrapper` made"
        )
    return context[DRef(dref)][0]
