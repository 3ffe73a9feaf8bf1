"""Is a derivation reproducible? Realize it again in a sandbox, and compare manifests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pylightnix.core.config import config_dict
from pylightnix.core.context import mkcontext
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import value
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import usable
from pylightnix.store.freeze import freeze_tree
from pylightnix.store.layout import Store
from pylightnix.store.query import candidates, context_of, manifest_of
from pylightnix.store.scratch import Scratch

from .arguments import RealizeArg
from .confine import FIXED, RealizerEnded, RealizerRaised
from .produce import BuildFailed
from .registry import Derivation
from .run import tail
from .wrapper import Wrapped, apart

if TYPE_CHECKING:
    from pylightnix.core.manifest import Entry


@value
class Difference:
    """A place in which two builds of one thing differ.

    Attributes:
        path: in the output.
        what: how, in words.
    """

    path: str
    what: str


@value
class Checked:
    """What came of building something again.

    Attributes:
        dref: what was built.
        rref: the realization that it was compared with.
        times: how often it was built.
        backend: in which sandbox.
        differences: sorted by path; none if it is reproducible.
    """

    dref: DRef
    rref: RRef
    times: int
    backend: str
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether every build gave what the store has."""
        return not self.differences


def recheck(
    store: Store, drv: Derivation, rref: RRef, times: int = 1, policy: Policy | None = None
) -> Checked:
    """Build a derivation again, with what a realization of it was built with, and compare.

    Args:
        store: where the realization is; nothing is added to it.
        drv: what to build.
        rref: the realization to compare with. A build that gives another one that the store has
            of the same dependencies is no difference either, as a stage may make several.
        times: how often.
        policy: by default the realizer's own, else one that grants nothing, but for a network
            where the config fixes a hash.

    Raises:
        BuildFailed: it cannot be built in a sandbox.
        SandboxUnavailable: there is none that enforces the policy.
    """
    own = drv.realizer.policy if isinstance(drv.realizer, Wrapped) else None
    fixed = any(config_dict(drv.config).get(name) for name in FIXED)
    held = policy or own or Policy(network=fixed)
    backend = usable(held)
    context = context_of(store, rref)
    known = [
        rref,
        *(other for other in candidates(store, drv.dref, context) or () if other != rref),
    ]
    manifests = [manifest_of(store, other).entries for other in known]
    found: set[Difference] = set()
    for index in range(times):
        for entries in _built(store, drv, rref, held, index):
            compared = [_differences(old, entries) for old in manifests]
            if all(compared):
                found.update(compared[0])
    ordered = sorted(found, key=lambda difference: (difference.path, difference.what))
    return Checked(drv.dref, rref, times, backend, tuple(ordered))


def _built(
    store: Store, drv: Derivation, rref: RRef, policy: Policy, index: int
) -> list[Sequence[Entry]]:
    """Build once; gives the contents of each output."""
    with Scratch(store, drv.dref) as scratch:
        log = f"{scratch.new()}/log"  # what is kept is a folder
        os.makedirs(os.path.dirname(log))
        rarg = RealizeArg({}, drv.config, scratch.new, log=log, rindex=index)
        context = mkcontext(context_of(store, rref))
        try:
            folders = apart(drv.realizer, policy, store, drv.dref, context, rarg)
        except (RealizerRaised, RealizerEnded) as error:
            cause = f"in a sandbox, {error}"
            raise BuildFailed(drv.dref, scratch.keep(), log, cause, tail(log)) from error
        return [freeze_tree(str(folder)).entries for folder in folders]


def _differences(old: Iterable[Entry], new: Iterable[Entry]) -> list[Difference]:
    before, after = ({entry[0]: entry for entry in entries} for entries in (old, new))
    return [
        Difference(path, _said(before.get(path), after.get(path)))
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    ]


def _said(old: tuple[object, ...] | None, new: tuple[object, ...] | None) -> str:
    if old is None or new is None:
        return "is not in the realization" if old is None else "was not made again"
    if old[1] != new[1]:
        names = {"f": "a file", "x": "an executable file", "d": "a folder", "l": "a link"}
        return f"was {names[str(old[1])]}, and is {names[str(new[1])]}"
    if old[1] == "l":
        return f"led to {old[2]}, and leads to {new[2]}"
    if old[2] != new[2]:
        return f"had {old[2]} bytes, and has {new[2]}"
    return "has the same length and other contents"
