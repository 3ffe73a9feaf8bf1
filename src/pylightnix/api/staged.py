"""A function that has become a stage, and how its parameters become a config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec

from pylightnix.core.errors import InstantiateError
from pylightnix.core.refs import DRef
from pylightnix.engine.closure import takes_registry
from pylightnix.engine.matchers import Matcher
from pylightnix.engine.registry import Realizer, Registry
from pylightnix.engine.wrapper import build_wrapper

from .ambient import resolved_registry
from .body import GIVEN, STARRED, Body
from .derive import mkconfig, mkdrv
from .results import HIDDEN, Result
from .sources import Sources
from .typed import Wanted

if TYPE_CHECKING:
    from pylightnix.sandbox.policy import Policy

P = ParamSpec("P")

_REQUIRED = Parameter.empty


class Options(NamedTuple):
    """What `autostage` was told, beside the values of parameters.

    Attributes:
        name: of the derivations; None for that of the function.
        matcher: of the derivations.
        nouts: how many outputs a build makes.
        sourcedeps: what counts as source beside what is found.
        version: a word of the user's instead of the source; None for the source.
        always_multiref: dependencies arrive as lists even where there is one.
        env: in which environment the function runs; None for this one's.
        policy: what it may see and use; None for what this process may.
    """

    name: str | None
    matcher: Matcher
    nouts: int
    sourcedeps: tuple[Any, ...]
    version: str | None
    always_multiref: bool
    env: Callable[..., DRef] | DRef | None = None
    policy: Policy | None = None


class Stage(Generic[P]):
    """A function that has become a stage; `autostage` makes it.

    To call it leaves a derivation in the current registry and returns its DRef.

    Attributes:
        function: is called for each output.
        options: what `autostage` was told.
        fields: values of parameters that it was told.
    """

    takes_registry = False  # it asks for the current one itself, and `r` may be a parameter

    def __init__(
        self, function: Callable[..., object], options: Options, fields: Mapping[str, Any]
    ) -> None:
        self.function, self.options, self.fields = function, options, dict(fields)
        self.label = str(getattr(function, "__qualname__", function))
        # Type checkers are not told of these: without them they know a stage from a function.
        named: dict[str, Any] = {"__wrapped__": function, "__qualname__": self.label}
        for name in ("__module__", "__name__", "__doc__"):
            named[name] = getattr(function, name, None)
        self.__dict__.update(named)
        self.name = options.name or str(named["__name__"])
        self.params = dict(signature(function).parameters)
        self.is_open = any(p.kind is Parameter.VAR_KEYWORD for p in self.params.values())
        self.kinds: dict[str, type[Result]] = {}
        self._sources = Sources(function, options.sourcedeps, makes_stages)
        self._fixed = self._defaults()
        self.body = Body(
            function,
            {name: int(param.kind) for name, param in self.params.items()},
            self.kinds,
            options.always_multiref,
            "name" in self.params or "name" in self.fields,
            self,
        )
        self._realizer: Realizer = build_wrapper(
            self.body, options.nouts, env=options.env, policy=options.policy
        )

    def _defaults(self) -> dict[str, Any]:
        """Defaults of the signature, and what the decorator says instead of them."""
        known = {
            name: param.default
            for name, param in self.params.items()
            if param.kind not in STARRED and name not in GIVEN
        }
        self._refuse_strange(self.fields, known)
        known |= self.fields
        if "name" in known and (self.options.name or known["name"] is _REQUIRED):
            known["name"] = self.name
        for name, default in known.items():
            if isinstance(default, Wanted):
                self.kinds[name] = default.kind
                known[name] = default.stage
        return known

    @property
    def __signature__(self) -> Signature:
        """What it can be called with, for `help` and the command line."""
        taken = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=x) for name, x in self._fixed.items()
        ]
        if self.is_open:
            taken.append(Parameter("fields", Parameter.VAR_KEYWORD))
        return Signature(taken)

    def _refuse_strange(self, fields: Iterable[str], known: Iterable[str]) -> None:
        for name in fields:
            if name in (*GIVEN, *HIDDEN):
                raise TypeError(f"{self.label}: {name!r} is made by pylightnix; leave it out")
            if name not in known and not self.is_open:
                have = ", ".join(known) or "none"
                raise TypeError(f"{self.label} has no parameter {name!r}; it has: {have}")

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Give every parameter its value."""
        self._refuse_strange(kwargs, self._fixed)
        values = {**self._fixed, **kwargs}
        if args:
            places = [
                name
                for name in self._fixed
                if name not in self.params or self.params[name].kind is not Parameter.KEYWORD_ONLY
            ]
            if len(args) > len(places):
                raise TypeError(f"{self.label} takes {len(places)} values by place: {places}")
            taken = dict(zip(places, args, strict=False))
            for name in taken.keys() & kwargs.keys():
                raise TypeError(f"{self.label}: {name!r} is given twice")
            values |= taken
        for name, value in values.items():
            if value is _REQUIRED:
                raise TypeError(
                    f"{self.label} needs a value for {name!r}: give {name}=... here, in "
                    "autostage(...), or as its default"
                )
        return values

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> DRef:
        fields: dict[str, Any] = kwargs
        r = fields.pop("r") if isinstance(fields.get("r"), Registry) else None
        registry = resolved_registry(r)
        if args or fields or not registry.busy:
            return self._made(registry, self._bound(args, fields))
        # Without this, stages that use one stage twice, in a row, would call the first 2**n times.
        made = registry.memo.get(self)
        if made is None or made not in registry.derivations:
            made = registry.memo[self] = self._made(registry, self._bound(args, fields))
        return made

    def _made(self, registry: Registry, values: Mapping[str, Any]) -> DRef:
        fields: dict[str, Any] = {"name": self.name}
        for name, value in values.items():
            fields[name] = _instantiated(value, registry, f"{self.label}: {name}")
        if self.options.version is None:
            fields["__source__"] = self._sources.parts()
        else:
            fields["__version__"] = self.options.version
        return mkdrv(mkconfig(fields), self.options.matcher, self._realizer, registry)

    def __reduce__(self) -> tuple[Any, ...]:
        from pylightnix.engine.travel import reference, resolve

        named = reference(self)
        if named is not None:
            return resolve, (named,)
        return Stage, (self.function, self.options, self.fields)

    def __repr__(self) -> str:
        return f"<stage {self.label}>"


def makes_stages(thing: object) -> bool:
    """Tell whether a decorator is one of those that make stages."""
    inner = getattr(thing, "func", thing)  # of a partial
    home, name = getattr(inner, "__module__", None), getattr(inner, "__name__", None)
    return home == "pylightnix.api.autostage" and name in ("autostage", "autodrv")


def _instantiated(value: Any, registry: Registry, where: str) -> Any:
    """Replace stages by the DRefs that they leave.

    Raises:
        InstantiateError: a function is no stage.
    """
    if isinstance(value, dict):
        return {key: _instantiated(item, registry, where) for key, item in value.items()}
    if isinstance(value, list):
        return [_instantiated(item, registry, where) for item in value]
    if isinstance(value, Wanted):
        return _instantiated(value.stage, registry, where)
    if not callable(value):
        return value
    made = value(r=registry) if takes_registry(value) else value()
    if not isinstance(made, DRef):
        raise InstantiateError(
            f"{where} is a function, which is taken for a stage, and it returned "
            f"{type(made).__name__} {made!r:.100} instead of a DRef: call it first, or decorate it "
            "with @autostage"
        )
    return made
