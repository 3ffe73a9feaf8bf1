"""`autostage`: a plain function is a stage, its parameters are the config, its code counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from pylightnix.core.context import Context
from pylightnix.core.errors import InstantiateError, InvalidValue
from pylightnix.core.refs import DRef
from pylightnix.engine.arguments import RealizeArg
from pylightnix.engine.build import Build
from pylightnix.engine.closure import Closure, takes_registry
from pylightnix.engine.matchers import Match, Matcher, match_only
from pylightnix.engine.registry import Registry
from pylightnix.engine.travel import reference, resolve
from pylightnix.store.layout import Store

from .ambient import resolved_registry
from .results import Result, arrived, results_of
from .sources import Sources
from .stage import mkconfig, mkdrv, realize_context

GIVEN = ("build", "rindex")
_REQUIRED = Parameter.empty


class Stage:
    """A function that has become a stage; `autostage` makes it.

    To call it leaves a derivation in the current registry and returns its DRef.

    Attributes:
        function: what is called for each output.
        options: the rest of what `autostage` was told.
    """

    takes_registry = False  # it asks for the current one itself, and `r` may be a parameter

    def __init__(self, function: Callable[..., object], options: Mapping[str, Any]) -> None:
        self.function, self.options = function, options
        self.__wrapped__ = function
        for name in ("__module__", "__qualname__", "__name__", "__doc__"):
            setattr(self, name, getattr(function, name, None))
        self.params = dict(signature(function).parameters)
        self._open = any(p.kind is Parameter.VAR_KEYWORD for p in self.params.values())
        more = options["sourcedeps"]
        self._sources = Sources(getattr(function, "__func__", function), more, _makes_stages)
        self._fixed = self._checked(options["fields"])

    def _checked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults of the signature, and what the decorator says instead of them."""
        kinds = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
        known = {
            name: param.default
            for name, param in self.params.items()
            if param.kind not in kinds and name not in GIVEN
        }
        self._refuse_strange(fields, known)
        return known | fields

    def _refuse_strange(self, fields: Iterable[str], known: Iterable[str]) -> None:
        for name in fields:
            if name in GIVEN or (name not in known and not self._open):
                have = ", ".join(known) or "none"
                what = "is given by pylightnix" if name in GIVEN else "is not a parameter"
                raise TypeError(f"{self.__qualname__}: {name!r} {what}; its parameters are: {have}")

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(self._fixed)
        if args:
            places = [name for name in self.params if name in self._fixed]
            if len(args) > len(places):
                raise TypeError(f"{self.__qualname__} takes {len(places)} values, not {len(args)}")
            twice = kwargs.keys() & set(places[: len(args)])
            if twice:
                raise TypeError(f"{self.__qualname__}: {sorted(twice)[0]!r} is given twice")
            values.update(zip(places, args, strict=False))
        self._refuse_strange(kwargs, self._fixed)
        values.update(kwargs)
        for name, value in values.items():
            if value is _REQUIRED:
                raise TypeError(
                    f"{self.__qualname__} needs a value for {name!r}: give {name}=..., "
                    "here, in autostage(...), or as a default"
                )
        return values

    def __call__(self, *args: Any, **kwargs: Any) -> DRef:
        given = kwargs.get("r")
        registry = resolved_registry(kwargs.pop("r") if isinstance(given, Registry) else None)
        if args or kwargs or not registry.busy:
            return self._made(registry, self._bound(args, kwargs))
        # Without this, stages that use one stage twice, in a row, would call the first 2**n times.
        made = registry.memo.get(self)
        if made is None or made not in registry.derivations:
            made = registry.memo[self] = self._made(registry, self._bound(args, kwargs))
        return made

    def _made(self, registry: Registry, values: dict[str, Any]) -> DRef:
        fields: dict[str, Any] = {"name": self.options["name"] or self.__name__}
        for name, value in values.items():
            fields[name] = _instantiated(value, registry, f"{self.__qualname__}: {name}")
        version = self.options["version"]
        if version is None:
            fields["__source__"] = self._sources.parts()
        else:
            fields["__version__"] = version
        realizer = Realizer(self)
        return mkdrv(mkconfig(fields), self.options["matcher"], realizer, registry)

    def __reduce__(self) -> tuple[Any, ...]:
        named = reference(self)
        return (Stage, (self.function, self.options)) if named is None else (resolve, (named,))

    def __repr__(self) -> str:
        return f"<stage {self.__module__}.{self.__qualname__}>"


def _makes_stages(thing: object) -> bool:
    inner = getattr(thing, "func", thing)
    return inner is autostage or inner is autodrv


def _instantiated(value: Any, registry: Registry, where: str) -> Any:
    """Replace stages by the DRefs that they leave."""
    if isinstance(value, dict):
        return {key: _instantiated(item, registry, where) for key, item in value.items()}
    if isinstance(value, list):
        return [_instantiated(item, registry, where) for item in value]
    if isinstance(value, Result):
        return value.dref
    if not callable(value):
        return value
    made = value(r=registry) if takes_registry(value) else value()
    if not isinstance(made, DRef):
        raise InstantiateError(
            f"{where} is a function, which is taken for a stage, and it returned "
            f"{type(made).__name__}: {made!r:.100} instead of a DRef"
        )
    return made


class Realizer:
    """Calls the function of a stage, once for each output."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.__module__, self.__qualname__ = stage.__module__, stage.__qualname__
        self.__name__, self.__doc__ = stage.__name__, stage.__doc__

    def __call__(self, store: Store, dref: DRef, context: Context, rarg: RealizeArg) -> list[Path]:
        nouts = self.stage.options["nouts"]
        build = Build(store, dref, context, rarg, nouts)
        for i, folder in enumerate(build.make_outputs()):
            args, kwargs = self._arguments(build, folder, rarg.rindex * nouts + i)
            self.stage.function(*args, **kwargs)
        return build.make_outputs()

    def _arguments(
        self, build: Build, folder: Path, rindex: int
    ) -> tuple[list[Any], dict[str, Any]]:
        from pylightnix.core.config import config_dict

        stage, fields = self.stage, config_dict(build.config)
        context, multiref = build.context, stage.options["always_multiref"]
        given = {"build": build, "rindex": rindex}
        args, kwargs = [], {}
        for name, value in fields.items():
            if name in stage.params or (stage._open and name not in ("__source__", "__version__")):
                kwargs[name] = arrived(build.store, value, str(folder), context, multiref=multiref)
        kwargs |= {name: given[name] for name in GIVEN if name in stage.params}
        for name, param in stage.params.items():
            if param.kind is Parameter.POSITIONAL_ONLY:
                args.append(kwargs.pop(name))
        return args, kwargs


def autostage(
    function: Callable[..., object] | None = None,
    /,
    *,
    name: str | None = None,
    matcher: Matcher | None = None,
    nouts: int = 1,
    sourcedeps: Iterable[Any] = (),
    version: str | None = None,
    always_multiref: bool = False,
    **fields: Any,
) -> Any:
    """Make a stage of a plain function."""
    if not isinstance(nouts, int) or nouts < 1:
        raise InvalidValue(f"a stage must have at least 1 output, not {nouts!r:.50}")
    options = {
        "name": name,
        "matcher": matcher or (match_only() if nouts == 1 else Match(rmin=nouts, rmax=nouts)),
        "nouts": nouts,
        "sourcedeps": tuple(sourcedeps),
        "version": version,
        "always_multiref": always_multiref,
        "fields": fields,
    }
    if function is not None:
        return Stage(function, options)
    return lambda function: Stage(function, options)


def autodrv(*args: Any, r: Registry | None = None, **options: Any) -> Any:
    """Make a stage of a function and call it at once, in the current registry: gives its DRef."""
    made = autostage(*args, **options)
    if isinstance(made, Stage):
        return made(r=resolved_registry(r))
    return lambda function: made(function)(r=resolved_registry(r))


def realizeU(closure: Closure, *args: Any, **options: Any) -> Any:
    """Realize a closure and give the results as objects whose attributes are their configs."""
    result, _ = realize_context(closure, *args, **options)
    return results_of(closure, result)
