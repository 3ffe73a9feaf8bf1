"""How a function of a `Build` becomes a realizer: here, in an environment, in a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pylightnix.core.refs import DRef
from pylightnix.engine.arguments import RealizeArg
from pylightnix.engine.build import Build
from pylightnix.engine.build import build_wrapper as _build_wrapper
from pylightnix.store.layout import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from pylightnix.core.context import Context
    from pylightnix.sandbox.policy import Policy


def build_wrapper(
    f: Callable[[Build], None],
    nouts: int = 1,
    *,
    env: Callable[..., DRef] | DRef | None = None,
    policy: Policy | None = None,
) -> Callable[[Store, DRef, Context, RealizeArg], Sequence[Path]]:
    """Turn a function of a `Build` into a realizer.

    Args:
        f: puts its artifacts below `build_outpath(b)`, or each of `build_outpaths(b)`.
        nouts: how many output folders, and so realizations, one call makes.
        policy: run it in a sandbox, where it sees what it depends on, the machine's programs, its
            interpreter, and what the policy grants; without the environment, and without a network
            unless the config fixes a hash. Nothing else is inherited, and it cannot realize
            anything itself.
        env: an environment to run it in, as `pylightnix.pods.pod_env` made it: it becomes a
            dependency. The builder imports what is in it inside of the function, and may use this
            library as well.

    Raises:
        InvalidValue: `nouts` is less than 1.
    Raises (the realizer, with `env`):
        RemoteError, WorkerDied, PodTimeout: what became of the builder (of `pylightnix.pods`).
        SandboxUnavailable: the policy cannot be enforced here.
    """
    if env is None:
        return _build_wrapper(f, nouts, policy=policy)
    from pylightnix.pods.realizer import InPod

    return InPod(f, nouts, env, policy)
