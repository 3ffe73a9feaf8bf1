"""Is what the store has reproducible?"""

from __future__ import annotations

from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import RRef, rref2dref
from pylightnix.engine.closure import Closure
from pylightnix.engine.recheck import Checked, recheck
from pylightnix.sandbox.policy import Policy
from pylightnix.store.trouble import told

from .given import check_closure, known_drefs
from .stage import realize_many


@told
def check(
    closure: Closure,
    rref: RRef | None = None,
    *,
    times: int = 1,
    policy: Policy | None = None,
) -> list[Checked]:
    """Realize what is missing, then build the targets again in a sandbox, and compare.

    Args:
        closure: as `instantiate` returned it.
        rref: compare with this realization, of any derivation of the closure, instead of the
            targets'.
        times: how often to build.
        policy: by default that of the realizer.

    Returns:
        For each target; its first realization is compared.

    Raises:
        InvalidValue: `times` is less than 1.
        UnknownTarget: the closure does not have the derivation of `rref`.
        BuildFailed: it cannot be built in a sandbox.
        SandboxUnavailable: the policy cannot be enforced here.

    Effects: as `realize`; of what is built again nothing stays.
    """
    check_closure("check", closure)
    if times < 1:
        raise InvalidValue(f"a build is checked at least 1 time, not {times!r:.50}")
    drvs = {drv.dref: drv for drv in closure.derivations}
    if rref is not None:
        known_drefs(closure, "rref", [rref2dref(rref)])
        return [recheck(closure.store, drvs[rref2dref(rref)], rref, times, policy)]
    firsts = {rref2dref(found): found for found in reversed(realize_many(closure))}
    return [
        recheck(closure.store, drvs[dref], firsts[dref], times, policy)
        for dref in closure.targets
        if dref in firsts
    ]
