"""A realizer whose builder runs in a pod: in an environment, in a sandbox, or in both."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pylightnix.core.config import Config, config_dict, mkconfig
from pylightnix.core.context import Context
from pylightnix.core.errors import PodError
from pylightnix.core.refs import DRef, RRef
from pylightnix.engine.arguments import RealizeArg
from pylightnix.engine.build import Build, build_wrapper
from pylightnix.engine.registry import Registry
from pylightnix.store.layout import Store, rref_path
from pylightnix.store.query import context_of

from .agentfile import agent_text
from .lock import Stage
from .opening import interpreter_paths
from .pool import BOOT_LIMIT_S
from .process import Program
from .worker import Worker, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.sandbox.policy import Policy

ENV, POLICY = "__env__", "__policy__"
LENT = ("pylightnix", "pyrsistent", "_pyrsistent_version", "cloudpickle", "typing_extensions")
_INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
# The first day that a zip archive can name: what packs dates into its output finds this one.
_EPOCH = {"SOURCE_DATE_EPOCH": "315532800"}


class OtherPython(PodError):
    """A builder cannot go into an environment of another version of Python."""

    def __init__(self, here: str, there: str) -> None:
        super().__init__(here, there)
        self.here, self.there = here, there

    def __str__(self) -> str:
        return (
            f"the builder's code is of Python {self.here}, its environment's is {self.there}: "
            "make the environment with the Python that runs this, or call a pod (see `pod_open`)"
        )


class InPod:
    """A realizer made of a function of a `Build`; a class, so that it pickles and has its name."""

    def __init__(
        self,
        function: Callable[[Build], None],
        nouts: int,
        env: Stage | DRef | None,
        policy: Policy | None,
    ) -> None:
        build_wrapper(function, nouts)  # looks at nouts
        self.function, self.nouts, self.env, self.policy = function, nouts, env, policy
        self.__wrapped__ = function
        for name in ("__module__", "__qualname__", "__name__", "__doc__"):
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))

    def __reduce__(self) -> tuple[object, ...]:
        # Whoever builds finds the environment in the config.
        return InPod, (self.function, self.nouts, None, self.policy)

    def dress(self, config: Config, r: Registry) -> Config:
        """Make the environment a dependency, and what the policy lets it see part of the config."""
        more: dict[str, object] = {}
        if self.env is not None:
            more[ENV] = self.env(r=r) if callable(self.env) else self.env
        if self.policy is not None:
            both = (self.policy.ro, self.policy.rw)
            seen = [sorted(os.fspath(path) for path in paths) for paths in both]
            more[POLICY] = [self.policy.network, *seen, dict(self.policy.env)]
        return mkconfig({**config_dict(config), **more}) if more else config

    def __call__(
        self, store: Store, dref: DRef, context: Context, rarg: RealizeArg
    ) -> Sequence[Path]:
        build = Build(store, dref, context, rarg, self.nouts)
        folders = [os.fspath(path) for path in build.make_outputs()]
        log = rarg.log
        with open(log, "ab"):
            pass
        fields = config_dict(rarg.config)
        _check_network(self.policy, fields)
        home = rref_path(store, context[DRef(fields[ENV])][0])
        worker = Worker(self._program(store, context, home, folders, log))
        limit_s = worker.program.limit_s
        try:
            told = worker.describe(limit_s or BOOT_LIMIT_S)
            _same_python(told["python"])
            arguments = (self._packed(), _told(build, log), folders, dict(rarg))
            worker.call(written(worker.channel.encode, 1, "build", arguments, {}))
        finally:
            worker.close()
            os.unlink(worker.program.agent)  # of a folder that has to be empty in the end
        return build.outpaths

    def _program(
        self, store: Store, context: Context, home: str, folders: list[str], log: str
    ) -> Program:
        """Say what runs, and what it sees: its closure, its output, its log, and a Python."""
        lent = lent_packages()
        agent = f"{os.path.dirname(folders[0])}/agent.py"
        with open(agent, "w", encoding="utf-8") as file:
            file.write(agent_text())
        shown = [f"{folder}/{name}" for name, folder in lent.items()]
        shown = [path if os.path.isdir(path) else f"{path}.py" for path in shown]
        return Program(
            python=f"{home}/bin/python",
            agent=agent,
            source=_INSIDE,
            name="build",
            log=log,
            policy=self.policy,
            limit_s=None if self.policy is None else self.policy.wall_s,
            lend=lent,
            ro=(
                agent,
                *shown,
                *interpreter_paths(home),
                *(rref_path(store, rref) for rref in closure_of(store, context)),
            ),
            rw=(*folders, log),
            env=_EPOCH,
        )

    def _packed(self) -> bytes:
        """Pack the builder by value: its module is not there where it goes."""
        import cloudpickle

        module = sys.modules.get(self.function.__module__)
        ours = module is None or module.__name__.split(".")[0] == "pylightnix"
        known = cloudpickle.list_registry_pickle_by_value()
        if ours or module is None or module.__name__ in known or module.__name__ == "__main__":
            return cloudpickle.dumps(self.function)  # type: ignore[no-any-return]
        cloudpickle.register_pickle_by_value(module)
        try:
            return cloudpickle.dumps(self.function)  # type: ignore[no-any-return]
        finally:
            cloudpickle.unregister_pickle_by_value(module)


def _check_network(policy: Policy | None, fields: Mapping[str, Any]) -> None:
    """See that a network is granted only where a hash says what is to come out."""
    if policy is not None and policy.network and not (fields.get("sha256") or fields.get("sha1")):
        from pylightnix.sandbox.policy import InvalidPolicy

        raise InvalidPolicy(("a network is granted to a build whose config has no sha256 or sha1",))


def _told(build: Build, log: str) -> dict[str, Any]:
    """What the pod has to know of the derivation."""
    return {
        "objects": build.store.objects,
        "var": build.store.var,
        "dref": str(build.dref),
        "config": build.config.canonical,
        "context": {str(dref): [*map(str, rrefs)] for dref, rrefs in build.context.items()},
        "log": log,
        "rindex": build.rindex,
    }


def _same_python(there: Sequence[int]) -> None:
    if tuple(there[:2]) != sys.version_info[:2]:
        here = ".".join(map(str, sys.version_info[:2]))
        raise OtherPython(here, ".".join(map(str, there[:2])))


def closure_of(store: Store, context: Mapping[DRef, Sequence[RRef]]) -> list[RRef]:
    """Give every realization that a context needs, directly or not."""
    found: dict[RRef, None] = {}
    todo = [rref for rrefs in context.values() for rref in rrefs]
    while todo:
        rref = todo.pop()
        if rref not in found:
            found[rref] = None
            todo += [inner for inners in context_of(store, rref).values() for inner in inners]
    return sorted(found)


def lent_packages() -> dict[str, str]:
    """Give the packages that a builder in a pod may import although its environment lacks them."""
    from importlib.util import find_spec

    places: dict[str, str] = {}
    for name in LENT:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            inner = os.path.dirname(spec.origin)
            places[name] = os.path.dirname(inner) if spec.submodule_search_locations else inner
    return places
